#include "kernels/area_columns/scalar.hpp"

namespace ei::area_columns::scalar {
namespace {

// The pixel size is a constant in each copy, so that the compiler sees fixed distances.
template <std::size_t kPixelBytes>
void colour(const std::uint8_t* row, const Taps& taps, float* out) noexcept {
    for (std::size_t x = 0; x < taps.outputs; ++x) colour_pixel(row, kPixelBytes, taps, x, out);
}

}  // namespace

void row(const std::uint8_t* row, std::size_t pixel_bytes, std::size_t, const Taps& taps,
         float* out) noexcept {
    if (pixel_bytes == 2) return colour<2>(row, taps, out);
    if (pixel_bytes == 3) return colour<3>(row, taps, out);
    if (pixel_bytes == 4) return colour<4>(row, taps, out);
    for (std::size_t x = 0; x < taps.outputs; ++x) gray_pixel(row, taps, x, out);
}

}  // namespace ei::area_columns::scalar
