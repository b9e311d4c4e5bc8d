#pragma once
// Bytes of one row to three byte planes, each through its table: plane[c][x] = of[c][pixel[x][c]];
// gray bytes feed all three planes.
//
//   Units      count counts pixels of pixel_bytes (1 gray, 3 colour, 4 colour and one dropped);
//              each plane takes count bytes.
//   Reads      exactly pixel_bytes * count bytes. Writes exactly count bytes per plane.
//   Aliasing   none allowed. Alignment: none needed.
//   Rounding   none: whoever fills the tables rounds.
//   Errors     none; shapes are checked above.
//   Source     a quantised input is a function of one byte, (v * s - mean) / std divided by the
//              model's scale, rounded, shifted by its zero point and clipped: 256 values a channel.
//
// Variants only flip (see tables3.hpp): models whose input is quantised in steps of one byte. Other
// tables are left to scalar: looking up 256 bytes takes 64 instructions for 32 bytes with AVX2, and
// for 16 bytes 19 cycles of a Cortex-A72 by its scheduling model, where scalar has 32.
//
// An order of channels other than the bytes' own is a permutation of planes and tables.

#include <cstddef>
#include <cstdint>

#include "kernels/tables3.hpp"
#include "kernels/variant.hpp"

namespace ei::map_planar {

using Fn = void (*)(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
                    const Tables3& tables, std::uint8_t* plane0, std::uint8_t* plane1,
                    std::uint8_t* plane2) noexcept;

namespace scalar {
void row(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
         const Tables3& tables, std::uint8_t* plane0, std::uint8_t* plane1,
         std::uint8_t* plane2) noexcept;
}
#if defined(EDGEINFER_X86_64)
namespace avx2 {
void row(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
         const Tables3& tables, std::uint8_t* plane0, std::uint8_t* plane1,
         std::uint8_t* plane2) noexcept;
}
#elif defined(EDGEINFER_ARM64)
namespace neon {
void row(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
         const Tables3& tables, std::uint8_t* plane0, std::uint8_t* plane1,
         std::uint8_t* plane2) noexcept;
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

}  // namespace ei::map_planar
