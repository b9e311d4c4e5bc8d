#pragma once
// Two rows to one of half the width: out = (sum of the 2x2 pixels + 2) >> 2, per channel.
//
//   Units      rows hold 2 * outputs pixels of pixel_bytes (1 gray, 2 interleaved chroma, 3 colour,
//              4 colour and one dropped). An output pixel takes 1 byte for gray, else 4: its
//              channels, then zeros.
//   Reads      only the pixels of the rows. Writes exactly `outputs` pixels.
//   Aliasing   none allowed. Alignment: none needed.
//   Rounding   integers; halves go up. All variants equal scalar bit for bit.
//   Errors     none; shapes are checked above.
//   Source     what cv2.resize INTER_LINEAR and INTER_AREA do on 8 bits when both sides are halved
//              exactly (tests/kernels/test_resize.py); chroma as each of its channels alone.
//
// Gray and, for AArch64, chroma are left to scalar, which the compiler vectorises: 3.0 instructions
// a pixel of chroma, intrinsics needed 3.4, counted under emulation.

#include <cstddef>
#include <cstdint>

#include "kernels/variant.hpp"

namespace ei::average_2x2 {

using Fn = void (*)(const std::uint8_t* upper, const std::uint8_t* lower, std::size_t pixel_bytes,
                    std::size_t outputs, std::uint8_t* out) noexcept;

namespace scalar {
void row(const std::uint8_t* upper, const std::uint8_t* lower, std::size_t pixel_bytes,
         std::size_t outputs, std::uint8_t* out) noexcept;
}
#if defined(EDGEINFER_X86_64)
namespace avx2 {
void row(const std::uint8_t* upper, const std::uint8_t* lower, std::size_t pixel_bytes,
         std::size_t outputs, std::uint8_t* out) noexcept;
}
#elif defined(EDGEINFER_ARM64)
namespace neon {
void row(const std::uint8_t* upper, const std::uint8_t* lower, std::size_t pixel_bytes,
         std::size_t outputs, std::uint8_t* out) noexcept;
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

}  // namespace ei::average_2x2
