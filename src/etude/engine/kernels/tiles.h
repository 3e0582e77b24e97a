// The two loops in which a convolution spends its time, each over a tile that stays in registers.
//
// Both multiply one number by vectors of filters and add: a broadcast, a load, a multiply-add. A
// tile of R rows and V vectors does R·V multiply-adds for R + V loads; that is why it pays to hold
// as many sums as there are registers.

#pragma once

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "vectors.h"

namespace etude {

using Offset = int32_t;  // into one image or a few: half the memory of a pointer

// sums[r, :] += Σ_i x[bases[r] + offsets[i]] · vectors[i, :], the loop that everything is about.
//
// bases: R offsets into x. offsets: `count` further ones, the same for each of them. vectors:
// `count` rows of V vectors, `step` floats apart.
template <int R, int V>
inline __attribute__((always_inline)) void add_products(Vector (&sums)[R][V], const float* x,
                                                        const Offset* bases, const Offset* offsets,
                                                        int64_t count, const float* vectors,
                                                        int64_t step) {
  const float* at[R];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) at[r] = x + bases[r];
  for (int64_t i = 0; i < count; ++i, vectors += step) {
    const int64_t offset = offsets[i];
    Vector row[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) row[v] = held(vectors + v * kWidth);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const float number = at[r][offset];
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sums[r][v] += number * row[v];
    }
  }
}

// From `begin` to before `end`.
struct Range {
  int32_t begin, end;
};

// y[p, :] = Σ_r x[p + r] · w[r, :], over the rows that lie in a piece.
//
// x: where the images begin. pixels: P offsets into them. rows: offsets from a pixel. piece: the
// first of so many `pieces`. w: rows of V vectors. y: where the outputs begin. places: P offsets
// into them. columns: the filters of this tile, at most V vectors.
template <int P, int V>
void multiply(const float* x, const Offset* pixels, const Offset* rows, const Range* piece,
              int64_t pieces, const float* w, float* y, const Offset* places, int64_t columns) {
  Vector sums[P][V] = {};
  for (const Range* end = piece + pieces; piece < end; ++piece) {
    add_products<P, V>(sums, x, pixels, rows + piece->begin, piece->end - piece->begin,
                       w + int64_t{piece->begin} * V * kWidth, V * kWidth);
  }
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      store_first(y + places[p] + v * kWidth, sums[p][v], columns - v * kWidth);
    }
  }
}

// dw[r, :] += Σ_p x[p + r] · g[p, :]
//
// x: where the images begin. rows: R offsets from a pixel. pixels: `count` offsets into x. g:
// `count` rows, `step` apart, of V vectors. dw: R rows, `columns` apart.
template <int R, int V>
void accumulate(const float* x, const Offset* rows, const Offset* pixels, int64_t count,
                const float* g, int64_t step, float* dw, int64_t columns) {
  Vector sums[R][V] = {};
  add_products<R, V>(sums, x, rows, pixels, count, g, step);
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      float* to = dw + r * columns + v * kWidth;
      store(to, load(to) + sums[r][v]);
    }
  }
}

using Multiply = void (*)(const float*, const Offset*, const Offset*, const Range*, int64_t,
                          const float*, float*, const Offset*, int64_t);
using Accumulate = void (*)(const float*, const Offset*, const Offset*, int64_t, const float*,
                            int64_t, float*, int64_t);

template <int V, int... I>
constexpr std::array<Multiply, sizeof...(I)> multiply_row(std::integer_sequence<int, I...>) {
  return {multiply<I + 1, V>...};
}

template <int V, int... I>
constexpr std::array<Accumulate, sizeof...(I)> accumulate_row(std::integer_sequence<int, I...>) {
  return {accumulate<I + 1, V>...};
}

// The tile of that many rows and vectors.
inline Multiply multiply_tile(int64_t pixels, int64_t vectors) {
  static constexpr auto one = multiply_row<1>(std::make_integer_sequence<int, rows(1)>());
  static constexpr auto two = multiply_row<2>(std::make_integer_sequence<int, rows(2)>());
  static constexpr auto three = multiply_row<3>(std::make_integer_sequence<int, rows(3)>());
  return (vectors == 1 ? one[pixels - 1] : vectors == 2 ? two[pixels - 1] : three[pixels - 1]);
}

inline Accumulate accumulate_tile(int64_t numbers, int64_t vectors) {
  static constexpr auto one = accumulate_row<1>(std::make_integer_sequence<int, rows(1)>());
  static constexpr auto two = accumulate_row<2>(std::make_integer_sequence<int, rows(2)>());
  static constexpr auto three = accumulate_row<3>(std::make_integer_sequence<int, rows(3)>());
  return (vectors == 1 ? one[numbers - 1] : vectors == 2 ? two[numbers - 1] : three[numbers - 1]);
}

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
