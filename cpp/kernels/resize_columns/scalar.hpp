#pragma once
// One output pixel, shared with the variants for the pixels their vectors cannot reach.

#include "kernels/resize_columns/resize_columns.hpp"

namespace ei::resize_columns {

inline std::uint8_t round_and_clip(std::int32_t sum) noexcept {
    const std::int32_t value = (sum + (1 << (kWeightBits - 1))) >> kWeightBits;
    return static_cast<std::uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
}

inline void gray_pixel(const std::uint8_t* row, const Taps& taps, std::size_t x,
                       std::uint8_t* out) noexcept {
    const std::int32_t* weight = taps.weights + x * taps.padded;
    const std::uint8_t* pixel = row + taps.first[x];
    std::int32_t sum = 0;
    for (std::int32_t i = 0; i < taps.count[x]; ++i) sum += weight[i] * pixel[i];
    out[x] = round_and_clip(sum);
}

inline void colour_pixel(const std::uint8_t* row, std::size_t pixel_bytes, const Taps& taps,
                         std::size_t x, std::uint8_t* out) noexcept {
    const std::int32_t* weight = taps.weights + x * taps.padded;
    const std::uint8_t* pixel = row + static_cast<std::size_t>(taps.first[x]) * pixel_bytes;
    std::int32_t sum0 = 0, sum1 = 0, sum2 = 0;
    for (std::int32_t i = 0; i < taps.count[x]; ++i, pixel += pixel_bytes) {
        sum0 += weight[i] * pixel[0];
        sum1 += weight[i] * pixel[1];
        if (pixel_bytes != 2) sum2 += weight[i] * pixel[2];
    }
    out[4 * x] = round_and_clip(sum0);
    out[4 * x + 1] = round_and_clip(sum1);
    out[4 * x + 2] = pixel_bytes == 2 ? std::uint8_t{0} : round_and_clip(sum2);
    out[4 * x + 3] = 0;
}

}  // namespace ei::resize_columns
