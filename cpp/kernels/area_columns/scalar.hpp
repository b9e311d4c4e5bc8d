#pragma once
// One output pixel, shared with the variants for the pixels their vectors cannot reach.

#include "kernels/area_columns/area_columns.hpp"

namespace ei::area_columns {

inline void gray_pixel(const std::uint8_t* row, const Taps& taps, std::size_t x,
                       float* out) noexcept {
    const float* weight = taps.weights + x * taps.padded;
    const std::uint8_t* pixel = row + taps.first[x];
    float sum = 0;
    for (std::int32_t i = 0; i < taps.count[x]; ++i) {
        sum += static_cast<float>(pixel[i]) * weight[i];
    }
    out[x] = sum;
}

inline void colour_pixel(const std::uint8_t* row, std::size_t pixel_bytes, const Taps& taps,
                         std::size_t x, float* out) noexcept {
    const float* weight = taps.weights + x * taps.padded;
    const std::uint8_t* pixel = row + static_cast<std::size_t>(taps.first[x]) * pixel_bytes;
    float sum0 = 0, sum1 = 0, sum2 = 0;
    for (std::int32_t i = 0; i < taps.count[x]; ++i, pixel += pixel_bytes) {
        sum0 += static_cast<float>(pixel[0]) * weight[i];
        sum1 += static_cast<float>(pixel[1]) * weight[i];
        if (pixel_bytes != 2) sum2 += static_cast<float>(pixel[2]) * weight[i];
    }
    out[4 * x] = sum0;
    out[4 * x + 1] = sum1;
    out[4 * x + 2] = sum2;
    out[4 * x + 3] = 0;
}

}  // namespace ei::area_columns
