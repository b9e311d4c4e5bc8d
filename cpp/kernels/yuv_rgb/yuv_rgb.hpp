#pragma once
// Luma and chroma bytes of one row to R, G, B and a zero byte:
//   y = (Y - luma_zero) * luma,  u = U - 128,  v = V - 128
//   R = y + v * red_v,  G = y + (u * green_u + v * green_v),  B = y + u * blue_u
// each rounded to the nearest integer, ties to even, and clipped to 0..255.
//
//   Units      count counts pixels. Luma bytes adjoin; chroma bytes are chroma_step apart (1: a
//              plane of its own, 2: two interleaved ones, 4: those as resizing leaves them).
//   Reads      the `count` bytes of each channel and what lies between the first and the last of
//              them. Writes exactly 4 * count bytes.
//   Aliasing   u and v may be one or lie in one row; out is none of the others. Alignment: none.
//   Rounding   float32: each product and each sum to nearest even, never fused, the sum of G in the
//              order above. All variants equal scalar bit for bit.
//   Errors     none; shapes are checked above.
//   Source     ITU-R BT.601 and BT.709; full range as JFIF does it, limited range with luma
//              16..235 and chroma 16..240 (footroom and headroom clip). No byte is further than 1
//              from the exact value rounded, ties to even. Of all 2^24 triples as many differ from
//              it at all: BT.601 98 limited, 23 full; BT.709 87 limited, 102 full
//              (tests/kernels/test_yuv_rgb.py and cpp/tests/checks/yuv_rgb.cpp count them).

#include <cstddef>
#include <cstdint>

#include "base/frame.hpp"
#include "kernels/variant.hpp"

namespace ei::yuv_rgb {

struct Coefficients {
    int luma_zero;
    float luma, red_v, green_u, green_v, blue_u;
};

constexpr Coefficients coefficients(Matrix matrix, bool full_range) noexcept {
    const double red = matrix == Matrix::bt601 ? 0.299 : 0.2126;  // parts of luma
    const double blue = matrix == Matrix::bt601 ? 0.114 : 0.0722;
    const double green = 1.0 - red - blue;
    const double luma = full_range ? 1.0 : 255.0 / 219.0;
    const double chroma = full_range ? 1.0 : 255.0 / 224.0;
    return {full_range ? 0 : 16,
            static_cast<float>(luma),
            static_cast<float>(2.0 * (1.0 - red) * chroma),
            static_cast<float>(-2.0 * (1.0 - blue) * blue / green * chroma),
            static_cast<float>(-2.0 * (1.0 - red) * red / green * chroma),
            static_cast<float>(2.0 * (1.0 - blue) * chroma)};
}

using Fn = void (*)(const std::uint8_t* luma, const std::uint8_t* u, const std::uint8_t* v,
                    std::size_t chroma_step, std::size_t count, const Coefficients& coefficients,
                    std::uint8_t* out) noexcept;

namespace scalar {
void row(const std::uint8_t* luma, const std::uint8_t* u, const std::uint8_t* v,
         std::size_t chroma_step, std::size_t count, const Coefficients& coefficients,
         std::uint8_t* out) noexcept;
}
#if defined(EDGEINFER_X86_64)
namespace avx2 {
void row(const std::uint8_t* luma, const std::uint8_t* u, const std::uint8_t* v,
         std::size_t chroma_step, std::size_t count, const Coefficients& coefficients,
         std::uint8_t* out) noexcept;
}
#elif defined(EDGEINFER_ARM64)
namespace neon {
void row(const std::uint8_t* luma, const std::uint8_t* u, const std::uint8_t* v,
         std::size_t chroma_step, std::size_t count, const Coefficients& coefficients,
         std::uint8_t* out) noexcept;
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

}  // namespace ei::yuv_rgb
