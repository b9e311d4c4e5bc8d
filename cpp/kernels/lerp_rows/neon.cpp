#include "kernels/lerp_rows/lerp_rows.hpp"

#if defined(EDGEINFER_ARM64)

    #include <arm_neon.h>

namespace ei::lerp_rows::neon {
namespace {

uint8x8_t mix(int16x8_t above, int16x8_t below, int16_t upper_weight,
              int16_t lower_weight) noexcept {
    // The doubling multiplier keeps bits 15 and up; one shift more cuts off where scalar does.
    const int16x8_t upper = vshrq_n_s16(vqdmulhq_n_s16(above, upper_weight), 1);
    const int16x8_t sum = vsraq_n_s16(upper, vqdmulhq_n_s16(below, lower_weight), 1);
    return vqrshrun_n_s16(sum, 2);
}

}  // namespace

void row(const std::int16_t* upper, const std::int16_t* lower, std::int16_t upper_weight,
         std::int16_t lower_weight, std::size_t count, std::uint8_t* out) noexcept {
    std::size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        const uint8x8_t front =
            mix(vld1q_s16(upper + i), vld1q_s16(lower + i), upper_weight, lower_weight);
        const uint8x8_t back =
            mix(vld1q_s16(upper + i + 8), vld1q_s16(lower + i + 8), upper_weight, lower_weight);
        vst1q_u8(out + i, vcombine_u8(front, back));
    }
    scalar::row(upper + i, lower + i, upper_weight, lower_weight, count - i, out + i);
}

}  // namespace ei::lerp_rows::neon

#endif
