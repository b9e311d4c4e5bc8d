#include "kernels/average_boxes/scalar.hpp"

namespace ei::average_boxes::scalar {
namespace {

// The pixel size is a constant in each copy, so that the compiler sees fixed distances.
template <std::size_t kPixelBytes>
void average(const std::uint8_t* const* rows, std::size_t row_count, std::size_t box_width,
             std::size_t outputs, std::uint8_t* out) noexcept {
    const float inverse = inverse_of_pixels(row_count, box_width);
    for (std::size_t x = 0; x < outputs; ++x) {
        pixel(rows, row_count, kPixelBytes, box_width, x, inverse, out);
    }
}

}  // namespace

void row(const std::uint8_t* const* rows, std::size_t row_count, std::size_t pixel_bytes,
         std::size_t box_width, std::size_t outputs, std::uint8_t* out) noexcept {
    if (pixel_bytes == 2) return average<2>(rows, row_count, box_width, outputs, out);
    if (pixel_bytes == 3) return average<3>(rows, row_count, box_width, outputs, out);
    if (pixel_bytes == 4) return average<4>(rows, row_count, box_width, outputs, out);
    average<1>(rows, row_count, box_width, outputs, out);
}

}  // namespace ei::average_boxes::scalar
