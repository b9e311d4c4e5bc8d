#pragma once
// Extremes, mean and variance of each channel: 32 bytes a channel, whatever the amount of data.
//
// Sums are of doubles. In whatever parts and order the data comes, a sum differs from the exact one
// by no more than 1e-12 of the sum of the magnitudes added, for up to 2^40 values; the variance,
// which is the difference of two such sums, by that part of the mean square.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "kernels/channel_moments/channel_moments.hpp"

namespace ei::calib {

struct Channel {
    std::uint64_t count = 0;  // of finite values
    float low = std::numeric_limits<float>::infinity();
    float high = -std::numeric_limits<float>::infinity();
    double sum = 0, squares = 0;

    void add(float value) noexcept;
    void add(const channel_moments::Moments& row, std::size_t values) noexcept;
    void add(const Channel& other) noexcept;
    // NaN where nothing finite was seen.
    double mean() const noexcept;
    double variance() const noexcept;  // of the values themselves: divided by count
};

struct Added {
    float low, high;  // of the finite values; low > high: there were none
    std::uint64_t not_finite;
};

// Adds rows of `inner` values that lie beside each other: the first belongs to channels[first], the
// next to the channel behind it, and so around. The last row may be shorter.
Added add_rows(std::span<const float> values, std::size_t inner, std::size_t first,
               std::span<Channel> channels) noexcept;

}  // namespace ei::calib
