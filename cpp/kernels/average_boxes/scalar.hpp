#pragma once
// One output pixel, shared with the variants for the pixels their vectors cannot reach.

#include "kernels/average_boxes/average_boxes.hpp"
#include "kernels/round_to_byte.hpp"

namespace ei::average_boxes {

inline float inverse_of_pixels(std::size_t row_count, std::size_t box_width) noexcept {
    return 1.0f / static_cast<float>(row_count * box_width);
}

inline void pixel(const std::uint8_t* const* rows, std::size_t row_count, std::size_t pixel_bytes,
                  std::size_t box_width, std::size_t x, float inverse, std::uint8_t* out) noexcept {
    const std::size_t channels = pixel_bytes < 3 ? pixel_bytes : 3;
    const std::size_t out_bytes = pixel_bytes == 1 ? 1 : 4;
    std::int32_t sums[4] = {0, 0, 0, 0};
    for (std::size_t r = 0; r < row_count; ++r) {
        const std::uint8_t* from = rows[r] + x * box_width * pixel_bytes;
        for (std::size_t i = 0; i < box_width; ++i, from += pixel_bytes) {
            for (std::size_t c = 0; c < channels; ++c) sums[c] += from[c];
        }
    }
    for (std::size_t c = 0; c < out_bytes; ++c) {
        out[out_bytes * x + c] = round_to_byte(static_cast<float>(sums[c]) * inverse);
    }
}

}  // namespace ei::average_boxes
