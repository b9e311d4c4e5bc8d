#include "kernels/lerp_2x2/scalar.hpp"

namespace ei::lerp_2x2::scalar {

void row(const Rows& rows, const Rows&, std::size_t pixel_bytes, std::size_t, const Lerp& lerp,
         Weights weights, std::uint8_t* out) noexcept {
    for (std::size_t x = 0; x < lerp.outputs; ++x) {
        pixel(rows, pixel_bytes, lerp, weights, x, out);
    }
}

}  // namespace ei::lerp_2x2::scalar
