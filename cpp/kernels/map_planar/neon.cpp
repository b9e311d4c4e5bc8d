#include "kernels/map_planar/map_planar.hpp"

#if defined(EDGEINFER_ARM64)

    #include <arm_neon.h>

namespace ei::map_planar::neon {

void row(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
         const Tables3& tables, std::uint8_t* plane0, std::uint8_t* plane1,
         std::uint8_t* plane2) noexcept {
    const uint8x16_t flips = vdupq_n_u8(tables.of[0][0]);
    std::size_t x = 0;
    const auto store = [&](uint8x16_t first, uint8x16_t second, uint8x16_t third) {
        vst1q_u8(plane0 + x, veorq_u8(first, flips));
        vst1q_u8(plane1 + x, veorq_u8(second, flips));
        vst1q_u8(plane2 + x, veorq_u8(third, flips));
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
    scalar::row(pixels + x * pixel_bytes, pixel_bytes, count - x, tables, plane0 + x, plane1 + x,
                plane2 + x);
}

}  // namespace ei::map_planar::neon

#endif
