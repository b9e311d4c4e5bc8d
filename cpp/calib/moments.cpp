#include "calib/moments.hpp"

#include <algorithm>
#include <cmath>

namespace ei::calib {
namespace {

using channel_moments::Moments;

// Rows shorter than this are not worth a kernel's beginning and end.
constexpr std::size_t kShortRow = 8;

channel_moments::Fn row_kernel() {
    static const channel_moments::Fn fn = best(channel_moments::kVariants, cpu::enabled()).fn;
    return fn;
}

// Leaves out what is not finite.
void add_each(std::span<const float> values, Channel& channel, Added& added) noexcept {
    for (const float value : values) {
        if (!std::isfinite(value)) {
            ++added.not_finite;
            continue;
        }
        channel.add(value);
        // No zero with a sign, as the kernel tells none.
        added.low = std::min(added.low, value + 0.0f);
        added.high = std::max(added.high, value + 0.0f);
    }
}

// Calls use(row, channel) for each row.
template <class Use>
void each_row(std::span<const float> values, std::size_t inner, std::size_t first,
              std::span<Channel> channels, Use&& use) noexcept {
    std::size_t channel = first;
    while (!values.empty()) {
        const auto row = values.first(std::min(inner, values.size()));
        values = values.subspan(row.size());
        use(row, channels[channel]);
        channel = channel + 1 == channels.size() ? 0 : channel + 1;
    }
}

}  // namespace

void Channel::add(float value) noexcept {
    const double wide = value;
    ++count;
    low = std::min(low, value + 0.0f);
    high = std::max(high, value + 0.0f);
    sum += wide;
    squares += wide * wide;
}

void Channel::add(const Moments& row, std::size_t values) noexcept {
    count += values;
    low = std::min(low, row.low);
    high = std::max(high, row.high);
    sum += row.sum;
    squares += row.squares;
}

void Channel::add(const Channel& other) noexcept {
    count += other.count;
    low = std::min(low, other.low);
    high = std::max(high, other.high);
    sum += other.sum;
    squares += other.squares;
}

double Channel::mean() const noexcept {
    return sum / static_cast<double>(count);
}

double Channel::variance() const noexcept {
    const double mean_square = squares / static_cast<double>(count);
    return count == 0 ? mean_square : std::max(mean_square - mean() * mean(), 0.0);
}

Added add_rows(std::span<const float> values, std::size_t inner, std::size_t first,
               std::span<Channel> channels) noexcept {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    Added added{kInfinity, -kInfinity, 0};
    if (values.empty()) return added;
    const channel_moments::Fn kernel = row_kernel();
    if (inner < kShortRow) {
        const Moments all = kernel(values.data(), values.size());
        const bool finite = std::isfinite(all.squares);
        if (finite) added = {all.low, all.high, 0};
        each_row(values, inner, first, channels, [&](std::span<const float> row, Channel& to) {
            if (!finite) return add_each(row, to, added);
            for (const float value : row) to.add(value);
        });
        return added;
    }
    each_row(values, inner, first, channels, [&](std::span<const float> row, Channel& to) {
        const Moments found = kernel(row.data(), row.size());
        if (!std::isfinite(found.squares)) return add_each(row, to, added);
        to.add(found, row.size());
        added.low = std::min(added.low, found.low);
        added.high = std::max(added.high, found.high);
    });
    return added;
}

}  // namespace ei::calib
