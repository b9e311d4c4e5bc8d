#include "kernels/average_2x2/average_2x2.hpp"

#if defined(EDGEINFER_ARM64)

    #include <arm_neon.h>

namespace ei::average_2x2::neon {
namespace {

// One channel of eight outputs, from sixteen pixels of both rows.
uint8x8_t average(uint8x16_t upper, uint8x16_t lower) noexcept {
    return vrshrn_n_u16(vpadalq_u8(vpaddlq_u8(upper), lower), 2);
}

template <class Channels>
void store(const Channels& upper, const Channels& lower, std::uint8_t* out) noexcept {
    const uint8x8x4_t pixels = {{average(upper.val[0], lower.val[0]),
                                 average(upper.val[1], lower.val[1]),
                                 average(upper.val[2], lower.val[2]), vdup_n_u8(0)}};
    vst4_u8(out, pixels);
}

}  // namespace

void row(const std::uint8_t* upper, const std::uint8_t* lower, std::size_t pixel_bytes,
         std::size_t outputs, std::uint8_t* out) noexcept {
    std::size_t x = 0;
    if (pixel_bytes == 3) {
        for (; x + 8 <= outputs; x += 8) {
            store(vld3q_u8(upper + 6 * x), vld3q_u8(lower + 6 * x), out + 4 * x);
        }
    } else if (pixel_bytes == 4) {
        for (; x + 8 <= outputs; x += 8) {
            store(vld4q_u8(upper + 8 * x), vld4q_u8(lower + 8 * x), out + 4 * x);
        }
    }
    const std::size_t at = 2 * pixel_bytes * x;
    scalar::row(upper + at, lower + at, pixel_bytes, outputs - x, out + 4 * x);
}

}  // namespace ei::average_2x2::neon

#endif
