#pragma once
// Where the bins of a histogram lie: at whole multiples of a power of two.
//
// The width follows from the extremes alone, so the bins of any data are those of its multiset of
// values, however it was cut and in whatever order it came. Twice the width joins pairs of bins:
// counts made on a finer grid move to a coarser one without error.

#include <cstddef>
#include <cstdint>

namespace ei::calib {

inline constexpr std::size_t kLeastBins = 16, kMostBins = 65536;

// Bin m of the positive side holds m * width <= x < (m + 1) * width, bin m of the negative side the
// same of -x; zero itself lies in none.
struct Grid {
    static constexpr int kFinest = -126;  // 1 / width must be a normal float
    static constexpr int kCoarsest = 125;

    int exponent = kFinest;  // width = 2^exponent
    std::uint32_t negatives = 0, positives = 0;

    // The finest grid of `bins` bins or less that holds all from `low` to `high`; low <= 0 <= high,
    // both finite.
    static Grid covering(float low, float high, std::size_t bins) noexcept;

    double width() const noexcept;
    float per_width() const noexcept;
    std::size_t bins() const noexcept { return std::size_t{negatives} + positives; }
    // Lower edge of the first bin.
    double first_edge() const noexcept { return -static_cast<double>(negatives) * width(); }

    bool operator==(const Grid&) const = default;
};

}  // namespace ei::calib
