#pragma once
// Some pixels of a row, in any order: out pixel x is row pixel source[x].
//
//   Units      pixels of pixel_bytes (1 gray, 2 interleaved chroma, 3 colour, 4 colour and one
//              dropped). An output pixel takes 1 byte for gray, else 4: its channels, then zeros.
//   Reads      only pixels named by source. Writes exactly `outputs` pixels.
//   Aliasing   none allowed. Alignment: none needed.
//   Rounding   none: whoever fills source rounds positions.
//   Errors     none; shapes are checked above.
//   Source     resizing by the nearest pixel.
//
// There are no variants: a pixel is one look-up and one store, which vectors do not do together
// (for AArch64 6.5 instructions for gray and chroma, 10.5 for colour, counted under emulation).

#include <cstddef>
#include <cstdint>

#include "kernels/variant.hpp"

namespace ei::pick_columns {

using Fn = void (*)(const std::uint8_t* row, std::size_t pixel_bytes, std::size_t outputs,
                    const std::int32_t* source, std::uint8_t* out) noexcept;

namespace scalar {
void row(const std::uint8_t* row, std::size_t pixel_bytes, std::size_t outputs,
         const std::int32_t* source, std::uint8_t* out) noexcept;
}

inline constexpr Variant<Fn> kVariants[] = {
    {"scalar", cpu::kNone, &scalar::row},
};

}  // namespace ei::pick_columns
