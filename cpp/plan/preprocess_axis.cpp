#include "plan/preprocess_axis.hpp"

#include <algorithm>
#include <cmath>

namespace ei::plan {

PillowAxis::PillowAxis(int source, int target) {
    const double scale = static_cast<double>(source) / target;
    const double widening = std::max(scale, 1.0);
    const double support = 1.0 * widening;  // of the triangle filter
    const double inverse = 1.0 / widening;
    const auto outputs = static_cast<std::size_t>(target);
    const auto center = [&](std::size_t x) { return (static_cast<double>(x) + 0.5) * scale; };

    first_.resize(outputs);
    count_.resize(outputs);
    for (std::size_t x = 0; x < outputs; ++x) {
        // Conversions cut off towards zero, so the half makes them round.
        const int begin = std::max(static_cast<int>(center(x) - support + 0.5), 0);
        const int end = std::min(static_cast<int>(center(x) + support + 0.5), source);
        first_[x] = begin;
        count_[x] = end - begin;
        most_taps_ = std::max(most_taps_, static_cast<std::size_t>(end - begin));
    }
    padded_ = (most_taps_ + 3) / 4 * 4;
    weights_.assign(outputs * padded_, 0);
    low_.resize(weights_.size());
    high_.resize(weights_.size());
    std::vector<double> exact(most_taps_);

    for (std::size_t x = 0; x < outputs; ++x) {
        const auto count = static_cast<std::size_t>(count_[x]);
        double total = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const double distance =
                std::abs((static_cast<double>(i) + first_[x] - center(x) + 0.5) * inverse);
            exact[i] = distance < 1.0 ? 1.0 - distance : 0.0;
            total += exact[i];
        }
        for (std::size_t i = 0; i < count; ++i) {
            const double normalised = total != 0 ? exact[i] / total : exact[i];
            const auto weight =
                static_cast<std::int32_t>(0.5 + normalised * (1 << resize_columns::kWeightBits));
            const std::size_t at = x * padded_ + i;
            weights_[at] = weight;
            // Rounded to the nearest multiple, so that low takes both signs.
            high_[at] = static_cast<std::int8_t>((weight + (1 << (resize_columns::kLowBits - 1))) >>
                                                 resize_columns::kLowBits);
            low_[at] = static_cast<std::int16_t>(weight - (high_[at] << resize_columns::kLowBits));
        }
    }
}

resize_columns::Taps PillowAxis::taps() const noexcept {
    return {first_.size(),   padded_,     first_.data(), count_.data(),
            weights_.data(), low_.data(), high_.data()};
}

Cv2Axis::Cv2Axis(int source, int target, Border border) {
    // The ratio is inverted twice, as OpenCV does: source / target can differ in the last bit.
    const double ratio = 1.0 / (static_cast<double>(target) / source);
    const auto fixed = [](float weight) {
        constexpr float kOne = 1 << lerp_columns::kWeightBits;
        return static_cast<std::int16_t>(std::lrint(weight * kOne));  // ties to even
    };
    for (int x = 0; x < target; ++x) {
        const auto position = static_cast<float>((x + 0.5) * ratio - 0.5);
        int left = static_cast<int>(std::floor(position));
        float fraction = position - static_cast<float>(left);
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
}

}  // namespace ei::plan
