#include "kernels/count_bins/count_bins.hpp"

#if defined(EDGEINFER_ARM64)

    #include <arm_neon.h>

namespace ei::count_bins::neon {

void row(const float* values, std::size_t count, const Bins& bins, std::uint32_t* tables) noexcept {
    constexpr std::size_t kVector = 4;
    static_assert(kVector == kTables);
    const float32x4_t per_width = vdupq_n_f32(bins.per_width);
    const int32x4_t negatives = vdupq_n_s32(bins.negatives);
    const int32x4_t last = vdupq_n_s32(static_cast<std::int32_t>(bins.slots) - 1);
    std::uint32_t* const second = tables + bins.slots;
    std::uint32_t* const third = second + bins.slots;
    std::uint32_t* const fourth = third + bins.slots;
    std::size_t i = 0;
    for (; i + kVector <= count; i += kVector) {
        const float32x4_t four = vld1q_f32(values + i);
        const int32x4_t toward_zero = vcvtq_s32_f32(vmulq_f32(four, per_width));
        // One less where the sign is set.
        const int32x4_t side = vsraq_n_s32(negatives, vreinterpretq_s32_f32(four), 31);
        const int32x4_t slot = vbslq_s32(vceqzq_f32(four), last, vaddq_s32(side, toward_zero));
        // Two slots at a time leave the vector: a transfer takes longer than a shift.
        const uint64x2_t pairs = vreinterpretq_u64_s32(slot);
        const std::uint64_t lower = vgetq_lane_u64(pairs, 0), upper = vgetq_lane_u64(pairs, 1);
        ++tables[static_cast<std::uint32_t>(lower)];
        ++second[lower >> 32];
        ++third[static_cast<std::uint32_t>(upper)];
        ++fourth[upper >> 32];
    }
    scalar::row(values + i, count - i, bins, tables);
}

}  // namespace ei::count_bins::neon

#endif
