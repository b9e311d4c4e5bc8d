#include <bit>

#include "kernels/pick_columns/pick_columns.hpp"

namespace ei::pick_columns::scalar {
namespace {

// Four bytes are written at once, the first channel lowest.
static_assert(std::endian::native == std::endian::little);

template <std::size_t kPixelBytes>
std::uint32_t channels(const std::uint8_t* pixel) noexcept {
    const std::uint32_t two = static_cast<std::uint32_t>(pixel[0] | pixel[1] << 8);
    return kPixelBytes == 2 ? two : two | static_cast<std::uint32_t>(pixel[2]) << 16;
}

// The pixel size is a constant in each copy, so that the compiler sees fixed distances.
template <std::size_t kPixelBytes>
void pick(const std::uint8_t* __restrict row, std::size_t outputs, const std::int32_t* source,
          std::uint8_t* __restrict out) noexcept {
    for (std::size_t x = 0; x < outputs; ++x) {
        const std::uint32_t picked =
            channels<kPixelBytes>(row + static_cast<std::size_t>(source[x]) * kPixelBytes);
        __builtin_memcpy(out + 4 * x, &picked, sizeof picked);
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
