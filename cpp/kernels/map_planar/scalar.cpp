#include "kernels/map_planar/map_planar.hpp"

namespace ei::map_planar::scalar {
namespace {

template <std::size_t kPixelBytes>
void map(const std::uint8_t* __restrict pixels, std::size_t count, const Tables3& tables,
         std::uint8_t* __restrict plane0, std::uint8_t* __restrict plane1,
         std::uint8_t* __restrict plane2) noexcept {
    constexpr std::size_t kSecond = kPixelBytes == 1 ? 0 : 1;
    constexpr std::size_t kThird = kPixelBytes == 1 ? 0 : 2;
    for (std::size_t x = 0; x < count; ++x) {
        const std::uint8_t* pixel = pixels + kPixelBytes * x;
        plane0[x] = tables.of[0][pixel[0]];
        plane1[x] = tables.of[1][pixel[kSecond]];
        plane2[x] = tables.of[2][pixel[kThird]];
    }
}

}  // namespace

void row(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
         const Tables3& tables, std::uint8_t* plane0, std::uint8_t* plane1,
         std::uint8_t* plane2) noexcept {
    if (pixel_bytes == 3) return map<3>(pixels, count, tables, plane0, plane1, plane2);
    if (pixel_bytes == 4) return map<4>(pixels, count, tables, plane0, plane1, plane2);
    map<1>(pixels, count, tables, plane0, plane1, plane2);
}

}  // namespace ei::map_planar::scalar
