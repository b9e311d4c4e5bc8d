#pragma once
// One output pixel, shared with the variants for the pixels their vectors cannot reach.

#include "kernels/lerp_2x2/lerp_2x2.hpp"
#include "kernels/lerp_columns/scalar.hpp"

namespace ei::lerp_2x2 {

inline void pixel(const Rows& rows, std::size_t pixel_bytes, const Lerp& lerp, Weights weights,
                  std::size_t x, std::uint8_t* out) noexcept {
    const std::size_t left = static_cast<std::size_t>(lerp.left[x]) * pixel_bytes;
    const std::size_t right = left + pixel_bytes;
    const std::size_t channels = pixel_bytes == 1 ? 1 : 3;
    const std::size_t at = lerp_columns::values_of(pixel_bytes) * x;
    for (std::size_t c = 0; c < channels; ++c) {
        const auto column = [&](const std::uint8_t* row) -> int {
            return lerp_columns::mix(row[left + c], row[right + c], lerp.weights + 2 * x);
        };
        const int above = (column(rows.upper) * weights.upper) >> 16;
        const int below = (column(rows.lower) * weights.lower) >> 16;
        out[at + c] = static_cast<std::uint8_t>((above + below + 2) >> 2);
    }
    if (pixel_bytes != 1) out[at + 3] = 0;
}

}  // namespace ei::lerp_2x2
