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

inline constexpr Variant<Fn> kVariants[] = {
    {"scalar", cpu::kNone, &scalar::row},
};

}  // namespace ei::pack_interleaved
