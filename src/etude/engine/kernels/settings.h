// How XLA calls the kernels over images: one or two arrays, a result, and the settings of a window.

#pragma once

#include "geometry.h"
#include "xla/ffi/api/ffi.h"

namespace etude {

namespace ffi = xla::ffi;

using Floats = ffi::Buffer<ffi::F32>;
using Numbers = ffi::Span<const int64_t>;

// The settings, each with an entry for every dimension; missing dimensions come first.
inline Convolution convolution(Numbers images, Numbers filters, Numbers outputs, Numbers strides,
                               Numbers low, Numbers dilation, int64_t groups) {
  const int rank = static_cast<int>(strides.size());
  Convolution c{images[0], images[rank + 1], outputs[rank + 1], groups, {}, {}, {}, {}, {}, {}};
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
  c.low = filled(low, 0, 0);
  c.dilation = filled(dilation, 0, 1);
  return c;
}

template <void kernel(ffi::ThreadPool&, const Convolution&, const float*, const float*, float*)>
ffi::Error call(ffi::ThreadPool pool, Floats a, Floats b, ffi::Result<Floats> to, Numbers images,
                Numbers filters, Numbers outputs, Numbers strides, Numbers low, Numbers dilation,
                int64_t groups) {
  const auto c = convolution(images, filters, outputs, strides, low, dilation, groups);
  kernel(pool, c, a.typed_data(), b.typed_data(), to->typed_data());
  return ffi::Error::Success();
}

template <void kernel(ffi::ThreadPool&, const Convolution&, const float*, float*)>
ffi::Error call_unary(ffi::ThreadPool pool, Floats a, ffi::Result<Floats> to, Numbers images,
                      Numbers filters, Numbers outputs, Numbers strides, Numbers low,
                      Numbers dilation, int64_t groups) {
  const auto c = convolution(images, filters, outputs, strides, low, dilation, groups);
  kernel(pool, c, a.typed_data(), to->typed_data());
  return ffi::Error::Success();
}

// Makes a function one that XLA can call by a name, with so many arrays before the result.
#define ETUDE_HANDLER(name, function, arrays)           \
  XLA_FFI_DEFINE_HANDLER_SYMBOL(name, function,         \
                                ffi::Ffi::Bind()        \
                                    .Ctx<ffi::ThreadPool>() \
                                    arrays              \
                                    .Ret<Floats>()      \
                                    .Attr<Numbers>("images") \
                                    .Attr<Numbers>("filters") \
                                    .Attr<Numbers>("outputs") \
                                    .Attr<Numbers>("strides") \
                                    .Attr<Numbers>("low") \
                                    .Attr<Numbers>("dilation") \
                                    .Attr<int64_t>("groups"))

// A kernel(pool, settings, a, b, result), and a kernel(pool, settings, a, result).
#define ETUDE_KERNEL(name, kernel) \
  ETUDE_HANDLER(name, call<kernel>, .Arg<Floats>().Arg<Floats>())
#define ETUDE_UNARY_KERNEL(name, kernel) \
  ETUDE_HANDLER(name, call_unary<kernel>, .Arg<Floats>())

}  // namespace etude
