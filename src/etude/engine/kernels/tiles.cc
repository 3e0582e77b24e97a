// The two loops in which a convolution spends its time, each over a tile that stays in registers.

#include <array>
#include <utility>

#include "tiles.h"

namespace etude {

namespace {

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

// As `Multiply` says, for P pixels and V vectors.
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

// As `Accumulate` says, for R rows and V vectors.
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

template <int V, int... I>
constexpr std::array<Multiply, sizeof...(I)> multiply_row(std::integer_sequence<int, I...>) {
  return {multiply<I + 1, V>...};
}

template <int V, int... I>
constexpr std::array<Accumulate, sizeof...(I)> accumulate_row(std::integer_sequence<int, I...>) {
  return {accumulate<I + 1, V>...};
}

}  // namespace

Multiply multiply_tile(int64_t pixels, int64_t vectors) {
  static constexpr auto one = multiply_row<1>(std::make_integer_sequence<int, rows(1)>());
  static constexpr auto two = multiply_row<2>(std::make_integer_sequence<int, rows(2)>());
  static constexpr auto three = multiply_row<3>(std::make_integer_sequence<int, rows(3)>());
  return (vectors == 1 ? one[pixels - 1] : vectors == 2 ? two[pixels - 1] : three[pixels - 1]);
}

Accumulate accumulate_tile(int64_t taken, int64_t vectors) {
  static constexpr auto one = accumulate_row<1>(std::make_integer_sequence<int, rows(1)>());
  static constexpr auto two = accumulate_row<2>(std::make_integer_sequence<int, rows(2)>());
  static constexpr auto three = accumulate_row<3>(std::make_integer_sequence<int, rows(3)>());
  return (vectors == 1 ? one[taken - 1] : vectors == 2 ? two[taken - 1] : three[taken - 1]);
}

}  // namespace etude
