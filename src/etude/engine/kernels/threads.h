// Work shared with the threads of XLA's own pool.

#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <thread>

#include "calls.h"

namespace etude {

constexpr int64_t kSmall = 100 * 1000;  // multiply-adds that are not worth waking a thread for

// How many threads so much work, in multiply-adds, is worth.
inline int64_t threads_for(const Pool& pool, int64_t work) {
  return work < kSmall ? 1 : std::max<int64_t>(pool.num_threads(), 1);
}

// Calls task(0) ... task(count - 1), each once: in order on the caller's thread, where it shall be
// the only one, else also on those of the pool that come in time. Returns when all are done. The
// caller never waits for a task that nobody has begun, so that a pool whose threads all wait here
// cannot stand still.
template <typename Task>
void share(const Pool& pool, int64_t threads, int64_t count, const Task& task) {
  const int64_t helpers = std::min(threads, count) - 1;
  if (helpers <= 0) {
    for (int64_t i = 0; i < count; ++i) task(i);
    return;
  }
  struct State {
    std::atomic<int64_t> next{0}, done{0};
  };
  auto state = std::make_shared<State>();
  // A late helper finds nothing left, and touches only what it holds itself.
  auto work = [state, count, &task]() {
    for (int64_t i; (i = state->next.fetch_add(1)) < count;) {
      task(i);
      state->done.fetch_add(1);
    }
  };
  for (int64_t i = 0; i < helpers; ++i) pool.schedule(work);
  work();
  while (state->done.load() < count) std::this_thread::yield();
}

// Calls task(0) ... task(count - 1), some in a row on one thread, each of which is so much work.
template <typename Task>
void share_chunks(const Pool& pool, int64_t count, int64_t work, const Task& task) {
  const int64_t threads = threads_for(pool, count * work);
  const int64_t chunks = threads == 1 ? 1 : std::min(4 * threads, count);
  share(pool, threads, chunks, [&](int64_t index) {
    const int64_t end = count * (index + 1) / chunks;
    for (int64_t i = count * index / chunks; i < end; ++i) task(i);
  });
}

// Memory that a thread keeps from one call to the next: fresh pages cost more than the work on
// them.
class Scratch {
 public:
  ~Scratch() { std::free(data_); }

  float* floats(int64_t count) {
    if (count > size_) {
      std::free(data_);
      size_ = (count + count / 8 + 1023) / 1024 * 1024;
      data_ = static_cast<float*>(std::aligned_alloc(64, size_ * sizeof(float)));
    }
    return data_;
  }

 private:
  float* data_ = nullptr;
  int64_t size_ = 0;
};

}  // namespace etude
