#pragma once
// Which of OpenCV's ways to average by area applies, and the weights of one axis.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/area_columns/area_columns.hpp"
#include "plan/rows/row_source.hpp"

namespace ei::plan::cv2_area {

// cv2.INTER_AREA is four ways, chosen by the ratios of both axes together.
enum class Way {
    halve,    // both sides exactly twice as long: integers, ties up
    boxes,    // both ratios integers: integer sums, ties to even
    weights,  // neither side grows: pixels count as far as they are covered
    lerp,     // a side grows: linear on both axes, positions from edges
};
Way way(const AxisSpan& columns, const AxisSpan& rows) noexcept;

// Weights of the source pixels that an output covers, the first and the last in part. For axes that
// do not grow. Outputs count from the span's first.
class Axis {
  public:
    explicit Axis(const AxisSpan& span);

    int first(int output) const noexcept { return first_[static_cast<std::size_t>(output)]; }
    int count(int output) const noexcept { return count_[static_cast<std::size_t>(output)]; }
    const float* weights(int output) const noexcept {
        return weights_.data() + static_cast<std::size_t>(output) * padded_;
    }
    area_columns::Taps taps() const noexcept {
        return {first_.size(), padded_, first_.data(), count_.data(), weights_.data()};
    }

  private:
    std::size_t padded_ = 0;
    std::vector<std::int32_t> first_, count_;
    std::vector<float> weights_;
};

}  // namespace ei::plan::cv2_area
