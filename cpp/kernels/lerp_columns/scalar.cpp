#include "kernels/lerp_columns/scalar.hpp"

namespace ei::lerp_columns::scalar {

void row(const std::uint8_t* row, std::size_t pixel_bytes, std::size_t, const Lerp& lerp,
         std::int16_t* out) noexcept {
    if (pixel_bytes == 1) {
        for (std::size_t x = 0; x < lerp.outputs; ++x) gray_pixel(row, lerp, x, out);
    } else if (pixel_bytes == 2) {
        for (std::size_t x = 0; x < lerp.outputs; ++x) chroma_pixel(row, lerp, x, out);
    } else {
        for (std::size_t x = 0; x < lerp.outputs; ++x) {
            colour_pixel(row, pixel_bytes, lerp, x, out);
        }
    }
}

}  // namespace ei::lerp_columns::scalar
