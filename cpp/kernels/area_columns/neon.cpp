#include "kernels/area_columns/scalar.hpp"

#if defined(EDGEINFER_ARM64)

    #include <arm_neon.h>

namespace ei::area_columns::neon {
namespace {

// Where the bytes of the first and of the second pixel go: one look-up both picks and widens them.
template <int kPixelBytes>
struct Spread {
    uint8x16_t first, second;

    Spread() noexcept {
        constexpr std::uint8_t kP = kPixelBytes;
        constexpr std::uint8_t kThird = kPixelBytes == 2 ? 255 : 2;
        constexpr std::uint8_t kNextThird = kPixelBytes == 2 ? 255 : kP + 2;
        constexpr std::uint8_t kFirst[16] = {0,      255, 255, 255, 1,   255, 255, 255,
                                             kThird, 255, 255, 255, 255, 255, 255, 255};
        constexpr std::uint8_t kSecond[16] = {kP,         255, 255, 255, kP + 1, 255, 255, 255,
                                              kNextThird, 255, 255, 255, 255,    255, 255, 255};
        first = vld1q_u8(kFirst);
        second = vld1q_u8(kSecond);
    }
};

float32x4_t floats(uint8x16_t bytes, uint8x16_t order) noexcept {
    return vcvtq_f32_u32(vreinterpretq_u32_u8(vqtbl1q_u8(bytes, order)));
}

template <int kPixelBytes>
void colour(const std::uint8_t* row, std::size_t width, const Taps& taps, float* out) noexcept {
    // Outputs that may be made from loads of 8 bytes. Runs move right only: the others are last.
    const std::size_t padded = taps.padded;
    std::size_t reach = taps.outputs;
    while (reach > 0 &&
           (static_cast<std::size_t>(taps.first[reach - 1]) + padded - 1) * kPixelBytes + 8 >
               width * kPixelBytes) {
        --reach;
    }
    const Spread<kPixelBytes> spread;
    for (std::size_t x = 0; x < reach; ++x) {
        const std::uint8_t* pixels = row + static_cast<std::size_t>(taps.first[x]) * kPixelBytes;
        const float* weights = taps.weights + x * padded;
        float32x4_t sum = vdupq_n_f32(0);
        std::size_t t = 0;
        for (; t + 2 <= padded; t += 2, pixels += 2 * kPixelBytes) {
            const uint8x16_t bytes = vcombine_u8(vld1_u8(pixels), vdup_n_u8(0));
            const float32x2_t pair = vld1_f32(weights + t);
            sum = vaddq_f32(sum, vmulq_lane_f32(floats(bytes, spread.first), pair, 0));
            sum = vaddq_f32(sum, vmulq_lane_f32(floats(bytes, spread.second), pair, 1));
        }
        if (t < padded) {
            const uint8x16_t bytes = vcombine_u8(vld1_u8(pixels), vdup_n_u8(0));
            sum = vaddq_f32(sum, vmulq_n_f32(floats(bytes, spread.first), weights[t]));
        }
        vst1q_f32(out + 4 * x, sum);
    }
    for (std::size_t x = reach; x < taps.outputs; ++x) colour_pixel(row, kPixelBytes, taps, x, out);
}

}  // namespace

void row(const std::uint8_t* row, std::size_t pixel_bytes, std::size_t width, const Taps& taps,
         float* out) noexcept {
    if (pixel_bytes == 2) return colour<2>(row, width, taps, out);
    if (pixel_bytes == 3) return colour<3>(row, width, taps, out);
    if (pixel_bytes == 4) return colour<4>(row, width, taps, out);
    scalar::row(row, pixel_bytes, width, taps, out);
}

}  // namespace ei::area_columns::neon

#endif
