#include "kernels/upsample_argmax/limited.hpp"
#include "kernels/upsample_argmax/upsample_argmax.hpp"

#if defined(EDGEINFER_ARM64)

    #include <arm_neon.h>

    #include <limits>

namespace ei::upsample_argmax::neon {
namespace {

// Eight floats at a time, in two registers.
struct Lanes {
    struct Floats {
        float32x4_t low, high;
    };
    struct Ints {
        int32x4_t low, high;
    };
    struct Best {
        Floats value;
        Ints winner;
    };
    struct Neighbours {
        Floats left, right;
    };

    static Floats load(const float* from) noexcept {
        return {vld1q_f32(from), vld1q_f32(from + 4)};
    }
    static Floats load(const std::uint8_t* from) noexcept {
        const uint16x8_t words = vmovl_u8(vld1_u8(from));
        return {vcvtq_f32_u32(vmovl_u16(vget_low_u16(words))),
                vcvtq_f32_u32(vmovl_high_u16(words))};
    }
    static Floats load(const std::int8_t* from) noexcept {
        const int16x8_t words = vmovl_s8(vld1_s8(from));
        return {vcvtq_f32_s32(vmovl_s16(vget_low_s16(words))),
                vcvtq_f32_s32(vmovl_high_s16(words))};
    }
    static Ints load(const std::int32_t* from) noexcept {
        return {vld1q_s32(from), vld1q_s32(from + 4)};
    }
    static void store(float* to, Floats values) noexcept {
        vst1q_f32(to, values.low);
        vst1q_f32(to + 4, values.high);
    }
    static void store(std::int32_t* to, Ints values) noexcept {
        vst1q_s32(to, values.low);
        vst1q_s32(to + 4, values.high);
    }

    static Floats broadcast(float value) noexcept {
        return {vdupq_n_f32(value), vdupq_n_f32(value)};
    }
    static Ints classes(std::int32_t c) noexcept { return {vdupq_n_s32(c), vdupq_n_s32(c)}; }
    static Floats add(Floats a, Floats b) noexcept {
        return {vaddq_f32(a.low, b.low), vaddq_f32(a.high, b.high)};
    }
    static Floats sub(Floats a, Floats b) noexcept {
        return {vsubq_f32(a.low, b.low), vsubq_f32(a.high, b.high)};
    }
    static Floats mul(Floats a, Floats b) noexcept {
        return {vmulq_f32(a.low, b.low), vmulq_f32(a.high, b.high)};
    }
    static Floats max(Floats a, Floats b) noexcept {
        return {vmaxq_f32(a.low, b.low), vmaxq_f32(a.high, b.high)};
    }

    static Floats limited(Floats logits) noexcept {
        return {limited(logits.low), limited(logits.high)};
    }
    // Bit i: a[i] >= b[i].
    static unsigned at_least(Floats a, Floats b) noexcept {
        const uint16x8_t holds =
            vcombine_u16(vmovn_u32(vcgeq_f32(a.low, b.low)), vmovn_u32(vcgeq_f32(a.high, b.high)));
        const uint16x8_t bits = {1, 2, 4, 8, 16, 32, 64, 128};
        return vaddvq_u16(vandq_u16(holds, bits));
    }

    static Best none() noexcept {
        return {broadcast(-std::numeric_limits<float>::infinity()), classes(0)};
    }
    static void compete(Best& best, Floats value, Ints c) noexcept {
        const uint32x4_t low_wins = vcgtq_f32(value.low, best.value.low);
        const uint32x4_t high_wins = vcgtq_f32(value.high, best.value.high);
        best.value = max(value, best.value);
        best.winner.low = vbslq_s32(low_wins, c.low, best.winner.low);
        best.winner.high = vbslq_s32(high_wins, c.high, best.winner.high);
    }

    // Samples first[i] and first[i] + 1, which lie in row[column .. column + kGroup].
    static Neighbours pick_near(const float* row, const std::int32_t* first,
                                std::int32_t column) noexcept {
        const int32x4_t start = vdupq_n_s32(column);
        const uint8x16_t low_bytes = bytes_of(vsubq_s32(vld1q_s32(first), start));
        const uint8x16_t high_bytes = bytes_of(vsubq_s32(vld1q_s32(first + 4), start));
        return {picked(row + column, low_bytes, high_bytes),
                picked(row + column + 1, low_bytes, high_bytes)};
    }
    static Neighbours pick(const float* row, const std::int32_t* first) noexcept {
        float left[kGroup];
        float right[kGroup];
        for (int i = 0; i < kGroup; ++i) {
            left[i] = row[first[i]];
            right[i] = row[first[i] + 1];
        }
        return {load(left), load(right)};
    }

    static void store_narrow(std::uint16_t* to, Ints winner) noexcept {
        vst1q_u16(to, narrowed(winner));
    }
    static void store_narrow(std::uint8_t* to, Ints winner) noexcept {
        vst1_u8(to, vmovn_u16(narrowed(winner)));
    }

    // Eight rows of eight to eight columns, as four squares of four.
    static void transpose(const float* from, std::size_t from_stride, float* to,
                          std::size_t to_stride) noexcept {
        for (std::size_t y = 0; y < 8; y += 4) {
            for (std::size_t x = 0; x < 8; x += 4) {
                transpose4(from + y * from_stride + x, from_stride, to + x * to_stride + y,
                           to_stride);
            }
        }
    }

  private:
    // A comparison and a choice: vmaxnm would keep a signalling NaN.
    static float32x4_t limited(float32x4_t logits) noexcept {
        const float32x4_t lowest = vdupq_n_f32(-kLimit);
        return vminq_f32(vbslq_f32(vcgtq_f32(logits, lowest), logits, lowest), vdupq_n_f32(kLimit));
    }
    // Positions of floats to positions of their four bytes.
    static uint8x16_t bytes_of(int32x4_t at) noexcept {
        const uint32x4_t quads =
            vmlaq_n_u32(vdupq_n_u32(0x03020100u), vreinterpretq_u32_s32(at), 0x04040404u);
        return vreinterpretq_u8_u32(quads);
    }
    static Floats picked(const float* from, uint8x16_t low_bytes, uint8x16_t high_bytes) noexcept {
        const uint8x16x2_t eight = {
            {vreinterpretq_u8_f32(vld1q_f32(from)), vreinterpretq_u8_f32(vld1q_f32(from + 4))}};
        return {vreinterpretq_f32_u8(vqtbl2q_u8(eight, low_bytes)),
                vreinterpretq_f32_u8(vqtbl2q_u8(eight, high_bytes))};
    }
    static uint16x8_t narrowed(Ints winner) noexcept {
        return vcombine_u16(vmovn_u32(vreinterpretq_u32_s32(winner.low)),
                            vmovn_u32(vreinterpretq_u32_s32(winner.high)));
    }
    static void transpose4(const float* from, std::size_t from_stride, float* to,
                           std::size_t to_stride) noexcept {
        const float32x4_t row0 = vld1q_f32(from);
        const float32x4_t row1 = vld1q_f32(from + from_stride);
        const float32x4_t row2 = vld1q_f32(from + 2 * from_stride);
        const float32x4_t row3 = vld1q_f32(from + 3 * from_stride);
        const float64x2_t even01 = vreinterpretq_f64_f32(vtrn1q_f32(row0, row1));
        const float64x2_t odd01 = vreinterpretq_f64_f32(vtrn2q_f32(row0, row1));
        const float64x2_t even23 = vreinterpretq_f64_f32(vtrn1q_f32(row2, row3));
        const float64x2_t odd23 = vreinterpretq_f64_f32(vtrn2q_f32(row2, row3));
        vst1q_f32(to, vreinterpretq_f32_f64(vtrn1q_f64(even01, even23)));
        vst1q_f32(to + to_stride, vreinterpretq_f32_f64(vtrn1q_f64(odd01, odd23)));
        vst1q_f32(to + 2 * to_stride, vreinterpretq_f32_f64(vtrn2q_f64(even01, even23)));
        vst1q_f32(to + 3 * to_stride, vreinterpretq_f32_f64(vtrn2q_f64(odd01, odd23)));
    }
};

    #include "kernels/upsample_argmax/pruned.hpp"

}  // namespace

void run(const Geometry& geometry, const Logits& logits, const Mask& mask,
         std::byte* scratch) noexcept {
    run_pruned(geometry, logits, mask, scratch);
}

}  // namespace ei::upsample_argmax::neon

#endif
