#include "kernels/resize_columns/scalar.hpp"

namespace ei::resize_columns::scalar {

void rows(const std::uint8_t* const* rows, std::size_t row_count, std::size_t pixel_bytes,
          std::size_t, const Taps& taps, std::uint8_t* const* out) noexcept {
    for (std::size_t r = 0; r < row_count; ++r) {
        if (pixel_bytes == 1) {
            for (std::size_t x = 0; x < taps.outputs; ++x) gray_pixel(rows[r], taps, x, out[r]);
        } else {
            for (std::size_t x = 0; x < taps.outputs; ++x) {
                colour_pixel(rows[r], pixel_bytes, taps, x, out[r]);
            }
        }
    }
}

}  // namespace ei::resize_columns::scalar
