// How XLA calls the kernels over images: one or two arrays, a result, and the settings of a window.

#pragma once

#include "calls.h"
#include "geometry.h"

namespace etude {

// The settings, each with an entry for every dimension; missing dimensions come first.
inline Convolution convolution(const Settings& settings) {
  const Numbers images = settings.numbers("images"), filters = settings.numbers("filters"),
                outputs = settings.numbers("outputs"), strides = settings.numbers("strides");
  const int rank = static_cast<int>(strides.count);
  Convolution c{images[0], images[rank + 1], outputs[rank + 1], settings.number("groups"),
                {}, {}, {}, {}, {}, {}};
  auto filled = [rank](Numbers values, int skipped, int64_t missing) {
    Sizes found;
    for (int a = 0; a < kRank; ++a) {
      const int own = a - (kRank - rank);
      found[a] = own < 0 ? missing : values[skipped + own];
    }
    return found;
  };
  c.in = filled(images, 1, 1);
  c.out = filled(outputs, 1, 1);
  c.window = filled(filters, 0, 1);
  c.stride = filled(strides, 0, 1);
  c.low = filled(settings.numbers("low"), 0, 0);
  c.dilation = filled(settings.numbers("dilation"), 0, 1);
  return c;
}

// Makes a kernel(pool, settings, a, result), or (pool, settings, a, b, result), one for `call`.
template <void kernel(const Pool&, const Convolution&, const float*, float*)>
void unary(Pool pool, Settings settings, Floats a, Result to) {
  kernel(pool, convolution(settings), a.data(), to.data());
}

template <void kernel(const Pool&, const Convolution&, const float*, const float*, float*)>
void binary(Pool pool, Settings settings, Floats a, Floats b, Result to) {
  kernel(pool, convolution(settings), a.data(), b.data(), to.data());
}

}  // namespace etude
