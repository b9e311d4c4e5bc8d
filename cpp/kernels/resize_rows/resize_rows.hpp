#pragma once
// Pillow's vertical pass: out[i] = clip((2^21 + sum over t of weights[t] * rows[t][i]) >> 22) to
// 0..255, byte by byte.
//
//   Units      bytes counts bytes of a row, whatever pixels they form.
//   Reads      exactly `bytes` bytes of each of `taps` rows. Writes exactly `bytes` bytes.
//   Aliasing   rows may repeat; out is none of them. Alignment: none needed.
//   Rounding   integers throughout, as in resize_columns. All variants equal scalar bit for bit.
//   Errors     none; shapes are checked above.
//   Source     Pillow, libImaging/Resample.c, its 8-bit path (tests/kernels/test_resize.py).

#include <cstddef>
#include <cstdint>

#include "kernels/variant.hpp"

namespace ei::resize_rows {

inline constexpr int kWeightBits = 22;

using Fn = void (*)(const std::uint8_t* const* rows, const std::int32_t* weights, std::size_t taps,
                    std::size_t bytes, std::uint8_t* out) noexcept;

namespace scalar {
void row(const std::uint8_t* const* rows, const std::int32_t* weights, std::size_t taps,
         std::size_t bytes, std::uint8_t* out) noexcept;
}
#if defined(EDGEINFER_X86_64)
namespace avx2 {
void row(const std::uint8_t* const* rows, const std::int32_t* weights, std::size_t taps,
         std::size_t bytes, std::uint8_t* out) noexcept;
}
#elif defined(EDGEINFER_ARM64)
namespace neon {
void row(const std::uint8_t* const* rows, const std::int32_t* weights, std::size_t taps,
         std::size_t bytes, std::uint8_t* out) noexcept;
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

}  // namespace ei::resize_rows
