#pragma once
// Both of OpenCV's linear interpolations at once, for rows that no other output row needs: to the
// last bit what lerp_rows makes of two rows of lerp_columns, which are not stored.
//
//   Units      rows hold `width` >= 2 pixels of pixel_bytes (1 gray, 3 colour, 4 colour and one
//              dropped). An output pixel takes 1 byte for gray, else 4: its channels, then zero.
//   Reads      only the pixels of the two rows; `ahead` is asked for, never read: it may point
//              anywhere. Writes exactly lerp.outputs pixels.
//   Aliasing   upper and lower may be the same row; out is neither. Alignment: none needed.
//   Rounding   that of lerp_columns, then that of lerp_rows. All variants equal scalar bit for bit.
//   Errors     none; shapes are checked above.
//   Source     cv2.resize INTER_LINEAR on 8 bits, found by comparing results
//              (tests/kernels/test_resize.py).
//
// There is no NEON variant: what one would gain over the two passes cannot be timed by emulation.

#include <cstddef>
#include <cstdint>

#include "kernels/lerp_columns/lerp_columns.hpp"
#include "kernels/variant.hpp"

namespace ei::lerp_2x2 {

using lerp_columns::Lerp;

struct Rows {
    const std::uint8_t* upper = nullptr;
    const std::uint8_t* lower = nullptr;
};

struct Weights {
    std::int16_t upper = 0, lower = 0;  // as lerp_rows takes them
};

using Fn = void (*)(const Rows& rows, const Rows& ahead, std::size_t pixel_bytes, std::size_t width,
                    const Lerp& lerp, Weights weights, std::uint8_t* out) noexcept;

namespace scalar {
void row(const Rows& rows, const Rows& ahead, std::size_t pixel_bytes, std::size_t width,
         const Lerp& lerp, Weights weights, std::uint8_t* out) noexcept;
}
#if defined(EDGEINFER_X86_64)
namespace avx2 {
void row(const Rows& rows, const Rows& ahead, std::size_t pixel_bytes, std::size_t width,
         const Lerp& lerp, Weights weights, std::uint8_t* out) noexcept;
}
#endif

inline constexpr Variant<Fn> kVariants[] = {
#if defined(EDGEINFER_X86_64)
    {"avx2", cpu::kAvx2, &avx2::row},
#endif
    {"scalar", cpu::kNone, &scalar::row},
};

}  // namespace ei::lerp_2x2
