#include "kernels/map_interleaved/map_interleaved.hpp"

#if defined(EDGEINFER_ARM64)

    #include <arm_neon.h>

namespace ei::map_interleaved::neon {

void row(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
         const Tables3& tables, bool swap, std::uint8_t* out) noexcept {
    const uint8x16_t flips = vdupq_n_u8(tables.of[0][0]);
    std::size_t x = 0;
    const auto store = [&](uint8x16_t first, uint8x16_t second, uint8x16_t third) {
        const uint8x16x3_t flipped = {{veorq_u8(swap ? third : first, flips),
                                       veorq_u8(second, flips),
                                       veorq_u8(swap ? first : third, flips)}};
        vst3q_u8(out + 3 * x, flipped);
    };
    const std::size_t reach = tables.flips ? count : 0;
    if (pixel_bytes == 3) {
        for (; x + 16 <= reach; x += 16) {
            const uint8x16x3_t rgb = vld3q_u8(pixels + 3 * x);
            store(rgb.val[0], rgb.val[1], rgb.val[2]);
        }
    } else if (pixel_bytes == 4) {
        for (; x + 16 <= reach; x += 16) {
            const uint8x16x4_t rgb = vld4q_u8(pixels + 4 * x);
            store(rgb.val[0], rgb.val[1], rgb.val[2]);
        }
    } else {
        for (; x + 16 <= reach; x += 16) {
            const uint8x16_t values = vld1q_u8(pixels + x);
            store(values, values, values);
        }
    }
    scalar::row(pixels + x * pixel_bytes, pixel_bytes, count - x, tables, swap, out + 3 * x);
}

}  // namespace ei::map_interleaved::neon

#endif
