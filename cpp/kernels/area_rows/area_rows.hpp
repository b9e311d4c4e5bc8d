#pragma once
// OpenCV's vertical pass of averaging by area, one row of area_columns at a time:
//   sum[i] = before[i] + row[i] * weight, kept as floats for the next row or rounded to bytes.
//
//   Units      count counts values of a row, whatever pixels they form.
//   Reads      exactly count values of row, and of before unless that is null (zeros).
//   Writes     exactly count floats to sums when out is null, else exactly count bytes to out.
//   Aliasing   before and sums may be one; nothing else. Alignment: none needed.
//   Rounding   float32: the product and the sum to nearest even, never fused; bytes to the nearest
//              integer, ties to even, clipped to 0..255. All variants equal scalar bit for bit.
//   Errors     none; shapes are checked above.
//   Source     OpenCV, INTER_AREA on 8 bits where sides shrink by a ratio that is no integer,
//              modules/imgproc/src/resize.cpp (results: tests/kernels/test_area.py).
//
// There is no NEON variant: the compiler vectorises scalar for AArch64, and intrinsics needed 9.3
// instead of 9.8 instructions for four rounded values, counted under emulation.

#include <cstddef>
#include <cstdint>

#include "kernels/variant.hpp"

namespace ei::area_rows {

using Fn = void (*)(const float* row, float weight, std::size_t count, const float* before,
                    float* sums, std::uint8_t* out) noexcept;

namespace scalar {
void row(const float* row, float weight, std::size_t count, const float* before, float* sums,
         std::uint8_t* out) noexcept;
}
#if defined(EDGEINFER_X86_64)
namespace avx2 {
void row(const float* row, float weight, std::size_t count, const float* before, float* sums,
         std::uint8_t* out) noexcept;
}
#endif

inline constexpr Variant<Fn> kVariants[] = {
#if defined(EDGEINFER_X86_64)
    {"avx2", cpu::kAvx2, &avx2::row},
#endif
    {"scalar", cpu::kNone, &scalar::row},
};

}  // namespace ei::area_rows
