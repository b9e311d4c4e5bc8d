#include "plan/rows/cv2_axis.hpp"

#include <algorithm>
#include <cmath>

namespace ei::plan::cv2_linear {

Axis::Axis(const AxisSpan& span, Border border, Positions positions) {
    const int source = span.source;
    // The ratio is inverted twice, as OpenCV does: source / target can differ in the last bit.
    const double inverse = static_cast<double>(span.target) / source;
    const double ratio = 1.0 / inverse;
    const auto fixed = [](float weight) {
        constexpr float kOne = 1 << lerp_columns::kWeightBits;
        return static_cast<std::int16_t>(std::lrint(weight * kOne));  // ties to even
    };
    for (int x = span.first; x < span.first + span.count; ++x) {
        int left;
        float fraction;
        if (positions == Positions::centres) {
            const auto position = static_cast<float>((x + 0.5) * ratio - 0.5);
            left = static_cast<int>(std::floor(position));
            fraction = position - static_cast<float>(left);
        } else {
            left = static_cast<int>(std::floor(x * ratio));
            const auto across = static_cast<float>((x + 1) - (left + 1) * inverse);
            fraction = across <= 0 ? 0.0f : across - std::floor(across);
        }
        if (border == Border::reweight) {
            // A pair must lie inside the row: the last pixel is the right one of the last pair.
            const bool before = left < 0;
            const bool behind = left >= source - 1;
            if (before) fraction = 0;
            if (behind) fraction = source > 1 ? 1 : 0;
            left = std::clamp(left, 0, std::max(source - 2, 0));
            left_.push_back(left);
            right_.push_back(std::min(left + 1, source - 1));
        } else {
            left_.push_back(std::clamp(left, 0, source - 1));
            right_.push_back(std::clamp(left + 1, 0, source - 1));
        }
        weights_.push_back(fixed(1.0f - fraction));
        weights_.push_back(fixed(fraction));
    }
    split_weights();
    group_pixels();
}

void Axis::split_weights() {
    for (const int weight : weights_) {
        const int coarse = std::min(weight >> 4, lerp_columns::kMostCoarse);
        coarse_.push_back(static_cast<std::uint8_t>(coarse));
        fine_.push_back(static_cast<std::uint8_t>(weight - 16 * coarse));
    }
}

void Axis::group_pixels() {
    for (std::size_t x = 0; x < left_.size(); ++x) {
        const int distance = left_[x] - left_[x - x % lerp_columns::kGroup];
        if (distance > 255) {
            within_group_.clear();
            return;
        }
        within_group_.push_back(static_cast<std::uint8_t>(distance));
        furthest_ = std::max(furthest_, static_cast<std::size_t>(distance));
    }
}

}  // namespace ei::plan::cv2_linear
