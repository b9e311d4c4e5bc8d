#pragma once
// Least, greatest, sum and sum of squares of one row of floats: what statistics of a channel need.
//
//   Units      count counts values, one or more.
//   Reads      exactly count floats. Writes nothing but the result.
//   Alignment  none needed.
//   Rounding   sums in double: value i goes to lane i % 16, and the lanes are added as a tree (16
//   to
//              8 to 4 to 2 to 1, lane j to lane j + half), so all variants equal scalar bit for
//              bit. A float's square is exact in double. Zeros of either sign are told as +0.
//   Not finite squares is finite exactly where all values are (a square cannot overflow a double,
//              nor can the sum of 2^500 of them); where it is not, the other results mean nothing.
//   Errors     none; shapes are checked above.
//   Source     tests/oracles/statistics.py, NumPy in float64.

#include <cstddef>

#include "kernels/variant.hpp"

namespace ei::channel_moments {

struct Moments {
    float low, high;
    double sum, squares;
};

inline constexpr std::size_t kLanes = 16;

using Fn = Moments (*)(const float* values, std::size_t count) noexcept;

namespace scalar {
Moments row(const float* values, std::size_t count) noexcept;
}
#if defined(EDGEINFER_X86_64)
namespace avx2 {
Moments row(const float* values, std::size_t count) noexcept;
}
#endif

inline constexpr Variant<Fn> kVariants[] = {
#if defined(EDGEINFER_X86_64)
    {"avx2", cpu::kAvx2, &avx2::row},
#endif
    {"scalar", cpu::kNone, &scalar::row},
};

}  // namespace ei::channel_moments
