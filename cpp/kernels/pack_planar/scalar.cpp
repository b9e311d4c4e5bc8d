#include "kernels/pack_planar/pack_planar.hpp"

namespace ei::pack_planar::scalar {

void row(const std::uint8_t* __restrict pixels, std::size_t count, const Affine3& affine,
         float* __restrict plane0, float* __restrict plane1, float* __restrict plane2) noexcept {
    // Copies: a store to a plane could otherwise change the affine, as far as the compiler knows.
    const Affine3 a = affine;
    for (std::size_t x = 0; x < count; ++x) {
        plane0[x] = static_cast<float>(pixels[3 * x]) * a.scale[0] + a.bias[0];
        plane1[x] = static_cast<float>(pixels[3 * x + 1]) * a.scale[1] + a.bias[1];
        plane2[x] = static_cast<float>(pixels[3 * x + 2]) * a.scale[2] + a.bias[2];
    }
}

}  // namespace ei::pack_planar::scalar
