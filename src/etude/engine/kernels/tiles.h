// The tiles in which a convolution, or a product of matrices, is computed: what they are, and how
// the work is cut into them.
//
// A tile multiplies one number by vectors of filters and adds: a broadcast, a load, a multiply-add.
// With R rows and V vectors it does R·V multiply-adds for R + V loads; that is why it pays to hold
// as many sums as there are registers. The loops themselves stand in tiles.cc.

#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "vectors.h"

namespace etude {

using Offset = int32_t;  // into one image or a few: half the memory of a pointer

// From `begin` to before `end`.
struct Range {
  int32_t begin, end;
};

// y[p, :] = Σ_r x[p + r] · w[r, :], over the rows that lie in a piece.
//
// x: where the images begin. pixels: offsets into them. rows: offsets from a pixel. piece: the
// first of so many `pieces`. w: rows of some vectors. y: where the outputs begin. places: offsets
// into them. columns: the filters of this tile, at most as many as the vectors hold.
using Multiply = void (*)(const float* x, const Offset* pixels, const Offset* rows,
                          const Range* piece, int64_t pieces, const float* w, float* y,
                          const Offset* places, int64_t columns);

// dw[r, :] += Σ_p x[p + r] · g[p, :]
//
// x: where the images begin. rows: offsets from a pixel. pixels: `count` offsets into x. g: `count`
// rows, `step` apart. dw: rows, `columns` apart.
using Accumulate = void (*)(const float* x, const Offset* rows, const Offset* pixels,
                            int64_t count, const float* g, int64_t step, float* dw,
                            int64_t columns);

// The tile of so many pixels, or rows, and vectors.
Multiply multiply_tile(int64_t pixels, int64_t vectors);
Accumulate accumulate_tile(int64_t rows, int64_t vectors);

// How the vectors of all filters are cut into tiles: (first vector, vectors) each. Two at a time
// are as fast as three, which take fewer rows; three are taken where one would be left over.
inline std::vector<std::pair<int64_t, int64_t>> column_blocks(int64_t filters) {
  const int64_t vectors = rounded_up(filters, kWidth) / kWidth;
  std::vector<std::pair<int64_t, int64_t>> blocks;
  int64_t first = 0;
  while (first < vectors) {
    const int64_t left = vectors - first;
    const int64_t taken = left == 3 ? 3 : std::min<int64_t>(left, 2);
    blocks.push_back({first, taken});
    first += taken;
  }
  return blocks;
}

// A block of columns, `rows` of them, in the order in which a tile reads it: at(row, column). What
// fills up the last vector stays as it is. `down` says that neighbours in memory are those of a
// column, which then is walked down.
template <typename At>
inline void pack_block(float* to, int64_t rows, int64_t first, int64_t vectors, int64_t columns,
                       bool down, const At& at) {
  const int64_t begin = first * kWidth, width = vectors * kWidth;
  const int64_t count = std::min(columns - begin, width);
  if (down) {
    for (int64_t c = 0; c < count; ++c) {
      for (int64_t r = 0; r < rows; ++r) to[r * width + c] = at(r, begin + c);
    }
  } else {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < count; ++c) to[r * width + c] = at(r, begin + c);
    }
  }
}

// How many of `left` the next tile takes: never more than `most`, and so that none is much smaller.
inline int64_t next_tile(int64_t left, int64_t most) {
  const int64_t tiles = (left + most - 1) / most;
  return (left + tiles - 1) / tiles;
}

}  // namespace etude
