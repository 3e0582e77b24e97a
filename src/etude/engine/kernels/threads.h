// Work shared with the threads of XLA's own pool.

#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <thread>

#include "xla/ffi/api/ffi.h"

namespace etude {

// Calls task(0) ... task(count - 1), each once, on the caller's thread and on those of the pool
// that come in time. Returns when all are done. The caller never waits for a task that nobody has
// begun, so that a pool whose threads all wait here cannot stand still.
template <typename Task>
void share(xla::ffi::ThreadPool& pool, int64_t count, const Task& task) {
  struct State {
    std::atomic<int64_t> next{0}, done{0};
  };
  const int64_t helpers = std::min<int64_t>(pool.num_threads(), count) - 1;
  auto state = std::make_shared<State>();
  // A late helper finds nothing left, and touches only what it holds itself.
  auto work = [state, count, &task]() {
    for (int64_t i; (i = state->next.fetch_add(1)) < count;) {
      task(i);
      state->done.fetch_add(1);
    }
  };
  for (int64_t i = 0; i < helpers; ++i) pool.Schedule([work]() mutable { work(); });
  work();
  while (state->done.load() < count) std::this_thread::yield();
}

constexpr int64_t kSmall = 100 * 1000;  // multiply-adds that are not worth waking a thread for

// Calls task(0) ... task(count - 1), some in a row on one thread, each of which is so much work.
template <typename Task>
void share_chunks(xla::ffi::ThreadPool& pool, int64_t count, int64_t work, const Task& task) {
  const bool alone = count * work < kSmall;
  const int64_t wanted = alone ? 1 : 4 * std::max<int64_t>(pool.num_threads(), 1);
  const int64_t chunks = std::min(wanted, count);
  auto chunk = [&](int64_t index) {
    const int64_t end = count * (index + 1) / chunks;
    for (int64_t i = count * index / chunks; i < end; ++i) task(i);
  };
  if (chunks == 1) return chunk(0);
  share(pool, chunks, chunk);
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
