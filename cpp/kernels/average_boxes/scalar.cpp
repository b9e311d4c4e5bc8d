#include "kernels/average_boxes/rows_added.hpp"
#include "kernels/round_to_byte.hpp"

namespace ei::average_boxes::scalar {
namespace {

// Adds box_width pixels to the sums of an output's channels.
template <std::size_t kPixelBytes, class Value>
void add_across(const Value* pixels, std::size_t box_width, std::int32_t* sums) noexcept {
    constexpr std::size_t kChannels = kPixelBytes < 3 ? kPixelBytes : 3;
    for (std::size_t i = 0; i < box_width; ++i, pixels += kPixelBytes) {
        for (std::size_t c = 0; c < kChannels; ++c) sums[c] += pixels[c];
    }
}

template <std::size_t kPixelBytes>
void store(const std::int32_t* sums, float inverse, std::size_t x, std::uint8_t* out) noexcept {
    constexpr std::size_t kOutBytes = kPixelBytes == 1 ? 1 : 4;
    for (std::size_t c = 0; c < kOutBytes; ++c) {
        out[kOutBytes * x + c] = round_to_byte(static_cast<float>(sums[c]) * inverse);
    }
}

template <std::size_t kPixelBytes>
void average(const std::uint8_t* const* rows, std::size_t row_count, std::size_t box_width,
             std::size_t outputs, std::uint8_t* out) noexcept {
    const float inverse = 1.0f / static_cast<float>(row_count * box_width);
    if (RowsAdded<kPixelBytes>::fits(row_count, box_width)) {
        each_box<kPixelBytes>(rows, row_count, box_width, outputs,
                              [&](std::size_t x, const std::uint16_t* box) {
                                  std::int32_t sums[4] = {0, 0, 0, 0};
                                  add_across<kPixelBytes>(box, box_width, sums);
                                  store<kPixelBytes>(sums, inverse, x, out);
                              });
        return;
    }
    for (std::size_t x = 0; x < outputs; ++x) {
        std::int32_t sums[4] = {0, 0, 0, 0};
        for (std::size_t r = 0; r < row_count; ++r) {
            add_across<kPixelBytes>(rows[r] + x * box_width * kPixelBytes, box_width, sums);
        }
        store<kPixelBytes>(sums, inverse, x, out);
    }
}

}  // namespace

void row(const std::uint8_t* const* rows, std::size_t row_count, std::size_t pixel_bytes,
         std::size_t box_width, std::size_t outputs, std::uint8_t* out) noexcept {
    if (pixel_bytes == 2) return average<2>(rows, row_count, box_width, outputs, out);
    if (pixel_bytes == 3) return average<3>(rows, row_count, box_width, outputs, out);
    if (pixel_bytes == 4) return average<4>(rows, row_count, box_width, outputs, out);
    average<1>(rows, row_count, box_width, outputs, out);
}

}  // namespace ei::average_boxes::scalar
