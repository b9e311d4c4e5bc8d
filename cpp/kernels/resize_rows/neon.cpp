#include "kernels/resize_rows/resize_rows.hpp"

#if defined(EDGEINFER_ARM64)

    #include <arm_neon.h>

namespace ei::resize_rows::neon {
namespace {

// A weight is high * 2^16 + low. The products of high count for the upper half of 32 bits only, so
// they are summed in 16 bits, where they may wrap.
struct Sums {
    uint32x4_t low[4];
    uint16x8_t high[2];

    void start() noexcept {
        for (uint32x4_t& sum : low) sum = vdupq_n_u32(1u << (kWeightBits - 1));
        for (uint16x8_t& sum : high) sum = vdupq_n_u16(0);
    }
    void add(uint8x16_t bytes, std::uint16_t low_weight, uint8x8_t high_weight) noexcept {
        const uint16x8_t front = vmovl_u8(vget_low_u8(bytes));
        const uint16x8_t back = vmovl_u8(vget_high_u8(bytes));
        low[0] = vmlal_n_u16(low[0], vget_low_u16(front), low_weight);
        low[1] = vmlal_n_u16(low[1], vget_high_u16(front), low_weight);
        low[2] = vmlal_n_u16(low[2], vget_low_u16(back), low_weight);
        low[3] = vmlal_n_u16(low[3], vget_high_u16(back), low_weight);
        high[0] = vmlal_u8(high[0], vget_low_u8(bytes), high_weight);
        high[1] = vmlal_u8(high[1], vget_high_u8(bytes), high_weight);
    }
    // Weights add up to about 2^22, so nothing is above 255.
    uint8x16_t bytes() const noexcept {
        const uint16x8_t front =
            vaddq_u16(high[0], vcombine_u16(vshrn_n_u32(low[0], 16), vshrn_n_u32(low[1], 16)));
        const uint16x8_t back =
            vaddq_u16(high[1], vcombine_u16(vshrn_n_u32(low[2], 16), vshrn_n_u32(low[3], 16)));
        return vcombine_u8(vshrn_n_u16(front, kWeightBits - 16),
                           vshrn_n_u16(back, kWeightBits - 16));
    }
};

}  // namespace

void row(const std::uint8_t* const* rows, const std::int32_t* weights, std::size_t taps,
         std::size_t bytes, std::uint8_t* out) noexcept {
    if (bytes < 32) return scalar::row(rows, weights, taps, bytes, out);
    for (std::size_t i = 0; i < bytes; i += 32) {
        // The last block ends with the row and does some bytes again.
        const std::size_t at = i + 32 <= bytes ? i : bytes - 32;
        Sums front, back;
        front.start();
        back.start();
        for (std::size_t t = 0; t < taps; ++t) {
            const auto low = static_cast<std::uint16_t>(weights[t] & 0xFFFF);
            const uint8x8_t high = vdup_n_u8(static_cast<std::uint8_t>(weights[t] >> 16));
            front.add(vld1q_u8(rows[t] + at), low, high);
            back.add(vld1q_u8(rows[t] + at + 16), low, high);
        }
        vst1q_u8(out + at, front.bytes());
        vst1q_u8(out + at + 16, back.bytes());
    }
}

}  // namespace ei::resize_rows::neon

#endif
