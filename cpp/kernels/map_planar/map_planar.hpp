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

inline constexpr Variant<Fn> kVariants[] = {
    {"scalar", cpu::kNone, &scalar::row},
};

}  // namespace ei::map_planar
