#pragma once
// A row of YUYV to its luma and its interleaved chroma: bytes Y0 U Y1 V become Y0 Y1 and U V.
//
//   Units      pairs counts pairs of pixels, four bytes each.
//   Reads      exactly 4 * pairs bytes. Writes exactly 2 * pairs bytes of luma and of chroma.
//   Aliasing   none allowed. Alignment: none needed.
//   Rounding   none.
//   Errors     none; shapes are checked above.
//   Source     the layout that video drivers call YUYV or YUY2.
//
// There are no variants: the compiler vectorises scalar everywhere (0.4 instructions a pixel for
// AArch64, counted under emulation).

#include <cstddef>
#include <cstdint>

#include "kernels/variant.hpp"

namespace ei::split_yuyv {

using Fn = void (*)(const std::uint8_t* yuyv, std::size_t pairs, std::uint8_t* luma,
                    std::uint8_t* chroma) noexcept;

namespace scalar {
void row(const std::uint8_t* yuyv, std::size_t pairs, std::uint8_t* luma,
         std::uint8_t* chroma) noexcept;
}

inline constexpr Variant<Fn> kVariants[] = {
    {"scalar", cpu::kNone, &scalar::row},
};

}  // namespace ei::split_yuyv
