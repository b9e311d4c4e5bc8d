#pragma once
// Counts by value over a range that grows: 8 bytes a bin, whatever the amount of data.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "calib/grid.hpp"

namespace ei::calib {

// Counters for a kernel to add to, all zero between calls; one for each thread.
class Workspace {
  public:
    // kTables tables of `slots` counters, all zero.
    std::uint32_t* tables(std::size_t slots);

  private:
    std::vector<std::uint32_t> counters_;
};

class Histogram {
  public:
    // `bins`: from kLeastBins to kMostBins.
    explicit Histogram(std::size_t bins) noexcept : most_bins_(bins) {}
    // As it was: `counts` are those of Grid::covering(low, high, bins).
    Histogram(std::size_t bins, float low, float high, std::uint64_t zeros,
              std::vector<std::uint64_t> counts) noexcept;

    // Counts finite values, all between `low` and `high`.
    void observe(std::span<const float> values, float low, float high, Workspace& workspace);
    // `other` may have other values, but not another number of bins.
    void merge(const Histogram& other);

    std::size_t most_bins() const noexcept { return most_bins_; }
    const Grid& grid() const noexcept { return grid_; }
    // From the most negative bin to the most positive one.
    const std::vector<std::uint64_t>& counts() const noexcept { return counts_; }
    std::uint64_t zeros() const noexcept { return zeros_; }
    // Extremes of all that was counted, and of zero.
    float low() const noexcept { return low_; }
    float high() const noexcept { return high_; }

  private:
    void cover(float low, float high);

    std::size_t most_bins_;
    float low_ = 0, high_ = 0;
    Grid grid_;
    std::uint64_t zeros_ = 0;
    std::vector<std::uint64_t> counts_;
};

}  // namespace ei::calib
