#include "kernels/map_interleaved/map_interleaved.hpp"

namespace ei::map_interleaved::scalar {
namespace {

template <std::size_t kPixelBytes>
void map(const std::uint8_t* __restrict pixels, std::size_t count, const Tables3& tables, bool swap,
         std::uint8_t* __restrict out) noexcept {
    const std::size_t first = kPixelBytes != 1 && swap ? 2 : 0;
    const std::size_t third = kPixelBytes == 1 || swap ? 0 : 2;
    constexpr std::size_t kSecond = kPixelBytes == 1 ? 0 : 1;
    for (std::size_t x = 0; x < count; ++x) {
        const std::uint8_t* pixel = pixels + kPixelBytes * x;
        out[3 * x] = tables.of[0][pixel[first]];
        out[3 * x + 1] = tables.of[1][pixel[kSecond]];
        out[3 * x + 2] = tables.of[2][pixel[third]];
    }
}

}  // namespace

void row(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
         const Tables3& tables, bool swap, std::uint8_t* out) noexcept {
    if (pixel_bytes == 3) return map<3>(pixels, count, tables, swap, out);
    if (pixel_bytes == 4) return map<4>(pixels, count, tables, swap, out);
    map<1>(pixels, count, tables, swap, out);
}

}  // namespace ei::map_interleaved::scalar
