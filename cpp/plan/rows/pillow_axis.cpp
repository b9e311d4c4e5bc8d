#include "plan/rows/pillow_axis.hpp"

#include <algorithm>
#include <cmath>

namespace ei::plan::pillow {

Axis::Axis(const AxisSpan& span) {
    const double scale = static_cast<double>(span.source) / span.target;
    const double widening = std::max(scale, 1.0);
    const double support = 1.0 * widening;  // of the triangle filter
    const double inverse = 1.0 / widening;
    const auto outputs = static_cast<std::size_t>(span.count);
    const auto center = [&](std::size_t x) {
        return (static_cast<double>(x) + span.first + 0.5) * scale;
    };

    first_.resize(outputs);
    count_.resize(outputs);
    for (std::size_t x = 0; x < outputs; ++x) {
        // Conversions cut off towards zero, so the half makes them round.
        const int begin = std::max(static_cast<int>(center(x) - support + 0.5), 0);
        const int end = std::min(static_cast<int>(center(x) + support + 0.5), span.source);
        first_[x] = begin;
        count_[x] = end - begin;
        most_taps_ = std::max(most_taps_, static_cast<std::size_t>(end - begin));
    }
    // Both ends of the runs move along with the outputs.
    begin_ = first_.front();
    end_ = first_.back() + count_.back();
    padded_ = (most_taps_ + 3) / 4 * 4;
    weights_.assign(outputs * padded_, 0);
    low_.resize(weights_.size());
    high_.resize(weights_.size());
    parts_.assign(3 * weights_.size(), 0);
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
            // Bytes of both signs again: a part of 128 or more carries into the next.
            const auto low = static_cast<std::int8_t>(weight);
            const std::int32_t upper = (weight - low) >> 8;
            const auto middle = static_cast<std::int8_t>(upper);
            std::int8_t* part = parts_.data() + 3 * (at - i % 4) + i % 4;
            part[0] = low;
            part[4] = middle;
            part[8] = static_cast<std::int8_t>((upper - middle) >> 8);
        }
    }
    for (std::int32_t& first : first_) first -= begin_;
}

resize_columns::Taps Axis::taps() const noexcept {
    return {first_.size(),   padded_,     first_.data(), count_.data(),
            weights_.data(), low_.data(), high_.data(),  parts_.data()};
}

}  // namespace ei::plan::pillow
