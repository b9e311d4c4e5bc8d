#include "calib/choose_range.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "base/error.hpp"

namespace ei::calib {
namespace {

std::string shown(double value) {
    std::string text = std::to_string(value);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text;
}

[[noreturn]] void refuse(double parameter, const std::string& wanted) {
    throw Error(ErrorKind::input, "parameter: found " + shown(parameter) + ", wanted " + wanted);
}

// Written so that NaN is refused.
double checked_percent(double percent) {
    if (percent > 50 && percent <= 100) return percent;
    refuse(percent, "per cent above 50, up to 100");
}

std::size_t checked_levels(double levels) {
    if (levels >= kLeastLevels && levels <= kMostLevels && levels == std::trunc(levels)) {
        return static_cast<std::size_t>(levels);
    }
    refuse(levels,
           "a whole number of levels, " + shown(kLeastLevels) + " to " + shown(kMostLevels));
}

// Bins that may be left out, from the far end of a side on, so that no more than `spare` values go.
std::size_t spared(std::span<const std::uint64_t> from_far, std::uint64_t spare) noexcept {
    std::size_t bins = 0;
    for (std::uint64_t gone = 0; bins < from_far.size(); ++bins) {
        gone += from_far[bins];
        if (gone > spare) break;
    }
    return bins;
}

Range percentile(const Histogram& histogram, double percent, std::uint64_t count) {
    const double share = (100 - percent) / 100;
    // The part of 1e-9 is for shares that binary fractions miss: 0.0001 of 10,000 is one value.
    const auto spare = static_cast<std::uint64_t>(static_cast<double>(count) * share * (1 + 1e-9));
    const Grid& grid = histogram.grid();
    const std::span<const std::uint64_t> counts = histogram.counts();
    const std::size_t below = spared(counts.first(grid.negatives), spare);
    const std::vector<std::uint64_t> from_top(counts.rbegin(), counts.rbegin() + grid.positives);
    const std::size_t above = spared(from_top, spare);
    const double low = -static_cast<double>(grid.negatives - below) * grid.width();
    const double high = static_cast<double>(grid.positives - above) * grid.width();
    return {std::max(static_cast<float>(low), histogram.low()),
            std::min(static_cast<float>(high), histogram.high())};
}

Range moving_average(const SampleExtremes& extremes, const Range& all) {
    if (extremes.samples == 0) {
        throw Error(ErrorKind::input,
                    "moving_average: found no sample that is ended, wanted one or more; call "
                    "end_sample() behind each");
    }
    const auto samples = static_cast<double>(extremes.samples);
    return {std::clamp(static_cast<float>(extremes.low / samples), all.low, 0.0f),
            std::clamp(static_cast<float>(extremes.high / samples), 0.0f, all.high)};
}

}  // namespace

Range choose_range(const TensorStatistics& statistics, Method method,
                   std::optional<double> parameter) {
    statistics.expect_observed();
    const Histogram& histogram = statistics.histogram();
    const Range all{histogram.low(), histogram.high()};
    if (method == Method::minmax || method == Method::moving_average) {
        if (parameter) {
            refuse(*parameter, "none for this method");
        }
        return method == Method::minmax ? all : moving_average(statistics.extremes(), all);
    }
    if (method == Method::percentile) {
        const double percent = checked_percent(parameter.value_or(kDefaultPercentile));
        return percentile(histogram, percent, statistics.count());
    }
    const std::size_t levels = checked_levels(parameter.value_or(kDefaultLevels));
    if (histogram.counts().empty()) return all;  // zeros only
    return method == Method::entropy ? least_divergence(histogram, levels)
                                     : least_square_error(histogram, levels);
}

}  // namespace ei::calib
