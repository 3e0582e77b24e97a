// Convolutions of 32-bit floats, their two gradients, of any rank to three, stride, padding,
// dilation, and grouping.
//
// Nothing is unrolled into columns: an output is a sum over taps, read from where the images lie
// (in a copy with zeros around them, where the padding asks for that), and a tile of outputs by
// filters stays in registers until it is complete. Of small images a tile takes one output of
// several, which see the same taps. Images are handed out to threads in chunks.

#include "settings.h"
#include "threads.h"

namespace etude {

constexpr int64_t kChunk = 256;         // outputs that use what is in the cache for them
constexpr int64_t kCopied = 1 << 20;    // floats of images that are copied for them
constexpr int64_t kTogether = 1 << 16;  // floats of images that are gone through side by side

// What a sum over taps reads of the filters.
struct Filters {
  std::vector<Offset> rows;   // what each row sees, from where a window begins
  std::vector<float> packed;  // [group][block][tap, channel][vectors of the block]
};

// Outputs that are computed in registers at once, and over which pieces of the filters' rows.
struct Tile {
  int32_t first, count;
  Range pieces;
};

// The outputs of an image, or of some images that lie one behind the other.
struct Outputs {
  std::vector<Offset> windows, stored;  // for each: where its window begins, where it goes
  std::vector<Range> pieces;            // of the filters' rows
  std::array<std::vector<Tile>, kMostVectors> tiles;  // by the vectors of a block of filters
};

// Rows of filters in the order in which a tile reads them, padded to whole vectors with zeros.
//
// at(group, tap, channel, feature): an entry of the filters, whose features are neighbours in
// memory, or else its channels.
template <typename At>
std::vector<float> packed(const Pool& pool, const std::vector<Place>& taps, int64_t groups,
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

// Calls add(kind, most) for each kind of block that the filters are cut into: its vectors less one,
// and how many outputs a tile has there.
template <typename Add>
void each_kind_of_block(int64_t features, const Add& add) {
  std::array<bool, kMostVectors> is_done{};
  for (const auto& [first, vectors] : column_blocks(features)) {
    if (!is_done[vectors - 1]) add(vectors - 1, rows(static_cast<int>(vectors)));
    is_done[vectors - 1] = true;
  }
}

// The outputs of an image that has room around it, in tiles of neighbours. The sum of a tile is one
// piece: from the first tap that sees the image, for any of them, to the last.
Outputs neighbours(const std::array<Axis, kRank>& axes, const Sizes& in, const Room& room,
                   int64_t in_channels, const Sizes& out, int64_t out_channels, int64_t channels,
                   int64_t features) {
  Outputs found{offsets(axes, room.size, in_channels, false),
                offsets(axes, out, out_channels, true), {}, {}};
  const std::vector<Range> taps = seen_taps(axes, in);
  const int64_t outputs = taps.size();
  each_kind_of_block(features, [&](int64_t kind, int64_t most) {
    for (int64_t p = 0, taken; p < outputs; p += taken) {
      taken = next_tile(outputs - p, most);
      const Range seen = united(&taps[p], taken);
      const int32_t piece = found.pieces.size();
      found.pieces.push_back({static_cast<int32_t>(seen.begin * channels),
                              static_cast<int32_t>(seen.end * channels)});
      found.tiles[kind].push_back(
          {static_cast<int32_t>(p), static_cast<int32_t>(taken), {piece, piece + 1}});
    }
  });
  return found;
}

// The outputs of some images, in tiles of the same output of several of them. No tap is met that
// sees zeros alone, and no room is needed.
Outputs side_by_side(const std::array<Axis, kRank>& axes, int64_t images, const Sizes& in,
                     int64_t in_channels, const Sizes& out, int64_t out_channels, int64_t channels,
                     int64_t features) {
  const std::vector<Offset> windows = offsets(axes, in, in_channels, false);
  const std::vector<Offset> stored = offsets(axes, out, out_channels, true);
  Outputs found;
  for (size_t p = 0; p < windows.size(); ++p) {
    for (int64_t n = 0; n < images; ++n) {
      found.windows.push_back(static_cast<Offset>(windows[p] + n * product(in) * in_channels));
      found.stored.push_back(static_cast<Offset>(stored[p] + n * product(out) * out_channels));
    }
  }
  const std::vector<Range> own = seen_pieces(axes, in, channels, found.pieces);
  each_kind_of_block(features, [&](int64_t kind, int64_t most) {
    for (size_t p = 0; p < own.size(); ++p) {
      for (int64_t n = 0, taken; n < images; n += taken) {
        taken = next_tile(images - n, most);
        found.tiles[kind].push_back({static_cast<int32_t>(p * images + n),
                                     static_cast<int32_t>(taken), own[p]});
      }
    }
  });
  return found;
}

// A convolution or its input gradient: sums over taps, one for each combination of the dimensions'
// axes.
struct Sums {
  std::array<std::vector<Axis>, kRank> axes;
  Sizes window, in, out;
  int64_t in_channels, out_channels, groups, batch;

  int64_t channels() const { return in_channels / groups; }
  int64_t features() const { return out_channels / groups; }
};

// How many images are gone through side by side: one, unless a tenth of the taps or more see zeros
// alone, a row of taps is worth a piece of its own, and so many images stay in the cache.
int64_t images_together(const Sums& s, int64_t threads) {
  double seen = 1;
  for (int a = 0; a < kRank; ++a) {
    int64_t all = 0, inside = 0;
    for (const Axis& axis : s.axes[a]) {
      for (int64_t j = 0; j < axis.count; ++j) {
        const Range range = seen_taps(axis, j, s.in[a]);
        inside += range.end - range.begin;
        all += axis.taps.size();
      }
    }
    seen *= static_cast<double>(inside) / std::max<int64_t>(all, 1);
  }
  const int64_t most = s.features() <= kWidth ? rows(1) : kMostRows;
  const int64_t packs = rounded_up((s.batch + most - 1) / most, threads);
  const int64_t images = (s.batch + packs - 1) / packs;
  const bool fit = images * product(s.in) * s.in_channels <= kTogether;
  return seen < 0.9 && s.channels() >= kWidth && 2 * images > most && fit ? images : 1;
}

// Computes some tiles of images that lie `step` apart: a part of so many parts.
void run(const Filters& filters, const Outputs& outputs, int64_t part, int64_t parts,
         const float* images, int64_t step, int64_t count, float* out, int64_t out_step,
         const Sums& s) {
  const float* block = filters.packed.data();
  for (int64_t group = 0; group < s.groups; ++group) {
    for (const auto& [first, vectors] : column_blocks(s.features())) {
      const std::vector<Tile>& tiles = outputs.tiles[vectors - 1];
      const int64_t columns = std::min(vectors * kWidth, s.features() - first * kWidth);
      const int64_t begin = tiles.size() * part / parts, end = tiles.size() * (part + 1) / parts;
      for (int64_t n = 0; n < count; ++n) {
        const float* x = images + n * step + group * s.channels();
        float* y = out + n * out_step + group * s.features() + first * kWidth;
        for (int64_t t = begin; t < end; ++t) {
          const Tile& tile = tiles[t];
          multiply_tile(tile.count, vectors)(
              x, &outputs.windows[tile.first], filters.rows.data(),
              &outputs.pieces[tile.pieces.begin], tile.pieces.end - tile.pieces.begin, block, y,
              &outputs.stored[tile.first], columns);
        }
      }
      block += filters.rows.size() * vectors * kWidth;
    }
  }
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

// All sums over neighbours: in chunks of images, or of one image's outputs if they are few.
void run_neighbours(const Pool& pool, int64_t threads, const Sums& s,
                    const std::vector<Filters>& filters, const std::vector<Outputs>& outputs,
                    const Room& room, const float* x, float* y) {
  const int64_t in_image = product(s.in) * s.in_channels, in_step = room.floats(s.in_channels);
  const int64_t out_image = product(s.out) * s.out_channels;
  const int64_t fair = (s.batch + 4 * threads - 1) / (4 * threads);
  const int64_t images = std::min(fair, images_of_chunk(product(s.out), in_step));
  const int64_t chunks = (s.batch + images - 1) / images;
  const bool enough = threads == 1 || chunks >= 2 * threads;
  const int64_t parts = enough ? 1 : std::min<int64_t>(2 * threads, product(s.out));
  share(pool, threads, chunks * parts, [&](int64_t index) {
    static thread_local Scratch scratch;
    const int64_t first = index / parts * images, count = std::min(images, s.batch - first);
    const float* seen = in_room(x + first * in_image, count, s.in, s.in_channels, room, scratch);
    for (size_t p = 0; p < filters.size(); ++p) {
      run(filters[p], outputs[p], index % parts, parts, seen, in_step, count,
          y + first * out_image, out_image, s);
    }
  });
}

// at(group, tap, channel, feature): as for `packed`.
template <typename At>
void compute(const Pool& pool, const Sums& s, bool are_channels, const At& at, const float* x,
             float* y) {
  if (s.batch == 0 || product(s.out) == 0) return;
  const int64_t taps = product(s.window) * s.channels() * s.features() * s.groups;
  const int64_t threads = threads_for(pool, s.batch * product(s.out) * taps);
  const int64_t together = images_together(s, threads);
  const Room room = together > 1 ? Room{{0, 0, 0}, s.in} : room_for(s.axes, s.in);
  std::vector<Filters> filters;
  std::vector<Outputs> outputs, rest;
  for (const Axis& d : s.axes[0]) {
    for (const Axis& h : s.axes[1]) {
      for (const Axis& w : s.axes[2]) {
        const std::array<Axis, kRank> own{d, h, w};
        const auto seen = places(own, s.window, room, s.in_channels);
        filters.push_back({rows_of(seen, s.channels()),
                           packed(pool, seen, s.groups, s.channels(), s.features(), are_channels,
                                  at)});
        auto beside = [&](int64_t images) {
          return side_by_side(own, images, s.in, s.in_channels, s.out, s.out_channels,
                              s.channels(), s.features());
        };
        if (together > 1) {
          outputs.push_back(beside(together));
          rest.push_back(beside(s.batch % together));
        } else {
          outputs.push_back(neighbours(own, s.in, room, s.in_channels, s.out, s.out_channels,
                                       s.channels(), s.features()));
        }
      }
    }
  }
  if (together == 1) return run_neighbours(pool, threads, s, filters, outputs, room, x, y);
  const int64_t in_step = together * product(s.in) * s.in_channels;
  const int64_t out_step = together * product(s.out) * s.out_channels;
  share(pool, threads, (s.batch + together - 1) / together, [&](int64_t pack) {
    const auto& own = (pack + 1) * together <= s.batch ? outputs : rest;
    for (size_t p = 0; p < filters.size(); ++p) {
      run(filters[p], own[p], 0, 1, x + pack * in_step, in_step, 1, y + pack * out_step, out_step,
          s);
    }
  });
}

void forward(const Pool& pool, const Convolution& c, const float* x, const float* w,
             float* y) {
  const int64_t channels = c.group_channels(), features = c.group_features();
  const Sums sums{{{{forward_axis(c, 0)}, {forward_axis(c, 1)}, {forward_axis(c, 2)}}},
                  c.window, c.in, c.out, c.channels, c.features, c.groups, c.batch};
  auto at = [&](int64_t group, int64_t tap, int64_t channel, int64_t feature) {
    return w[(tap * channels + channel) * c.features + group * features + feature];
  };
  compute(pool, sums, false, at, x, y);
}

void input_gradient(const Pool& pool, const Convolution& c, const float* g, const float* w,
                    float* dx) {
  const int64_t channels = c.group_channels(), features = c.group_features();
  const Sums sums{{gradient_axes(c, 0), gradient_axes(c, 1), gradient_axes(c, 2)},
                  c.window, c.out, c.in, c.features, c.channels, c.groups, c.batch};
  auto transposed = [&](int64_t group, int64_t tap, int64_t feature, int64_t channel) {
    return w[(tap * channels + channel) * c.features + group * features + feature];
  };
  compute(pool, sums, true, transposed, g, dx);
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

void filter_gradient(const Pool& pool, const Convolution& c, const float* x, const float* g,
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

ETUDE_KERNEL(etude_conv, binary<forward>)
ETUDE_KERNEL(etude_conv_input_gradient, binary<input_gradient>)
ETUDE_KERNEL(etude_conv_filter_gradient, binary<filter_gradient>)

}  // namespace etude
