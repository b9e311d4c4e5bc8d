#pragma once
// Extremes, mean and variance of each channel: 32 bytes a channel, whatever the amount of data.
//
// Sums are of doubles, so their last bits depend on parts and order. A sum differs from the exact
// one by at most 2^-53 of the sum of magnitudes for each addition that went into it, one a row and
// one in sixteen values of a row (each value of a row shorter than 8 is an addition): less than
// 1e-12 for 9,000 rows of at most 9,000 values. The worst met is 2.4e-10: 2^24 equal values, one at
// a time. The variance, which is the difference of two such sums, differs by that part of the mean
// square.

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
