#include "kernels/pack_interleaved/pack_interleaved.hpp"

namespace ei::pack_interleaved::scalar {
namespace {

// Distances are constants in each copy, so that the compiler can vectorise. The affine is a copy: a
// store could otherwise change it, as far as the compiler knows.
template <std::size_t kPixelBytes, bool kSwap>
void pack(const std::uint8_t* __restrict pixels, std::size_t count, const Affine3 affine,
          float* __restrict out) noexcept {
    constexpr std::size_t kFirst = kPixelBytes != 1 && kSwap ? 2 : 0;
    constexpr std::size_t kSecond = kPixelBytes == 1 ? 0 : 1;
    constexpr std::size_t kThird = kPixelBytes == 1 || kSwap ? 0 : 2;
    for (std::size_t x = 0; x < count; ++x) {
        const std::uint8_t* pixel = pixels + kPixelBytes * x;
        out[3 * x] = static_cast<float>(pixel[kFirst]) * affine.scale[0] + affine.bias[0];
        out[3 * x + 1] = static_cast<float>(pixel[kSecond]) * affine.scale[1] + affine.bias[1];
        out[3 * x + 2] = static_cast<float>(pixel[kThird]) * affine.scale[2] + affine.bias[2];
    }
}

template <bool kSwap>
void pack(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
          const Affine3& affine, float* out) noexcept {
    if (pixel_bytes == 3) return pack<3, kSwap>(pixels, count, affine, out);
    if (pixel_bytes == 4) return pack<4, kSwap>(pixels, count, affine, out);
    pack<1, false>(pixels, count, affine, out);
}

}  // namespace

void row(const std::uint8_t* pixels, std::size_t pixel_bytes, std::size_t count,
         const Affine3& affine, bool swap, float* out) noexcept {
    if (swap) return pack<true>(pixels, pixel_bytes, count, affine, out);
    pack<false>(pixels, pixel_bytes, count, affine, out);
}

}  // namespace ei::pack_interleaved::scalar
