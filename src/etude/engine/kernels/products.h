// Products of a few rows with a matrix that stays the same from call to call.

#pragma once

#include <numeric>
#include <vector>

#include "tiles.h"

namespace etude {

// A matrix, packed in the order in which the tiles read it.
class Matrix {
 public:
  enum Order { kAsItIs, kTransposed };

  // from: (rows, columns), row by row.
  Matrix(const float* from, int64_t rows, int64_t columns, Order order)
      : depth_(order == kTransposed ? columns : rows),
        columns_(order == kTransposed ? rows : columns),
        blocks_(column_blocks(columns_)),
        packed_(depth_ * rounded_up(columns_, kWidth)),
        offsets_(depth_) {
    std::iota(offsets_.begin(), offsets_.end(), 0);
    const bool down = order == kTransposed;
    float* to = packed_.data();
    for (const auto& [first, vectors] : blocks_) {
      pack_block(to, depth_, first, vectors, columns_, down, [&](int64_t row, int64_t column) {
        return from[down ? column * columns + row : row * columns + column];
      });
      to += depth_ * vectors * kWidth;
    }
  }

  int64_t columns() const { return columns_; }

  // y = x · matrix, for x (count, depth) and y (count, columns).
  void multiply(const float* x, int64_t count, float* y) const {
    const float* block = packed_.data();
    const Range all{0, static_cast<int32_t>(depth_)};
    for (const auto& [first, vectors] : blocks_) {
      const int64_t tile = rows(static_cast<int>(vectors));
      for (int64_t n = 0, taken; n < count; n += taken) {
        taken = next_tile(count - n, tile);
        Offset from[kMostRows], to[kMostRows];
        for (int64_t r = 0; r < taken; ++r) {
          from[r] = static_cast<Offset>(r * depth_);
          to[r] = static_cast<Offset>(r * columns_);
        }
        multiply_tile(taken, vectors)(x + n * depth_, from, offsets_.data(), &all, 1, block,
                                      y + n * columns_ + first * kWidth, to,
                                      columns_ - first * kWidth);
      }
      block += depth_ * vectors * kWidth;
    }
  }

 private:
  int64_t depth_, columns_;
  std::vector<std::pair<int64_t, int64_t>> blocks_;
  std::vector<float> packed_;
  std::vector<Offset> offsets_;
};

}  // namespace etude
