// Convolutions of 32-bit floats, their two gradients, of any rank to three, stride, padding,
// dilation, and grouping.
//
// Nothing is unrolled into columns: an output is a sum over taps, read from where the images lie
// (in a copy with zeros around them, where the padding asks for that), and a tile of outputs by
// filters stays in registers until it is complete. Images are handed out to threads in chunks.

#include "settings.h"
#include "threads.h"

namespace etude {

constexpr int64_t kChunk = 256;       // outputs that use what is in the cache for them
constexpr int64_t kCopied = 1 << 20;  // floats of images that are copied for them

// A sum over taps for all images: what is seen where, and where the results go.
struct Phase {
  std::vector<Offset> windows, stored;  // for each output: where its window begins, where it goes
  std::vector<Range> taps;              // for each output: outside of these it sees zeros alone
  std::vector<Offset> rows;             // what each row of the filters sees of a window
  std::vector<float> filters;  // [group][block][tap, channel][vectors of the block]
};

// Rows of filters in the order in which a tile reads them, padded to whole vectors with zeros.
//
// at(group, tap, channel, feature): an entry of the filters, whose features are neighbours in
// memory, or else its channels.
template <typename At>
std::vector<float> packed(ffi::ThreadPool& pool, const std::vector<Place>& taps, int64_t groups,
                          int64_t channels, int64_t features, bool are_channels, const At& at) {
  const auto blocks = column_blocks(features);
  const int64_t rows = taps.size() * channels, width = rounded_up(features, kWidth);
  std::vector<float> found(groups * rows * width);
  share_chunks(pool, groups * blocks.size(), rows * kWidth, [&](int64_t index) {
    const int64_t group = index / blocks.size();
    const auto [first, vectors] = blocks[index % blocks.size()];
    float* to = found.data() + (group * width + first * kWidth) * rows;
    for (const Place& tap : taps) {
      pack_block(to, channels, first, vectors, features, are_channels,
                 [&](int64_t c, int64_t f) { return at(group, tap.filter, c, f); });
      to += channels * vectors * kWidth;
    }
  });
  return found;
}

// How many images make a chunk; one at least.
int64_t images_of_chunk(int64_t outputs, int64_t floats) {
  const int64_t wanted = (kChunk + outputs - 1) / std::max<int64_t>(outputs, 1);
  return std::max<int64_t>(1, std::min(wanted, kCopied / std::max<int64_t>(floats, 1)));
}

// Images with room around them: a copy of them in `scratch`, or themselves where none is needed.
const float* in_room(const float* images, int64_t count, const Sizes& in, int64_t channels,
                     const Room& room, Scratch& scratch) {
  if (!room.is_needed(in)) return images;
  const int64_t step = room.floats(channels);
  float* to = scratch.floats(count * step);
  for (int64_t n = 0; n < count; ++n) {
    give_room(images + n * product(in) * channels, in, channels, room, to + n * step);
  }
  return to;
}

// Computes the outputs `begin` to `end` of images that lie `step` apart, for one phase.
void run_phase(const Phase& phase, const float* images, int64_t step, int64_t count, float* out,
               int64_t out_step, int64_t begin, int64_t end, int64_t groups, int64_t channels,
               int64_t features) {
  const float* filters = phase.filters.data();
  for (int64_t group = 0; group < groups; ++group) {
    for (const auto& [first, vectors] : column_blocks(features)) {
      const int64_t tile = rows(static_cast<int>(vectors));
      const int64_t columns = std::min(vectors * kWidth, features - first * kWidth);
      for (int64_t n = 0; n < count; ++n) {
        const float* x = images + n * step + group * channels;
        float* y = out + n * out_step + group * features + first * kWidth;
        for (int64_t p = begin, taken; p < end; p += taken) {
          taken = next_tile(end - p, tile);
          const Range taps = united(&phase.taps[p], taken);
          const int64_t first_row = taps.begin * channels;
          multiply_tile(taken, vectors)(x, &phase.windows[p], phase.rows.data() + first_row,
                                        (taps.end - taps.begin) * channels,
                                        filters + first_row * vectors * kWidth, y,
                                        &phase.stored[p], columns);
        }
      }
      filters += phase.rows.size() * vectors * kWidth;
    }
  }
}

// Runs all phases over all images: in chunks of images, or of one image's outputs if they are few.
void run_phases(ffi::ThreadPool& pool, const std::vector<Phase>& phases, const float* in,
                const Sizes& in_sizes, int64_t in_channels, const Room& room, float* out,
                const Sizes& out_sizes, int64_t out_channels, int64_t batch, int64_t groups) {
  int64_t outputs = 0, work = 0;
  for (const Phase& phase : phases) {
    outputs += phase.windows.size();
    work += phase.windows.size() * phase.filters.size();
  }
  if (outputs == 0 || batch == 0) return;
  const int64_t threads = threads_for(pool, work * batch);
  const int64_t fair = (batch + 4 * threads - 1) / (4 * threads);
  const int64_t in_image = product(in_sizes) * in_channels;
  const int64_t in_step = room.floats(in_channels);
  const int64_t out_step = product(out_sizes) * out_channels;
  const int64_t images = std::min(fair, images_of_chunk(outputs, in_step));
  const int64_t chunks = (batch + images - 1) / images;
  const bool enough = threads == 1 || chunks >= 2 * threads;
  const int64_t parts = enough ? 1 : std::min<int64_t>(2 * threads, outputs);

  auto task = [&](int64_t index) {
    static thread_local Scratch scratch;
    const int64_t chunk = index / parts, part = index % parts;
    const int64_t first = chunk * images, count = std::min(images, batch - first);
    const float* seen = in_room(in + first * in_image, count, in_sizes, in_channels, room, scratch);
    for (const Phase& phase : phases) {
      const int64_t size = phase.windows.size();
      run_phase(phase, seen, in_step, count, out + first * out_step, out_step, size * part / parts,
                size * (part + 1) / parts, groups, in_channels / groups, out_channels / groups);
    }
  };
  share(pool, threads, chunks * parts, task);
}

void forward(ffi::ThreadPool& pool, const Convolution& c, const float* x, const float* w,
             float* y) {
  const std::array<Axis, kRank> axes{forward_axis(c, 0), forward_axis(c, 1), forward_axis(c, 2)};
  const Room room = room_for({{{axes[0]}, {axes[1]}, {axes[2]}}}, c.in);
  const auto taps = places(axes, c.window, room, c.channels);
  const int64_t channels = c.group_channels(), features = c.group_features();
  Phase phase{offsets(axes, room.size, c.channels, false),
              offsets(axes, c.out, c.features, true), seen_taps(axes, c.in),
              rows_of(taps, channels),
              packed(pool, taps, c.groups, channels, features, false,
                     [&](int64_t group, int64_t tap, int64_t channel, int64_t feature) {
                       return w[(tap * channels + channel) * c.features + group * features +
                                feature];
                     })};
  run_phases(pool, {phase}, x, c.in, c.channels, room, y, c.out, c.features, c.batch, c.groups);
}

void input_gradient(ffi::ThreadPool& pool, const Convolution& c, const float* g, const float* w,
                    float* dx) {
  const std::array<std::vector<Axis>, kRank> axes{gradient_axes(c, 0), gradient_axes(c, 1),
                                                  gradient_axes(c, 2)};
  const Room room = room_for(axes, c.out);
  const int64_t channels = c.group_channels(), features = c.group_features();
  auto transposed = [&](int64_t group, int64_t tap, int64_t feature, int64_t channel) {
    return w[(tap * channels + channel) * c.features + group * features + feature];
  };
  std::vector<Phase> phases;
  for (const Axis& d : axes[0]) {
    for (const Axis& h : axes[1]) {
      for (const Axis& v : axes[2]) {
        const std::array<Axis, kRank> own{d, h, v};
        const auto taps = places(own, c.window, room, c.features);
        phases.push_back({offsets(own, room.size, c.features, false),
                          offsets(own, c.in, c.channels, true), seen_taps(own, c.out),
                          rows_of(taps, features),
                          packed(pool, taps, c.groups, features, channels, true, transposed)});
      }
    }
  }
  run_phases(pool, phases, g, c.out, c.features, room, dx, c.in, c.channels, c.batch, c.groups);
}

// Adds the filters' gradient of some outputs, whose images have their room already, to `dw`:
// [group][tap, channel][features, whole vectors]. Lanes that belong to no feature come to nothing.
void add_filter_gradient(const Convolution& c, const std::vector<Offset>& rows_seen,
                         const Offset* windows, int64_t outputs, const float* x, const float* g,
                         const float* g_end, float* dw) {
  static thread_local Scratch scratch;
  const int64_t features = c.group_features(), width = rounded_up(features, kWidth);
  const int64_t depth = rows_seen.size();
  for (int64_t group = 0; group < c.groups; ++group) {
    for (const auto& [first, vectors] : column_blocks(features)) {
      // Gradients of these features side by side: all rows read them, out of the nearest cache.
      const int64_t step = vectors * kWidth;
      float* block = scratch.floats(outputs * step);
      for (int64_t p = 0; p < outputs; ++p) {
        const float* from = g + p * c.features + first * kWidth;
        for (int64_t v = 0; v < step; v += kWidth) {
          store(block + p * step + v, load_within(from + v, g_end));
        }
      }
      const int64_t tile = rows(static_cast<int>(vectors));
      for (int64_t r = 0, taken; r < depth; r += taken) {
        taken = next_tile(depth - r, tile);
        accumulate_tile(taken, vectors)(x, &rows_seen[r], windows, outputs, block, step,
                                        dw + r * width + first * kWidth, width);
      }
    }
    x += c.group_channels();
    g += features;
    dw += depth * width;
  }
}

void filter_gradient(ffi::ThreadPool& pool, const Convolution& c, const float* x, const float* g,
                     float* dw) {
  const std::array<Axis, kRank> axes{forward_axis(c, 0), forward_axis(c, 1), forward_axis(c, 2)};
  const Room room = room_for({{{axes[0]}, {axes[1]}, {axes[2]}}}, c.in);
  const auto rows_seen = rows_of(places(axes, c.window, room, c.channels), c.group_channels());
  const int64_t features = c.group_features(), width = rounded_up(features, kWidth);
  const int64_t taps = rows_seen.size(), outputs = product(c.out);
  const int64_t size = c.groups * taps * width;
  const int64_t in_image = product(c.in) * c.channels;
  const int64_t in_step = room.floats(c.channels);
  // As many parts as threads, so that sums come out the same in every run on a machine.
  const int64_t threads = threads_for(pool, c.batch * outputs * size);
  const int64_t parts = std::max<int64_t>(1, std::min(threads, c.batch));
  static thread_local Scratch kept;
  float* sums = kept.floats(parts * size);
  std::fill_n(sums, parts * size, 0.0f);
  // So many images at a time that the sums need not leave the registers often.
  const int64_t images = images_of_chunk(outputs, in_step);
  std::vector<Offset> windows = offsets(axes, room.size, c.channels, false);
  for (int64_t i = 0; i < (images - 1) * outputs; ++i) {
    windows.push_back(static_cast<Offset>(windows[i] + in_step));
  }

  auto task = [&](int64_t part) {
    static thread_local Scratch scratch;
    const int64_t end = c.batch * (part + 1) / parts;
    for (int64_t n = c.batch * part / parts; n < end; n += images) {
      const int64_t count = std::min(images, end - n);
      const float* seen = in_room(x + n * in_image, count, c.in, c.channels, room, scratch);
      const float* gradient = g + n * outputs * c.features;
      for (int64_t p = 0, taken; p < count * outputs; p += taken) {
        taken = next_tile(count * outputs - p, kChunk);
        add_filter_gradient(c, rows_seen, &windows[p], taken, seen, gradient + p * c.features,
                            g + c.batch * outputs * c.features, sums + part * size);
      }
    }
  };
  share(pool, threads, parts, task);
  for (int64_t tap = 0; tap < taps; ++tap) {
    for (int64_t group = 0; group < c.groups; ++group) {
      float* to = dw + tap * c.features + group * features;
      const float* from = sums + (group * taps + tap) * width;
      for (int64_t f = 0; f < features; ++f) {
        float sum = 0;
        for (int64_t part = 0; part < parts; ++part) sum += from[part * size + f];
        to[f] = sum;
      }
    }
  }
}

ETUDE_KERNEL(etude_conv, forward);
ETUDE_KERNEL(etude_conv_input_gradient, input_gradient);
ETUDE_KERNEL(etude_conv_filter_gradient, filter_gradient);

}  // namespace etude
