#pragma once
// OpenCV's horizontal linear interpolation in fixed point, kept at 11 bits + 8 - 4 for lerp_rows:
//   out = (row[left] * weights[0] + row[left + 1] * weights[1]) >> 4, per channel.
//
//   Units      the row holds `width` >= 2 pixels of pixel_bytes (1 gray, 2 interleaved chroma,
//              3 colour, 4 colour and one dropped). An output pixel takes values_of(pixel_bytes):
//              its channels, and a zero behind three.
//   Reads      only the pixels of the row. Writes exactly lerp.outputs pixels.
//   Aliasing   none allowed. Alignment: none needed.
//   Rounding   integers throughout; weights are within 0..2048 and add up to 2048 +- 1, so results
//              are below 2^15. All variants equal scalar bit for bit.
//   Errors     none; shapes are checked above.
//   Source     cv2.resize INTER_LINEAR on 8 bits, found by comparing results
//              (tests/kernels/test_resize.py).

#include <cstddef>
#include <cstdint>

#include "kernels/variant.hpp"

namespace ei::lerp_columns {

inline constexpr int kWeightBits = 11;

// Values of an output pixel.
constexpr std::size_t values_of(std::size_t pixel_bytes) noexcept {
    return pixel_bytes < 3 ? pixel_bytes : 4;
}

// The same weights in bytes, weight = 16 * coarse + fine, so that vectors may multiply bytes:
// (a * w0 + b * w1) >> 4 = a * c0 + b * c1 + ((a * f0 + b * f1) >> 4), without loss.
inline constexpr int kMostCoarse = 127;  // of a signed byte; 2048 is 16 * 127 + 16

// Outputs whose left pixels are told from the first of each group of this many.
inline constexpr std::size_t kGroup = 4;

struct Lerp {
    std::size_t outputs = 0;
    const std::int32_t* left = nullptr;     // per output: left source pixel, 0..width - 2
    const std::int16_t* weights = nullptr;  // per output: of the left and of the right pixel
    const std::uint8_t* coarse = nullptr;   // per output: two parts of those weights, 0..127
    const std::uint8_t* fine = nullptr;     // per output: the other two, 0..16
    // Per output: its left pixel less that of its group's first, 0..255; null where one is beyond.
    const std::uint8_t* within_group = nullptr;
    std::size_t furthest = 0;  // the greatest of them
};

using Fn = void (*)(const std::uint8_t* row, std::size_t pixel_bytes, std::size_t width,
                    const Lerp& lerp, std::int16_t* out) noexcept;

namespace scalar {
void row(const std::uint8_t* row, std::size_t pixel_bytes, std::size_t width, const Lerp& lerp,
         std::int16_t* out) noexcept;
}
#if defined(EDGEINFER_X86_64)
namespace avx2 {
void row(const std::uint8_t* row, std::size_t pixel_bytes, std::size_t width, const Lerp& lerp,
         std::int16_t* out) noexcept;
}
#elif defined(EDGEINFER_ARM64)
namespace neon {
void row(const std::uint8_t* row, std::size_t pixel_bytes, std::size_t width, const Lerp& lerp,
         std::int16_t* out) noexcept;
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

}  // namespace ei::lerp_columns
