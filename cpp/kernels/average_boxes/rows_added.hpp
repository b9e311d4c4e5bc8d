#pragma once
// Boxes summed down, ready to be summed across; shared by scalar and the variants.

#include <algorithm>

#include "kernels/average_boxes/average_boxes.hpp"

namespace ei::average_boxes {

// Sums of all rows for a part of the outputs.
template <std::size_t kPixelBytes>
class RowsAdded {
  public:
    // Whether sums fit 16 bits, and a box the buffer.
    static bool fits(std::size_t row_count, std::size_t box_width) noexcept {
        return row_count <= 257 && box_width * kPixelBytes <= kBlock;
    }
    static std::size_t most_outputs(std::size_t box_width) noexcept {
        return kBlock / (box_width * kPixelBytes);
    }
    void add(const std::uint8_t* const* rows, std::size_t row_count, std::size_t start,
             std::size_t bytes) noexcept {
        const std::uint8_t* first = rows[0] + start;
        for (std::size_t i = 0; i < bytes; ++i) sums_[i] = first[i];
        for (std::size_t r = 1; r < row_count; ++r) {
            const std::uint8_t* from = rows[r] + start;
            for (std::size_t i = 0; i < bytes; ++i) {
                sums_[i] = static_cast<std::uint16_t>(sums_[i] + from[i]);
            }
        }
    }
    // Values of one box lie side by side; four may be read from each of its pixels.
    const std::uint16_t* box(std::size_t i, std::size_t box_width) const noexcept {
        return sums_ + i * box_width * kPixelBytes;
    }

  private:
    static constexpr std::size_t kBlock = 1536;  // bytes of a row
    std::uint16_t sums_[kBlock + 4];
};

// Calls each(x, box) for every output.
template <std::size_t kPixelBytes, class Each>
void each_box(const std::uint8_t* const* rows, std::size_t row_count, std::size_t box_width,
              std::size_t outputs, const Each& each) noexcept {
    RowsAdded<kPixelBytes> added;
    const std::size_t most = added.most_outputs(box_width);
    for (std::size_t x = 0; x < outputs; x += most) {
        const std::size_t count = std::min(most, outputs - x);
        added.add(rows, row_count, x * box_width * kPixelBytes, count * box_width * kPixelBytes);
        for (std::size_t i = 0; i < count; ++i) each(x + i, added.box(i, box_width));
    }
}

}  // namespace ei::average_boxes
