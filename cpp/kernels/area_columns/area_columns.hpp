#pragma once
// OpenCV's horizontal pass of averaging by area, kept in float32 for area_rows: every output is a
// weighted sum of a run of source pixels,
//   out = sum(row[first + i] * weight[i]), per channel.
//
//   Units      the row holds `width` pixels of pixel_bytes (1 gray, 2 interleaved chroma, 3 colour,
//              4 colour and one dropped). An output pixel takes 1 float for gray, else 4: its
//              channels, then zeros.
//   Reads      only the pixels of the row; of the taps every padded weight.
//   Writes     exactly taps.outputs pixels.
//   Aliasing   none allowed. Alignment: none needed.
//   Rounding   float32: from zero and in the order of the pixels, each product and each sum to
//              nearest even, never fused. Weights are >= 0 and add up to about 1, so padding with
//              zeros changes nothing. All variants equal scalar bit for bit.
//   Errors     none; shapes are checked above.
//   Source     OpenCV, INTER_AREA on 8 bits where sides shrink by a ratio that is no integer,
//              modules/imgproc/src/resize.cpp (results: tests/kernels/test_area.py).
//
// Variants take a pixel's channels side by side; gray, which has one, is left to scalar.

#include <cstddef>
#include <cstdint>

#include "kernels/variant.hpp"

namespace ei::area_columns {

struct Taps {
    std::size_t outputs = 0;
    std::size_t padded = 0;               // weights stored per output
    const std::int32_t* first = nullptr;  // per output: first source pixel; never decreases
    const std::int32_t* count = nullptr;  // per output: source pixels used, 1..padded
    const float* weights = nullptr;       // outputs * padded; zero behind count
};

using Fn = void (*)(const std::uint8_t* row, std::size_t pixel_bytes, std::size_t width,
                    const Taps& taps, float* out) noexcept;

namespace scalar {
void row(const std::uint8_t* row, std::size_t pixel_bytes, std::size_t width, const Taps& taps,
         float* out) noexcept;
}
#if defined(EDGEINFER_X86_64)
namespace avx2 {
void row(const std::uint8_t* row, std::size_t pixel_bytes, std::size_t width, const Taps& taps,
         float* out) noexcept;
}
#elif defined(EDGEINFER_ARM64)
namespace neon {
void row(const std::uint8_t* row, std::size_t pixel_bytes, std::size_t width, const Taps& taps,
         float* out) noexcept;
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

}  // namespace ei::area_columns
