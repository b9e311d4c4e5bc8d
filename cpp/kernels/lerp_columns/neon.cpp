#include "kernels/lerp_columns/scalar.hpp"

#if defined(EDGEINFER_ARM64)

    #include <arm_neon.h>

namespace ei::lerp_columns::neon {
namespace {

// The pair of one output in 8 bytes, r g b 0 r' g' b' 0, times its weights.
int16x4_t mix(uint8x8_t pair, int16x4_t weights) noexcept {
    const int16x8_t wide = vreinterpretq_s16_u16(vmovl_u8(pair));
    const int32x4_t left = vmull_lane_s16(vget_low_s16(wide), weights, 0);
    return vshrn_n_s32(vmlal_lane_s16(left, vget_high_s16(wide), weights, 1), 4);
}

template <int kPixelBytes>
uint8x8_t pair_at(const std::uint8_t* row, const Lerp& lerp, std::size_t x) noexcept {
    constexpr std::uint8_t kR = kPixelBytes;  // distance to the right pixel
    constexpr std::uint8_t kOrder[8] = {0, 1, 2, 255, kR, kR + 1, kR + 2, 255};
    const std::uint8_t* pixel = row + static_cast<std::size_t>(lerp.left[x]) * kPixelBytes;
    return vtbl1_u8(vld1_u8(pixel), vld1_u8(kOrder));
}

template <int kPixelBytes>
void colour(const std::uint8_t* row, std::size_t width, const Lerp& lerp,
            std::int16_t* out) noexcept {
    const std::size_t reach = within_reach(lerp, kPixelBytes, width);
    std::size_t x = 0;
    for (; x + 2 <= reach; x += 2) {
        const int16x4_t weights = vld1_s16(lerp.weights + 2 * x);
        const int16x4_t next_weights = vext_s16(weights, weights, 2);
        vst1q_s16(out + 4 * x,
                  vcombine_s16(mix(pair_at<kPixelBytes>(row, lerp, x), weights),
                               mix(pair_at<kPixelBytes>(row, lerp, x + 1), next_weights)));
    }
    for (; x < lerp.outputs; ++x) colour_pixel(row, kPixelBytes, lerp, x, out);
}

int16x8_t mix_eight(int16x8_t lefts, int16x8_t rights, int16x8_t of_left,
                    int16x8_t of_right) noexcept {
    const int32x4_t front = vmlal_s16(vmull_s16(vget_low_s16(lefts), vget_low_s16(of_left)),
                                      vget_low_s16(rights), vget_low_s16(of_right));
    const int32x4_t back = vmlal_high_s16(vmull_high_s16(lefts, of_left), rights, of_right);
    return vcombine_s16(vshrn_n_s32(front, 4), vshrn_n_s32(back, 4));
}

// Eight pairs at a time, the left pixel in the low byte of 16 bits.
void gray(const std::uint8_t* row, const Lerp& lerp, std::int16_t* out) noexcept {
    std::size_t x = 0;
    for (; x + 8 <= lerp.outputs; x += 8) {
        uint16x8_t pairs = vdupq_n_u16(0);
        const std::int32_t* left = lerp.left + x;
        const auto pair = [&](int i) {
            std::uint16_t bytes;
            __builtin_memcpy(&bytes, row + left[i], sizeof bytes);
            return bytes;
        };
        pairs = vsetq_lane_u16(pair(0), pairs, 0);
        pairs = vsetq_lane_u16(pair(1), pairs, 1);
        pairs = vsetq_lane_u16(pair(2), pairs, 2);
        pairs = vsetq_lane_u16(pair(3), pairs, 3);
        pairs = vsetq_lane_u16(pair(4), pairs, 4);
        pairs = vsetq_lane_u16(pair(5), pairs, 5);
        pairs = vsetq_lane_u16(pair(6), pairs, 6);
        pairs = vsetq_lane_u16(pair(7), pairs, 7);
        const int16x8_t lefts = vreinterpretq_s16_u16(vandq_u16(pairs, vdupq_n_u16(255)));
        const int16x8_t rights = vreinterpretq_s16_u16(vshrq_n_u16(pairs, 8));
        const int16x8x2_t weights = vld2q_s16(lerp.weights + 2 * x);
        vst1q_s16(out + x, mix_eight(lefts, rights, weights.val[0], weights.val[1]));
    }
    for (; x < lerp.outputs; ++x) gray_pixel(row, lerp, x, out);
}

// Eight pairs at a time, each u v u' v'.
void chroma(const std::uint8_t* row, const Lerp& lerp, std::int16_t* out) noexcept {
    std::size_t x = 0;
    for (; x + 8 <= lerp.outputs; x += 8) {
        std::uint32_t bytes[8];
        for (std::size_t i = 0; i < 8; ++i) {
            const auto left = static_cast<std::size_t>(lerp.left[x + i]);
            __builtin_memcpy(bytes + i, row + 2 * left, sizeof bytes[i]);
        }
        const uint16x8_t first = vreinterpretq_u16_u32(vld1q_u32(bytes));
        const uint16x8_t second = vreinterpretq_u16_u32(vld1q_u32(bytes + 4));
        const uint8x16_t lefts = vreinterpretq_u8_u16(vuzp1q_u16(first, second));
        const uint8x16_t rights = vreinterpretq_u8_u16(vuzp2q_u16(first, second));
        const int16x8x2_t weights = vld2q_s16(lerp.weights + 2 * x);
        const int16x8_t of_left = weights.val[0], of_right = weights.val[1];
        vst1q_s16(out + 2 * x,
                  mix_eight(vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(lefts))),
                            vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(rights))),
                            vzip1q_s16(of_left, of_left), vzip1q_s16(of_right, of_right)));
        vst1q_s16(out + 2 * x + 8,
                  mix_eight(vreinterpretq_s16_u16(vmovl_high_u8(lefts)),
                            vreinterpretq_s16_u16(vmovl_high_u8(rights)),
                            vzip2q_s16(of_left, of_left), vzip2q_s16(of_right, of_right)));
    }
    for (; x < lerp.outputs; ++x) chroma_pixel(row, lerp, x, out);
}

}  // namespace

void row(const std::uint8_t* row, std::size_t pixel_bytes, std::size_t width, const Lerp& lerp,
         std::int16_t* out) noexcept {
    if (pixel_bytes == 2) return chroma(row, lerp, out);
    if (pixel_bytes == 3) return colour<3>(row, width, lerp, out);
    if (pixel_bytes == 4) return colour<4>(row, width, lerp, out);
    gray(row, lerp, out);
}

}  // namespace ei::lerp_columns::neon

#endif
