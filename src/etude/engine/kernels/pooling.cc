// Maximum pooling of 32-bit floats, and the way back to where each maximum was found.
//
// Channels lie side by side, so that a vector holds the same place of several channels. Images are
// handed out to threads.

#include <cmath>

#include "settings.h"
#include "threads.h"

namespace etude {

typedef int32_t Choice __attribute__((vector_size(4 * kWidth)));  // lanes of 0 or -1, or places

// What one output sees of an image: as many places as its window has in there, in the order in
// which ties count; and whether it begins in there. What lies outside is -∞.
struct Seen {
  const Offset* places;
  int32_t count;
  bool begins_inside;
};

// What all outputs of an image see, made once for all images.
class Windows {
 public:
  explicit Windows(const Convolution& c) {
    for (int64_t d = 0; d < c.out[0]; ++d) {
      for (int64_t h = 0; h < c.out[1]; ++h) {
        for (int64_t w = 0; w < c.out[2]; ++w) {
          first_.push_back(places_.size());
          begins_inside_.push_back(false);
          add(c, {d, h, w});
        }
      }
    }
    first_.push_back(places_.size());
  }

  Seen operator[](int64_t output) const {
    const int64_t first = first_[output];
    return {places_.data() + first, static_cast<int32_t>(first_[output + 1] - first),
            begins_inside_[output]};
  }

 private:
  void add(const Convolution& c, const Sizes& output) {
    auto place = [&](int a, int64_t k) { return output[a] * c.stride[a] - c.low[a] + k; };
    auto is_inside = [&](int a, int64_t k) { return place(a, k) >= 0 && place(a, k) < c.in[a]; };
    for (int64_t d = 0; d < c.window[0]; ++d) {
      for (int64_t h = 0; h < c.window[1]; ++h) {
        for (int64_t w = 0; w < c.window[2]; ++w) {
          if (!is_inside(0, d) || !is_inside(1, h) || !is_inside(2, w)) continue;
          if (d + h + w == 0) begins_inside_.back() = true;
          const int64_t row = place(0, d) * c.in[1] + place(1, h);
          places_.push_back(static_cast<Offset>((row * c.in[2] + place(2, w)) * c.channels));
        }
      }
    }
  }

  std::vector<Offset> places_;
  std::vector<int64_t> first_;
  std::vector<bool> begins_inside_;
};

// Calls part(i, load) for all channels, a vector of them at a time: load(from) reads one, of which
// the last may have lanes that belong to nothing.
template <typename Part>
inline void each_part(int64_t channels, const float* end, const Part& part) {
  int64_t i = 0;
  for (; i + kWidth <= channels; i += kWidth) part(i, [](const float* from) { return load(from); });
  if (i < channels) part(i, [end](const float* from) { return load_within(from, end); });
}

// The maximum of what one output sees, for all channels. What is not a number stays.
inline void store_maximum(const float* image, const float* end, const Seen& seen, int64_t channels,
                          float* y) {
  each_part(channels, end, [=](int64_t i, auto load_at) {
    Vector best = Vector{} - INFINITY;
    for (int32_t k = 0; k < seen.count; ++k) {
      const Vector value = load_at(image + seen.places[k] + i);
      best = ((value > best) | (value != value)) ? value : best;
    }
    store_first(y + i, best, channels - i);
  });
}

// y gets the maximum of each window.
void max_pool(const Pool& pool, const Convolution& c, const float* x, float* y) {
  const Windows windows(c);
  const int64_t step = product(c.in) * c.channels, outputs = product(c.out);
  share_chunks(pool, c.batch, outputs * product(c.window) * c.channels, [&](int64_t n) {
    for (int64_t o = 0; o < outputs; ++o) {
      store_maximum(x + n * step, x + c.batch * step, windows[o], c.channels,
                    y + (n * outputs + o) * c.channels);
    }
  });
}

// Whether each place of an image lies in exactly one window.
bool is_tiled(const Convolution& c) {
  bool found = true;
  for (int a = 0; a < kRank; ++a) {
    found &= c.low[a] == 0 && c.stride[a] == c.window[a] && c.out[a] * c.window[a] == c.in[a];
  }
  return found;
}

// Adds g where the first maximum of what one output sees lies, for all channels: where the last
// number is that exceeds all before it. What is not a number exceeds none, and is exceeded by none.
//
// is_tiled: no other window sees these places, and nothing has been written there yet.
template <bool is_tiled>
inline void add_at_maximum(const float* image, const float* end, const Seen& seen,
                           int64_t channels, const float* g, const float* g_end, float* to,
                           const float* to_end) {
  each_part(channels, end, [=](int64_t i, auto load_at) {
    Vector best = Vector{} - INFINITY;
    Choice first = Choice{} - 1;  // none
    for (int32_t k = 0; k < seen.count; ++k) {
      const Vector value = load_at(image + seen.places[k] + i);
      const bool is_first = k == 0 && seen.begins_inside;
      const Choice better = is_first ? Choice{} - 1 : value > best;
      best = (better | (value != value)) ? value : best;
      first = better ? Choice{} + k : first;
    }
    const Vector own = load_within(g + i, g_end);
    for (int32_t k = 0; k < seen.count; ++k) {
      float* at = to + seen.places[k] + i;
      const Vector before = is_tiled ? Vector{} : load_within(at, to_end);
      store_first(at, before + (first == k ? own : Vector{}), channels - i);
    }
  });
}

// dx gets each g where its window has its first maximum.
void max_pool_scatter(const Pool& pool, const Convolution& c, const float* g, const float* x,
                      float* dx) {
  const Windows windows(c);
  const int64_t step = product(c.in) * c.channels, outputs = product(c.out);
  const float* g_end = g + c.batch * outputs * c.channels;
  const bool tiled = is_tiled(c);
  const auto add = tiled ? add_at_maximum<true> : add_at_maximum<false>;
  share_chunks(pool, c.batch, outputs * product(c.window) * c.channels, [&](int64_t n) {
    if (!tiled) std::fill_n(dx + n * step, step, 0.0f);
    for (int64_t o = 0; o < outputs; ++o) {
      add(x + n * step, x + c.batch * step, windows[o], c.channels,
          g + (n * outputs + o) * c.channels, g_end, dx + n * step, dx + c.batch * step);
    }
  });
}

ETUDE_KERNEL(etude_max_pool, unary<max_pool>)
ETUDE_KERNEL(etude_max_pool_scatter, binary<max_pool_scatter>)

}  // namespace etude
