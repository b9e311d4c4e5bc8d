#include "kernels/resize_columns/scalar.hpp"

#if defined(EDGEINFER_ARM64)

    #include <arm_neon.h>

namespace ei::resize_columns::neon {
namespace {

// Four pixels as r g b 0, from 16 bytes.
template <int kPixelBytes>
uint8x16_t four_pixels(const std::uint8_t* pixels) noexcept {
    constexpr std::uint8_t kP = kPixelBytes;
    constexpr std::uint8_t kOrder[16] = {
        0,      1,          2,          255, kP,     kP + 1,     kP + 2,     255,
        2 * kP, 2 * kP + 1, 2 * kP + 2, 255, 3 * kP, 3 * kP + 1, 3 * kP + 2, 255};
    return vqtbl1q_u8(vld1q_u8(pixels), vld1q_u8(kOrder));
}

// One output, r g b 0, before the last 6 bits are cut off.
template <int kPixelBytes>
uint16x4_t output(const std::uint8_t* row, const Taps& taps, std::size_t x) noexcept {
    const std::uint8_t* pixels = row + static_cast<std::size_t>(taps.first[x]) * kPixelBytes;
    const std::int16_t* low = taps.low + x * taps.padded;
    const std::int8_t* high = taps.high + x * taps.padded;
    int32x4_t low_sum = vdupq_n_s32(1 << (kWeightBits - 1));
    int32x4_t high_sum = vdupq_n_s32(0);
    for (std::size_t t = 0; t < taps.padded; t += 4) {
        const uint8x16_t bytes = four_pixels<kPixelBytes>(pixels + t * kPixelBytes);
        const int16x8_t taps01 = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(bytes)));
        const int16x8_t taps23 = vreinterpretq_s16_u16(vmovl_u8(vget_high_u8(bytes)));
        const int16x4_t low_weights = vld1_s16(low + t);
        std::int32_t four;
        __builtin_memcpy(&four, high + t, sizeof four);
        const int16x4_t high_weights =
            vget_low_s16(vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(four))));
        low_sum = vmlal_lane_s16(low_sum, vget_low_s16(taps01), low_weights, 0);
        high_sum = vmlal_lane_s16(high_sum, vget_low_s16(taps01), high_weights, 0);
        low_sum = vmlal_lane_s16(low_sum, vget_high_s16(taps01), low_weights, 1);
        high_sum = vmlal_lane_s16(high_sum, vget_high_s16(taps01), high_weights, 1);
        low_sum = vmlal_lane_s16(low_sum, vget_low_s16(taps23), low_weights, 2);
        high_sum = vmlal_lane_s16(high_sum, vget_low_s16(taps23), high_weights, 2);
        low_sum = vmlal_lane_s16(low_sum, vget_high_s16(taps23), low_weights, 3);
        high_sum = vmlal_lane_s16(high_sum, vget_high_s16(taps23), high_weights, 3);
    }
    const int32x4_t sum = vaddq_s32(low_sum, vshlq_n_s32(high_sum, kLowBits));
    return vshrn_n_u32(vreinterpretq_u32_s32(sum), 16);
}

template <int kPixelBytes>
void colour(const std::uint8_t* row, std::size_t width, const Taps& taps,
            std::uint8_t* out) noexcept {
    // Outputs whose loads of 16 bytes stay in the row. Windows move right only: the others are
    // last.
    std::size_t reach = taps.outputs;
    while (reach > 0 &&
           (static_cast<std::size_t>(taps.first[reach - 1]) + taps.padded - 4) * kPixelBytes + 16 >
               width * kPixelBytes) {
        --reach;
    }
    std::size_t x = 0;
    for (; x + 2 <= reach; x += 2) {
        const uint16x8_t both =
            vcombine_u16(output<kPixelBytes>(row, taps, x), output<kPixelBytes>(row, taps, x + 1));
        // Weights add up to about 2^22, so nothing is above 255.
        vst1_u8(out + 4 * x, vshrn_n_u16(both, kWeightBits - 16));
    }
    for (; x < taps.outputs; ++x) colour_pixel(row, kPixelBytes, taps, x, out);
}

}  // namespace

void rows(const std::uint8_t* const* rows, std::size_t row_count, std::size_t pixel_bytes,
          std::size_t width, const Taps& taps, std::uint8_t* const* out) noexcept {
    if (pixel_bytes < 3) return scalar::rows(rows, row_count, pixel_bytes, width, taps, out);
    for (std::size_t r = 0; r < row_count; ++r) {
        if (pixel_bytes == 3) {
            colour<3>(rows[r], width, taps, out[r]);
        } else {
            colour<4>(rows[r], width, taps, out[r]);
        }
    }
}

}  // namespace ei::resize_columns::neon

#endif
