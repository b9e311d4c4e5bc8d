#include "kernels/resize_columns/scalar.hpp"

#if defined(EDGEINFER_ARM64)

    #include <arm_neon.h>

namespace ei::resize_columns::neon {
namespace {

template <int kPixelBytes>
constexpr std::size_t kLoaded = kPixelBytes == 1   ? 4
                                : kPixelBytes == 2 ? 8
                                                   : 16;

// Four pixels as r g b 0, or u v 0 0.
template <int kPixelBytes>
uint8x16_t four_pixels(const std::uint8_t* pixels) noexcept {
    constexpr std::uint8_t kP = kPixelBytes;
    constexpr auto third = [](int tap) -> std::uint8_t {
        return kPixelBytes == 2 ? 255 : tap * kPixelBytes + 2;
    };
    constexpr std::uint8_t kOrder[16] = {
        0,      1,          third(0), 255, kP,     kP + 1,     third(1), 255,
        2 * kP, 2 * kP + 1, third(2), 255, 3 * kP, 3 * kP + 1, third(3), 255};
    const uint8x16_t order = vld1q_u8(kOrder);
    if constexpr (kPixelBytes == 2) {
        return vqtbl1q_u8(vcombine_u8(vld1_u8(pixels), vdup_n_u8(0)), order);
    } else {
        return vqtbl1q_u8(vld1q_u8(pixels), order);
    }
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

// Outputs whose loads stay in the row. Windows move right only: the others are last.
template <int kPixelBytes>
std::size_t within_reach(const Taps& taps, std::size_t width) noexcept {
    std::size_t reach = taps.outputs;
    while (reach > 0) {
        const auto last_load = static_cast<std::size_t>(taps.first[reach - 1]) + taps.padded - 4;
        if (last_load * kPixelBytes + kLoaded<kPixelBytes> <= width * kPixelBytes) break;
        --reach;
    }
    return reach;
}

// Four bytes, then zeros.
uint8x8_t four_bytes(const void* from) noexcept {
    std::uint32_t four;
    __builtin_memcpy(&four, from, sizeof four);
    return vreinterpret_u8_u32(vset_lane_u32(four, vdup_n_u32(0), 0));
}

// Taps side by side, added across at the end.
void gray(const std::uint8_t* row, std::size_t width, const Taps& taps,
          std::uint8_t* out) noexcept {
    const std::size_t reach = within_reach<1>(taps, width);
    for (std::size_t x = 0; x < reach; ++x) {
        const std::uint8_t* pixels = row + taps.first[x];
        const std::int16_t* low = taps.low + x * taps.padded;
        const std::int8_t* high = taps.high + x * taps.padded;
        int32x4_t low_sum = vdupq_n_s32(0);
        uint16x8_t high_sum = vdupq_n_u16(0);  // at most 255 * 128
        std::size_t t = 0;
        for (; t + 8 <= taps.padded; t += 8) {
            const uint8x8_t bytes = vld1_u8(pixels + t);
            const int16x8_t wide = vreinterpretq_s16_u16(vmovl_u8(bytes));
            const int16x8_t low_weights = vld1q_s16(low + t);
            low_sum = vmlal_s16(low_sum, vget_low_s16(wide), vget_low_s16(low_weights));
            low_sum = vmlal_high_s16(low_sum, wide, low_weights);
            high_sum = vmlal_u8(high_sum, bytes, vreinterpret_u8_s8(vld1_s8(high + t)));
        }
        if (t < taps.padded) {
            const uint8x8_t bytes = four_bytes(pixels + t);
            const int16x8_t wide = vreinterpretq_s16_u16(vmovl_u8(bytes));
            low_sum = vmlal_s16(low_sum, vget_low_s16(wide), vld1_s16(low + t));
            high_sum = vmlal_u8(high_sum, bytes, four_bytes(high + t));
        }
        const auto high_total = static_cast<std::int32_t>(vaddlvq_u16(high_sum));
        out[x] = round_and_clip(vaddvq_s32(low_sum) + (high_total << kLowBits));
    }
    for (std::size_t x = reach; x < taps.outputs; ++x) gray_pixel(row, taps, x, out);
}

template <int kPixelBytes>
void colour(const std::uint8_t* row, std::size_t width, const Taps& taps,
            std::uint8_t* out) noexcept {
    const std::size_t reach = within_reach<kPixelBytes>(taps, width);
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
    for (std::size_t r = 0; r < row_count; ++r) {
        if (pixel_bytes == 1) {
            gray(rows[r], width, taps, out[r]);
        } else if (pixel_bytes == 2) {
            colour<2>(rows[r], width, taps, out[r]);
        } else if (pixel_bytes == 3) {
            colour<3>(rows[r], width, taps, out[r]);
        } else {
            colour<4>(rows[r], width, taps, out[r]);
        }
    }
}

}  // namespace ei::resize_columns::neon

#endif
