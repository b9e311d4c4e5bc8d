#pragma once
// Coefficient tables of one axis, as Pillow computes them for 8-bit images.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/resize_columns/resize_columns.hpp"
#include "plan/rows/row_source.hpp"

namespace ei::plan::pillow {

// Pillow's BILINEAR: a triangle filter, widened by the ratio when the axis shrinks. Weights are
// computed in double, normalised, and rounded to 22 bits.
class Axis {
  public:
    explicit Axis(const AxisSpan& span);

    std::size_t most_taps() const noexcept { return most_taps_; }
    // Source pixels that the outputs of the span need: begin() .. end() - 1.
    int begin() const noexcept { return begin_; }
    int end() const noexcept { return end_; }
    std::size_t width() const noexcept { return static_cast<std::size_t>(end_ - begin_); }

    // By output of the span, 0 .. count - 1.
    int first(int output) const noexcept {
        return begin_ + first_[static_cast<std::size_t>(output)];
    }
    int count(int output) const noexcept { return count_[static_cast<std::size_t>(output)]; }
    const std::int32_t* weights(int output) const noexcept {
        return weights_.data() + static_cast<std::size_t>(output) * padded_;
    }
    // For rows that start at begin() and hold width() pixels.
    resize_columns::Taps taps() const noexcept;

  private:
    std::size_t padded_ = 0;
    std::size_t most_taps_ = 0;
    int begin_ = 0, end_ = 0;
    std::vector<std::int32_t> first_, count_, weights_;  // first_ counts from begin_
    std::vector<std::int16_t> low_;
    std::vector<std::int8_t> high_, parts_;
};

}  // namespace ei::plan::pillow
