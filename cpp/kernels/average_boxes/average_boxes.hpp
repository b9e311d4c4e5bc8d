#pragma once
// Rows to one by averaging boxes of box_width x row_count pixels: out = round(sum * (1 / pixels of
// a box)), per channel.
//
//   Units      rows hold box_width * outputs pixels of pixel_bytes (1 gray, 2 interleaved chroma,
//              3 colour, 4 colour and one dropped). An output pixel takes 1 byte for gray, else 4:
//              its channels, then zeros.
//   Reads      only the pixels of the rows. Writes exactly `outputs` pixels.
//   Aliasing   rows may repeat; out is none of them. Alignment: none needed.
//   Rounding   the sum is an integer, exact up to kMostPixels a box; it and the inverse of the
//              pixel count become float32, their product is rounded to the nearest integer, ties to
//              even. All variants equal scalar bit for bit.
//   Errors     none; shapes are checked above.
//   Source     cv2.resize INTER_AREA on 8 bits where both ratios are integers other than 2 x 2,
//              which average_2x2 does, ties up (tests/kernels/test_area.py).
//
// Rows are added first, many bytes at a time, which the compiler vectorises; variants add across.
// Gray and very large boxes are left to scalar.

#include <cstddef>
#include <cstdint>

#include "kernels/variant.hpp"

namespace ei::average_boxes {

// Of a box: its sum must fit 32 bits.
inline constexpr std::size_t kMostPixels = std::size_t{1} << 23;

using Fn = void (*)(const std::uint8_t* const* rows, std::size_t row_count, std::size_t pixel_bytes,
                    std::size_t box_width, std::size_t outputs, std::uint8_t* out) noexcept;

namespace scalar {
void row(const std::uint8_t* const* rows, std::size_t row_count, std::size_t pixel_bytes,
         std::size_t box_width, std::size_t outputs, std::uint8_t* out) noexcept;
}
#if defined(EDGEINFER_X86_64)
namespace avx2 {
void row(const std::uint8_t* const* rows, std::size_t row_count, std::size_t pixel_bytes,
         std::size_t box_width, std::size_t outputs, std::uint8_t* out) noexcept;
}
#elif defined(EDGEINFER_ARM64)
namespace neon {
void row(const std::uint8_t* const* rows, std::size_t row_count, std::size_t pixel_bytes,
         std::size_t box_width, std::size_t outputs, std::uint8_t* out) noexcept;
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

}  // namespace ei::average_boxes
