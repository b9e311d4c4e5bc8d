#pragma once
// Coefficient tables of one axis, as Pillow and OpenCV compute them for 8-bit images. Tables depend
// on the two sizes only and are built once per frame geometry.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/lerp_columns/lerp_columns.hpp"
#include "kernels/resize_columns/resize_columns.hpp"

namespace ei::plan {

// Pillow's BILINEAR: a triangle filter, widened by the ratio when the axis shrinks. Weights are
// computed in double, normalised, and rounded to 22 bits. An axis that keeps its size has no pass.
class PillowAxis {
  public:
    PillowAxis(int source, int target);

    std::size_t most_taps() const noexcept { return most_taps_; }
    int first(int output) const noexcept { return first_[static_cast<std::size_t>(output)]; }
    int count(int output) const noexcept { return count_[static_cast<std::size_t>(output)]; }
    const std::int32_t* weights(int output) const noexcept {
        return weights_.data() + static_cast<std::size_t>(output) * padded_;
    }
    resize_columns::Taps taps() const noexcept;

  private:
    std::size_t padded_ = 0;
    std::size_t most_taps_ = 0;
    std::vector<std::int32_t> first_, count_, weights_;
    std::vector<std::int16_t> low_;
    std::vector<std::int8_t> high_;
};

// OpenCV's INTER_LINEAR: two neighbours, positions in float, weights rounded to 11 bits.
class Cv2Axis {
  public:
    enum class Border {
        reweight,  // columns: outside the image the edge pixel takes the whole weight
        repeat,    // rows: both weights stay, on the edge row twice
    };
    Cv2Axis(int source, int target, Border border);

    int left(int output) const noexcept { return left_[static_cast<std::size_t>(output)]; }
    int right(int output) const noexcept { return right_[static_cast<std::size_t>(output)]; }
    const std::int16_t* weights(int output) const noexcept {
        return weights_.data() + 2 * static_cast<std::size_t>(output);
    }
    lerp_columns::Lerp lerp() const noexcept {
        return {left_.size(), left_.data(), weights_.data()};
    }

  private:
    std::vector<std::int32_t> left_, right_;
    std::vector<std::int16_t> weights_;
};

}  // namespace ei::plan
