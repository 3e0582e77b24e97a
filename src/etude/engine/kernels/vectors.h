// Vectors of floats in the compiler's own terms, and how many of them a kernel holds in registers.
//
// One source serves every instruction set: the compiler is told to use all that the machine has,
// and the width below follows from that.

#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace etude {

#if defined(__AVX512F__)
constexpr int kWidth = 16, kRegisters = 32;
#elif defined(__AVX__)
constexpr int kWidth = 8, kRegisters = 16;
#elif defined(__aarch64__)
constexpr int kWidth = 4, kRegisters = 32;
#else
constexpr int kWidth = 4, kRegisters = 16;
#endif

// At any address, and of whatever the memory was declared as.
typedef float Vector __attribute__((vector_size(4 * kWidth), aligned(4), may_alias));

inline Vector load(const float* from) { return *reinterpret_cast<const Vector*>(from); }

inline void store(float* to, Vector value) { *reinterpret_cast<Vector*>(to) = value; }

constexpr int kMostRows = 12;    // of any tile
constexpr int kMostVectors = 3;  // of any tile

// A vector that the compiler holds in a register from here on; it would rather load it anew for
// each of its uses, which asks more of the memory than the arithmetic does.
inline __attribute__((always_inline)) Vector held(const float* from) {
  typedef float Register __attribute__((vector_size(4 * kWidth)));
  Register value = load(from);
#if defined(__AVX512F__)
  asm("" : "+v"(value));
#elif defined(__x86_64__)
  asm("" : "+x"(value));
#elif defined(__aarch64__)
  asm("" : "+w"(value));
#endif
  return value;
}

// How many rows a tile of some columns has: as many as there are registers for its sums, besides
// the columns of one factor and one number of the other. It has three columns at most.
constexpr int rows(int columns) {
  const int fit = (kRegisters - columns - 1) / columns;
  const int most = columns == 1 ? 8 : kMostRows;  // more would need more pointers than there are
  return fit > most ? most : fit;
}

constexpr int64_t rounded_up(int64_t value, int64_t to) { return (value + to - 1) / to * to; }

// The first `count` lanes, where the rest of the vector belongs to something else; all of them, or
// none, where it says so. By powers of two: `count` is the same from one call to the next, and a
// branch that is foreseen costs nothing.
inline void store_first(float* to, Vector value, int64_t count) {
  if (count >= kWidth) return store(to, value);
  if (count <= 0) return;
  const float* from = reinterpret_cast<const float*>(&value);
  auto part = [&](auto size) {
    if (count & size) {
      std::memcpy(to, from, sizeof(float) * size);
      to += size;
      from += size;
    }
  };
  part(std::integral_constant<int, 8>());
  part(std::integral_constant<int, 4>());
  part(std::integral_constant<int, 2>());
  part(std::integral_constant<int, 1>());
}

// The first `count` lanes, and zeros, where the memory behind them belongs to something else.
inline Vector load_first(const float* from, int64_t count) {
  if (count >= kWidth) return load(from);
  Vector value = {};
  float* to = reinterpret_cast<float*>(&value);
  for (int64_t i = 0; i < count; ++i) to[i] = from[i];
  return value;
}

// A vector of which what lies at `end` or behind it is left out.
inline Vector load_within(const float* from, const float* end) {
  return load_first(from, end - from);
}

}  // namespace etude
