#include "kernels/average_boxes/rows_added.hpp"

#if defined(EDGEINFER_ARM64)

    #include <arm_neon.h>

namespace ei::average_boxes::neon {
namespace {

template <std::size_t kPixelBytes>
bool colour(const std::uint8_t* const* rows, std::size_t row_count, std::size_t box_width,
            std::size_t outputs, std::uint8_t* out) noexcept {
    if (!RowsAdded<kPixelBytes>::fits(row_count, box_width)) return false;
    const float inverse = 1.0f / static_cast<float>(row_count * box_width);
    // Of four values read from a pixel, those that are its channels.
    const uint8x8_t channels = vcreate_u8(kPixelBytes == 2 ? 0x0000FFFF : 0x00FFFFFF);
    each_box<kPixelBytes>(
        rows, row_count, box_width, outputs, [&](std::size_t x, const std::uint16_t* pixel) {
            uint32x4_t sums = vdupq_n_u32(0);
            for (std::size_t k = 0; k < box_width; ++k, pixel += kPixelBytes) {
                sums = vaddw_u16(sums, vld1_u16(pixel));
            }
            const float32x4_t average = vmulq_n_f32(vcvtq_f32_u32(sums), inverse);
            const uint16x4_t words = vqmovn_u32(vcvtnq_u32_f32(average));
            const uint8x8_t bytes = vand_u8(vqmovn_u16(vcombine_u16(words, words)), channels);
            const std::uint32_t four = vget_lane_u32(vreinterpret_u32_u8(bytes), 0);
            __builtin_memcpy(out + 4 * x, &four, sizeof four);
        });
    return true;
}

}  // namespace

void row(const std::uint8_t* const* rows, std::size_t row_count, std::size_t pixel_bytes,
         std::size_t box_width, std::size_t outputs, std::uint8_t* out) noexcept {
    const bool done = pixel_bytes == 2   ? colour<2>(rows, row_count, box_width, outputs, out)
                      : pixel_bytes == 3 ? colour<3>(rows, row_count, box_width, outputs, out)
                      : pixel_bytes == 4 ? colour<4>(rows, row_count, box_width, outputs, out)
                                         : false;
    if (!done) scalar::row(rows, row_count, pixel_bytes, box_width, outputs, out);
}

}  // namespace ei::average_boxes::neon

#endif
