#pragma once
// One output pixel, shared with the variants for the pixels their vectors cannot reach, and which
// those are.

#include "kernels/lerp_columns/lerp_columns.hpp"

namespace ei::lerp_columns {

inline std::int16_t mix(std::uint8_t left, std::uint8_t right,
                        const std::int16_t* weights) noexcept {
    return static_cast<std::int16_t>((left * weights[0] + right * weights[1]) >> 4);
}

inline void gray_pixel(const std::uint8_t* row, const Lerp& lerp, std::size_t x,
                       std::int16_t* out) noexcept {
    const std::uint8_t* pixel = row + lerp.left[x];
    out[x] = mix(pixel[0], pixel[1], lerp.weights + 2 * x);
}

inline void chroma_pixel(const std::uint8_t* row, const Lerp& lerp, std::size_t x,
                         std::int16_t* out) noexcept {
    const std::uint8_t* pixel = row + 2 * static_cast<std::size_t>(lerp.left[x]);
    out[2 * x] = mix(pixel[0], pixel[2], lerp.weights + 2 * x);
    out[2 * x + 1] = mix(pixel[1], pixel[3], lerp.weights + 2 * x);
}

inline void colour_pixel(const std::uint8_t* row, std::size_t pixel_bytes, const Lerp& lerp,
                         std::size_t x, std::int16_t* out) noexcept {
    const std::uint8_t* left = row + static_cast<std::size_t>(lerp.left[x]) * pixel_bytes;
    const std::uint8_t* right = left + pixel_bytes;
    const std::int16_t* weights = lerp.weights + 2 * x;
    out[4 * x] = mix(left[0], right[0], weights);
    out[4 * x + 1] = mix(left[1], right[1], weights);
    out[4 * x + 2] = mix(left[2], right[2], weights);
    out[4 * x + 3] = 0;
}

// Outputs that may be made from loads of 8 bytes. Pairs move right only, so the others are last.
inline std::size_t within_reach(const Lerp& lerp, std::size_t pixel_bytes,
                                std::size_t width) noexcept {
    std::size_t outputs = lerp.outputs;
    while (outputs > 0 && static_cast<std::size_t>(lerp.left[outputs - 1]) * pixel_bytes + 8 >
                              width * pixel_bytes) {
        --outputs;
    }
    return outputs;
}

}  // namespace ei::lerp_columns
