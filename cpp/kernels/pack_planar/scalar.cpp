#include "kernels/pack_planar/pack_planar.hpp"

namespace ei::pack_planar::scalar {
namespace {

// The pixel size is a constant in each copy, so that the compiler can vectorise. The affine is a
// copy: a store to a plane could otherwise change it, as far as the compiler knows.
template <std::size_t kPixelBytes>
void pack(const std::uint8_t* __restrict pixels, std::size_t count, const Affine3 affine,
          float* __restrict plane0, float* __restrict plane1, float* __restrict plane2) noexcept {
    constexpr std::size_t kSecond = kPixelBytes == 1 ? 0 : 1;
    constexpr std::size_t kThird = kPixelBytes == 1 ? 0 : 2;
    for (std::size_t x = 0; x < count; ++x) {
        const std::uint8_t* pixel = pixels + kPixelBytes * x;
        plane0[x] = static_cast<float>(pixel[0]) * affine.scale[0] + affine.bias[0];
        plane1[x] = static_cast<float>(pixel[kSecond]) * affine.scale[1] + affine.bias[1];
        plane2[x] = static_cast<float>(pixel[kThird]) * affine.scale[2] + affine.bias[2];
    }
}

}  // namespace

void row(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
         const Affine3& affine, float* plane0, float* plane1, float* plane2) noexcept {
    if (pixel_bytes == 3) return pack<3>(pixels, count, affine, plane0, plane1, plane2);
    if (pixel_bytes == 4) return pack<4>(pixels, count, affine, plane0, plane1, plane2);
    pack<1>(pixels, count, affine, plane0, plane1, plane2);
}

}  // namespace ei::pack_planar::scalar
