#include "kernels/pick_columns/pick_columns.hpp"

namespace ei::pick_columns::scalar {
namespace {

// The pixel size is a constant in each copy, so that the compiler sees fixed distances.
template <std::size_t kPixelBytes>
void pick(const std::uint8_t* __restrict row, std::size_t outputs, const std::int32_t* source,
          std::uint8_t* __restrict out) noexcept {
    for (std::size_t x = 0; x < outputs; ++x) {
        const std::uint8_t* pixel = row + static_cast<std::size_t>(source[x]) * kPixelBytes;
        out[4 * x] = pixel[0];
        out[4 * x + 1] = pixel[1];
        out[4 * x + 2] = kPixelBytes == 2 ? std::uint8_t{0} : pixel[kPixelBytes == 2 ? 1 : 2];
        out[4 * x + 3] = 0;
    }
}

}  // namespace

void row(const std::uint8_t* row, std::size_t pixel_bytes, std::size_t outputs,
         const std::int32_t* source, std::uint8_t* out) noexcept {
    if (pixel_bytes == 2) return pick<2>(row, outputs, source, out);
    if (pixel_bytes == 3) return pick<3>(row, outputs, source, out);
    if (pixel_bytes == 4) return pick<4>(row, outputs, source, out);
    for (std::size_t x = 0; x < outputs; ++x) out[x] = row[source[x]];
}

}  // namespace ei::pick_columns::scalar
