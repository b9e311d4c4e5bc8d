#pragma once
// Bytes of one row to floats, channels last: out[3*x + c] = pixel[x][c] * scale[c] + bias[c], or
// pixel[x][2 - c] when channels change places; gray bytes feed all three.
//
//   Units      count counts pixels of pixel_bytes (1 gray, 3 colour, 4 colour and one dropped); the
//              affine is in the order of the output's channels.
//   Reads      exactly pixel_bytes * count bytes (camera buffers may end at a page).
//   Writes     exactly 3 * count floats.
//   Aliasing   none allowed. Alignment: none needed.
//   Rounding   multiply, then add, each to nearest even, never fused: all variants equal scalar bit
//              for bit, and the floats are those of pack_planar.
//   Errors     none; shapes are checked above.
//   Source     as in pack_planar.
//
// There is no NEON variant: the compiler vectorises scalar for AArch64 (4.4 to 5.3 instructions a
// pixel of three or four bytes, counted under emulation).

#include <cstddef>
#include <cstdint>

#include "kernels/affine3.hpp"
#include "kernels/variant.hpp"

namespace ei::pack_interleaved {

using Fn = void (*)(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
                    const Affine3& affine, bool swap, float* out) noexcept;

namespace scalar {
void row(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
         const Affine3& affine, bool swap, float* out) noexcept;
}
#if defined(EDGEINFER_X86_64)
namespace avx2 {
void row(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
         const Affine3& affine, bool swap, float* out) noexcept;
}
#endif

inline constexpr Variant<Fn> kVariants[] = {
#if defined(EDGEINFER_X86_64)
    {"avx2", cpu::kAvx2, &avx2::row},
#endif
    {"scalar", cpu::kNone, &scalar::row},
};

}  // namespace ei::pack_interleaved
