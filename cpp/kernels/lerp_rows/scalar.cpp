#include "kernels/lerp_rows/lerp_rows.hpp"

namespace ei::lerp_rows::scalar {

void row(const std::int16_t* upper, const std::int16_t* lower, std::int16_t upper_weight,
         std::int16_t lower_weight, std::size_t count, std::uint8_t* __restrict out) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        const auto above = static_cast<std::int16_t>((upper[i] * upper_weight) >> 16);
        const auto below = static_cast<std::int16_t>((lower[i] * lower_weight) >> 16);
        out[i] = static_cast<std::uint8_t>((above + below + 2) >> 2);
    }
}

}  // namespace ei::lerp_rows::scalar
