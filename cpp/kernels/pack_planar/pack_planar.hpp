#pragma once
// Bytes of one row to three float planes: plane[c][x] = pixel[x][c] * scale[c] + bias[c]; gray
// bytes feed all three planes.
//
//   Units      count counts pixels of pixel_bytes (1 gray, 3 colour, 4 colour and one dropped);
//   each
//              plane takes count floats.
//   Reads      exactly pixel_bytes*count bytes (camera buffers may end at a page).
//   Writes     exactly count floats per plane.
//   Aliasing   none allowed. Alignment: none needed.
//   Rounding   multiply, then add, each to nearest even, never fused: all variants equal scalar bit
//              for bit.
//   Errors     none; shapes are checked above.
//   Source     (v * s - mean) / std folded to v * (s / std) + (-mean / std), both computed in
//   double
//              and rounded once; tests/preprocess states its distance from the unfolded form.
//
// An order of channels other than the bytes' own is a permutation of planes and Affine3.
//
// There is no NEON variant: the compiler vectorises scalar for AArch64 (4.5 instructions a pixel of
// three bytes, counted under emulation), so intrinsics would not earn their place.

#include <cstddef>
#include <cstdint>

#include "kernels/affine3.hpp"
#include "kernels/variant.hpp"

namespace ei::pack_planar {

using ei::Affine3;

using Fn = void (*)(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
                    const Affine3& affine, float* plane0, float* plane1, float* plane2) noexcept;

namespace scalar {
void row(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
         const Affine3& affine, float* plane0, float* plane1, float* plane2) noexcept;
}
#if defined(EDGEINFER_X86_64)
namespace avx2 {
void row(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
         const Affine3& affine, float* plane0, float* plane1, float* plane2) noexcept;
}
#endif

inline constexpr Variant<Fn> kVariants[] = {
#if defined(EDGEINFER_X86_64)
    {"avx2", cpu::kAvx2, &avx2::row},
#endif
    {"scalar", cpu::kNone, &scalar::row},
};

}  // namespace ei::pack_planar
