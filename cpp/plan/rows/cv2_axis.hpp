#pragma once
// Tables of one axis, as OpenCV's INTER_LINEAR, and its INTER_AREA where a side grows, compute them
// for 8-bit images.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/lerp_columns/lerp_columns.hpp"
#include "plan/rows/row_source.hpp"

namespace ei::plan::cv2_linear {

// Two neighbours, positions in float, weights rounded to 11 bits. Outputs count from the span's
// first.
class Axis {
  public:
    enum class Border {
        reweight,  // columns: outside the image the edge pixel takes the whole weight
        repeat,    // rows: both weights stay, on the edge row twice
    };
    enum class Positions {
        centres,  // INTER_LINEAR: of an output's centre between the centres of two pixels
        edges,    // INTER_AREA: an output mixes two pixels only where it lies across their edge
    };
    Axis(const AxisSpan& span, Border border, Positions positions = Positions::centres);

    int left(int output) const noexcept { return left_[static_cast<std::size_t>(output)]; }
    int right(int output) const noexcept { return right_[static_cast<std::size_t>(output)]; }
    const std::int16_t* weights(int output) const noexcept {
        return weights_.data() + 2 * static_cast<std::size_t>(output);
    }
    lerp_columns::Lerp lerp() const noexcept {
        return {left_.size(),    left_.data(),
                weights_.data(), coarse_.data(),
                fine_.data(),    within_group_.empty() ? nullptr : within_group_.data(),
                furthest_};
    }

  private:
    void split_weights();
    void group_pixels();

    std::vector<std::int32_t> left_, right_;
    std::vector<std::int16_t> weights_;
    std::vector<std::uint8_t> coarse_, fine_, within_group_;
    std::size_t furthest_ = 0;
};

}  // namespace ei::plan::cv2_linear
