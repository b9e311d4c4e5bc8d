#include "kernels/yuv_rgb/yuv_rgb.hpp"

#if defined(EDGEINFER_ARM64)

    #include <arm_neon.h>

namespace ei::yuv_rgb::neon {
namespace {

// Eight values as floats.
struct Floats {
    float32x4_t half[2];

    Floats(uint8x8_t bytes, uint8x8_t zero) noexcept {
        const int16x8_t wide = vreinterpretq_s16_u16(vsubl_u8(bytes, zero));
        half[0] = vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)));
        half[1] = vcvtq_f32_s32(vmovl_s16(vget_high_s16(wide)));
    }
};

// Narrowing clips.
uint8x8_t bytes(float32x4_t front, float32x4_t back) noexcept {
    return vqmovun_s16(
        vcombine_s16(vqmovn_s32(vcvtnq_s32_f32(front)), vqmovn_s32(vcvtnq_s32_f32(back))));
}

// The coefficients in registers.
struct Lanes {
    uint8x8_t luma_zero;
    float32x4_t luma_red_blue;  // luma, red_v, blue_u
    float32x2_t green;          // u, v

    explicit Lanes(const Coefficients& c) noexcept {
        const float four[4] = {c.luma, c.red_v, c.blue_u, 0};
        const float two[2] = {c.green_u, c.green_v};
        luma_zero = vdup_n_u8(static_cast<std::uint8_t>(c.luma_zero));
        luma_red_blue = vld1q_f32(four);
        green = vld1_f32(two);
    }
    void store(uint8x8_t luma, uint8x8_t u_bytes, uint8x8_t v_bytes,
               std::uint8_t* out) const noexcept {
        const Floats y(luma, luma_zero), u(u_bytes, vdup_n_u8(128)), v(v_bytes, vdup_n_u8(128));
        float32x4_t r[2], g[2], b[2];
        for (int i = 0; i < 2; ++i) {
            const float32x4_t light = vmulq_laneq_f32(y.half[i], luma_red_blue, 0);
            r[i] = vaddq_f32(light, vmulq_laneq_f32(v.half[i], luma_red_blue, 1));
            g[i] = vaddq_f32(light, vaddq_f32(vmulq_lane_f32(u.half[i], green, 0),
                                              vmulq_lane_f32(v.half[i], green, 1)));
            b[i] = vaddq_f32(light, vmulq_laneq_f32(u.half[i], luma_red_blue, 2));
        }
        const uint8x8x4_t pixels = {
            {bytes(r[0], r[1]), bytes(g[0], g[1]), bytes(b[0], b[1]), vdup_n_u8(0)}};
        vst4_u8(out, pixels);
    }
};

// Chroma bytes at `pairs` and behind, U first or V first.
template <std::size_t kStep, bool kFirstIsU>
std::size_t convert(const std::uint8_t* luma, const std::uint8_t* pairs, std::size_t count,
                    const Coefficients& c, std::uint8_t* out) noexcept {
    // A load of four bytes a pixel ends two bytes behind the last one's chroma.
    constexpr std::size_t kAhead = kStep == 4 ? 1 : 0;
    const Lanes lanes(c);
    std::size_t x = 0;
    for (; x + 8 + kAhead <= count; x += 8) {
        uint8x8_t first, second;
        if constexpr (kStep == 2) {
            const uint8x8x2_t both = vld2_u8(pairs + 2 * x);
            first = both.val[0];
            second = both.val[1];
        } else {
            const uint8x8x4_t all = vld4_u8(pairs + 4 * x);
            first = all.val[0];
            second = all.val[1];
        }
        lanes.store(vld1_u8(luma + x), kFirstIsU ? first : second, kFirstIsU ? second : first,
                    out + 4 * x);
    }
    return x;
}

std::size_t planes(const std::uint8_t* luma, const std::uint8_t* u, const std::uint8_t* v,
                   std::size_t count, const Coefficients& c, std::uint8_t* out) noexcept {
    const Lanes lanes(c);
    std::size_t x = 0;
    for (; x + 8 <= count; x += 8) {
        lanes.store(vld1_u8(luma + x), vld1_u8(u + x), vld1_u8(v + x), out + 4 * x);
    }
    return x;
}

template <std::size_t kStep>
std::size_t interleaved(const std::uint8_t* luma, const std::uint8_t* u, const std::uint8_t* v,
                        std::size_t count, const Coefficients& c, std::uint8_t* out) noexcept {
    if (v == u + 1) return convert<kStep, true>(luma, u, count, c, out);
    if (u == v + 1) return convert<kStep, false>(luma, v, count, c, out);
    return 0;
}

}  // namespace

void row(const std::uint8_t* luma, const std::uint8_t* u, const std::uint8_t* v,
         std::size_t chroma_step, std::size_t count, const Coefficients& coefficients,
         std::uint8_t* out) noexcept {
    const std::size_t done = chroma_step == 1 ? planes(luma, u, v, count, coefficients, out)
                             : chroma_step == 2
                                 ? interleaved<2>(luma, u, v, count, coefficients, out)
                                 : interleaved<4>(luma, u, v, count, coefficients, out);
    scalar::row(luma + done, u + chroma_step * done, v + chroma_step * done, chroma_step,
                count - done, coefficients, out + 4 * done);
}

}  // namespace ei::yuv_rgb::neon

#endif
