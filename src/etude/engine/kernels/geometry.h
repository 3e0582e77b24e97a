// Where the numbers of a convolution lie: padded images, the taps of filters, the outputs.
//
// Forward pass and input gradient are the same sum over taps; only the places differ. Both are
// described by one `Axis` per dimension, three dimensions always (those that are missing have size
// one).

#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "tiles.h"

namespace etude {

constexpr int kRank = 3;
using Sizes = std::array<int64_t, kRank>;

inline int64_t product(const Sizes& sizes) { return sizes[0] * sizes[1] * sizes[2]; }

// What a convolution, or a pooling, was asked for. Images (batch, *in, channels), filters (*window,
// channels / groups, features), outputs (batch, *out, features).
struct Convolution {
  int64_t batch, channels, features, groups;
  Sizes in, out, window, stride, low, dilation;

  int64_t group_channels() const { return channels / groups; }
  int64_t group_features() const { return features / groups; }
};

// A tap of the filters along one axis, and where it looks for the first output.
struct Tap {
  int64_t index;
  int64_t start;
};

// Outputs j = 0 ... count - 1 lie at first + j · step, and tap t looks at t.start + j · stride.
struct Axis {
  int64_t count, first, step, stride;
  std::vector<Tap> taps;

  int64_t lowest() const {
    int64_t found = 0;
    for (const Tap& tap : taps) found = std::min(found, tap.start);
    return found;
  }

  int64_t highest() const {
    int64_t found = 0;
    for (const Tap& tap : taps) found = std::max(found, tap.start + (count - 1) * stride);
    return found;
  }
};

// One axis of the forward pass: y[j] = Σ_k x[j·stride + k·dilation - low] w[k].
inline Axis forward_axis(const Convolution& c, int a) {
  Axis axis{c.out[a], 0, 1, c.stride[a], {}};
  for (int64_t k = 0; k < c.window[a]; ++k) {
    axis.taps.push_back({k, k * c.dilation[a] - c.low[a]});
  }
  return axis;
}

// The same axis of the input gradient. Those inputs i that leave the same remainder of (i + low) by
// the stride, a phase, see the same taps: dx[i] = Σ_k g[(i + low - k·dilation) / stride] w[k].
inline std::vector<Axis> gradient_axes(const Convolution& c, int a) {
  const int64_t stride = c.stride[a];
  std::vector<Axis> phases;
  for (int64_t first = 0; first < std::min(stride, c.in[a]); ++first) {
    Axis axis{(c.in[a] - first + stride - 1) / stride, first, stride, 1, {}};
    for (int64_t k = 0; k < c.window[a]; ++k) {
      const int64_t place = first + c.low[a] - k * c.dilation[a];
      if (place % stride == 0) axis.taps.push_back({k, place / stride});
    }
    phases.push_back(axis);
  }
  return phases;
}

// Images with room on all sides, so that no tap looks outside.
struct Room {
  Sizes low;   // rows before the first
  Sizes size;  // with those before and after

  int64_t floats(int64_t channels) const { return product(size) * channels; }
  bool is_needed(const Sizes& in) const { return low != Sizes{0, 0, 0} || size != in; }
};

// Room for all taps of all axes that are given for each dimension.
inline Room room_for(const std::array<std::vector<Axis>, kRank>& axes, const Sizes& in) {
  Room room;
  for (int a = 0; a < kRank; ++a) {
    int64_t low = 0, high = in[a] - 1;
    for (const Axis& axis : axes[a]) {
      low = std::min(low, axis.lowest());
      high = std::max(high, axis.highest());
    }
    room.low[a] = -low;
    room.size[a] = high - low + 1;
  }
  return room;
}

// Copies one image (*in, channels) into its room, zeros around it.
inline void give_room(const float* image, const Sizes& in, int64_t channels, const Room& room,
                      float* to) {
  const int64_t row = room.size[2] * channels, before = room.low[2] * channels;
  const int64_t inner = in[2] * channels;
  for (int64_t d = 0; d < room.size[0]; ++d) {
    for (int64_t h = 0; h < room.size[1]; ++h, to += row) {
      const int64_t from_d = d - room.low[0], from_h = h - room.low[1];
      if (from_d < 0 || from_d >= in[0] || from_h < 0 || from_h >= in[1]) {
        std::fill(to, to + row, 0.0f);
        continue;
      }
      std::fill(to, to + before, 0.0f);
      std::copy_n(image + (from_d * in[1] + from_h) * inner, inner, to + before);
      std::fill(to + before + inner, to + row, 0.0f);
    }
  }
}

// Offsets of the outputs of three axes: where their windows begin, or where they are stored.
inline std::vector<Offset> offsets(const std::array<Axis, kRank>& axes, const Sizes& size,
                                    int64_t channels, bool stored) {
  std::vector<Offset> found;
  auto at = [stored](const Axis& axis, int64_t j) {
    return stored ? axis.first + j * axis.step : j * axis.stride;
  };
  for (int64_t d = 0; d < axes[0].count; ++d) {
    for (int64_t h = 0; h < axes[1].count; ++h) {
      const int64_t line = (at(axes[0], d) * size[1] + at(axes[1], h)) * size[2];
      for (int64_t w = 0; w < axes[2].count; ++w) {
        found.push_back(static_cast<Offset>((line + at(axes[2], w)) * channels));
      }
    }
  }
  return found;
}

// The least range that holds `count` others.
inline Range united(const Range* ranges, int64_t count) {
  Range all = ranges[0];
  for (int64_t i = 1; i < count; ++i) {
    all.begin = std::min(all.begin, ranges[i].begin);
    all.end = std::max(all.end, ranges[i].end);
  }
  return all;
}

// Those taps of an axis that see the image, of that size, for its output j: they are neighbours.
inline Range seen_taps(const Axis& axis, int64_t j, int64_t size) {
  Range seen{0, 0};
  for (int32_t t = 0; t < static_cast<int32_t>(axis.taps.size()); ++t) {
    const int64_t place = axis.taps[t].start + j * axis.stride;
    if (place < 0 || place >= size) continue;
    if (seen.end == 0) seen.begin = t;
    seen.end = t + 1;
  }
  return seen;
}

// For each output of three axes: from the first tap that sees the image to the last. What lies
// between may see zeros around it. (An infinite weight times such a zero is not a number, and
// whether it is met depends on the neighbours in a tile.)
inline std::vector<Range> seen_taps(const std::array<Axis, kRank>& axes, const Sizes& in) {
  std::vector<Range> found;
  const int32_t heights = axes[1].taps.size(), widths = axes[2].taps.size();
  for (int64_t d = 0; d < axes[0].count; ++d) {
    const Range depth = seen_taps(axes[0], d, in[0]);
    for (int64_t h = 0; h < axes[1].count; ++h) {
      const Range height = seen_taps(axes[1], h, in[1]);
      for (int64_t w = 0; w < axes[2].count; ++w) {
        const Range width = seen_taps(axes[2], w, in[2]);
        const bool none = depth.end == 0 || height.end == 0 || width.end == 0;
        found.push_back({(depth.begin * heights + height.begin) * widths + width.begin,
                         none ? 0 : ((depth.end - 1) * heights + height.end - 1) * widths +
                                        width.end});
        if (none) found.back().begin = 0;
      }
    }
  }
  return found;
}

// For each output of three axes: which of the pieces it sees, and no tap besides. They are added to
// `pieces`: rows of filters that have `channels` of them for each tap, neighbours made one.
inline std::vector<Range> seen_pieces(const std::array<Axis, kRank>& axes, const Sizes& in,
                                      int64_t channels, std::vector<Range>& pieces) {
  std::vector<Range> found;
  const int32_t heights = axes[1].taps.size(), widths = axes[2].taps.size();
  for (int64_t d = 0; d < axes[0].count; ++d) {
    const Range depth = seen_taps(axes[0], d, in[0]);
    for (int64_t h = 0; h < axes[1].count; ++h) {
      const Range height = seen_taps(axes[1], h, in[1]);
      for (int64_t w = 0; w < axes[2].count; ++w) {
        const Range width = seen_taps(axes[2], w, in[2]);
        Range own{static_cast<int32_t>(pieces.size()), static_cast<int32_t>(pieces.size())};
        for (int32_t a = depth.begin; a < depth.end; ++a) {
          for (int32_t b = height.begin; b < height.end; ++b) {
            const int64_t line = int64_t{a * heights + b} * widths;
            const Range piece{static_cast<int32_t>((line + width.begin) * channels),
                              static_cast<int32_t>((line + width.end) * channels)};
            if (piece.begin == piece.end) continue;
            if (own.begin < own.end && pieces.back().end == piece.begin) {
              pieces.back().end = piece.end;
            } else {
              pieces.push_back(piece);
              ++own.end;
            }
          }
        }
        found.push_back(own);
      }
    }
  }
  return found;
}

// A tap of all three axes.
struct Place {
  int64_t filter;  // which of the filters' taps
  int64_t offset;  // what it sees, from where an output's window begins
};

inline std::vector<Place> places(const std::array<Axis, kRank>& axes, const Sizes& window,
                                 const Room& room, int64_t channels) {
  std::vector<Place> found;
  for (const Tap& d : axes[0].taps) {
    for (const Tap& h : axes[1].taps) {
      for (const Tap& w : axes[2].taps) {
        const int64_t filter = (d.index * window[1] + h.index) * window[2] + w.index;
        const int64_t line = (d.start + room.low[0]) * room.size[1] + h.start + room.low[1];
        found.push_back({filter, (line * room.size[2] + w.start + room.low[2]) * channels});
      }
    }
  }
  return found;
}

// What each row of the filters sees: `channels` neighbouring numbers for each tap.
inline std::vector<Offset> rows_of(const std::vector<Place>& places, int64_t channels) {
  std::vector<Offset> found;
  for (const Place& place : places) {
    for (int64_t c = 0; c < channels; ++c) {
      found.push_back(static_cast<Offset>(place.offset + c));
    }
  }
  return found;
}

}  // namespace etude
