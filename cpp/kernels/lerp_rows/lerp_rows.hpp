#pragma once
// OpenCV's vertical linear interpolation of two rows made by lerp_columns, down to bytes:
//   out[i] = ((upper[i] * upper_weight >> 16) + (lower[i] * lower_weight >> 16) + 2) >> 2.
//
//   Units      count counts values of a row, whatever pixels they form.
//   Reads      exactly count values of each row. Writes exactly count bytes.
//   Aliasing   upper and lower may be the same row; out is neither. Alignment: none needed.
//   Rounding   integers; both products are cut off before they are added, as OpenCV does, so the
//              result can be 1 below the exact one. Values within 0..32656 and weights within
//              0..2048 that add up to 2048 +- 1 give at most (1021 + 2) >> 2 = 255: no clip needed.
//              All variants equal scalar bit for bit.
//   Errors     none; shapes are checked above.
//   Source     cv2.resize INTER_LINEAR on 8 bits, found by comparing results
//              (tests/kernels/test_resize.py).

#include <cstddef>
#include <cstdint>

#include "kernels/variant.hpp"

namespace ei::lerp_rows {

using Fn = void (*)(const std::int16_t* upper, const std::int16_t* lower, std::int16_t upper_weight,
                    std::int16_t lower_weight, std::size_t count, std::uint8_t* out) noexcept;

namespace scalar {
void row(const std::int16_t* upper, const std::int16_t* lower, std::int16_t upper_weight,
         std::int16_t lower_weight, std::size_t count, std::uint8_t* out) noexcept;
}
#if defined(EDGEINFER_X86_64)
namespace avx2 {
void row(const std::int16_t* upper, const std::int16_t* lower, std::int16_t upper_weight,
         std::int16_t lower_weight, std::size_t count, std::uint8_t* out) noexcept;
}
#elif defined(EDGEINFER_ARM64)
namespace neon {
void row(const std::int16_t* upper, const std::int16_t* lower, std::int16_t upper_weight,
         std::int16_t lower_weight, std::size_t count, std::uint8_t* out) noexcept;
}
#endif

inline constexpr Variant<Fn> kVariants[] = {
#if defined(EDGEINFER_X86_64)
    {"avx2", cpu::kAvx2, &avx2::row},
#elif defined(EDGEINFER_ARM64)
    {"neon", cpu::kNeon, &neon::row},
#endif
    {"scalar", cpu::kNone, &scalar::row},
};

}  // namespace ei::lerp_rows
