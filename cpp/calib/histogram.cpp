#include "calib/histogram.hpp"

#include <algorithm>

#include "kernels/count_bins/count_bins.hpp"

namespace ei::calib {
namespace {

// What one call of the kernel may count at most: no counter of 32 bits can overflow.
constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;

// Adds counts of a grid to those of one that is as fine or coarser, and reaches as far.
void add(std::span<const std::uint64_t> from, const Grid& fine, const Grid& coarse,
         std::span<std::uint64_t> to) noexcept {
    const int shift = coarse.exponent - fine.exponent;
    for (std::size_t i = 0; i < from.size(); ++i) {
        if (from[i] == 0) continue;
        const bool negative = i < fine.negatives;
        const std::size_t place = negative ? fine.negatives - 1 - i : i - fine.negatives;
        const std::size_t joined = shift < 64 ? place >> shift : 0;
        to[negative ? coarse.negatives - 1 - joined : coarse.negatives + joined] += from[i];
    }
}

}  // namespace

std::uint32_t* Workspace::tables(std::size_t slots) {
    const std::size_t wanted = count_bins::kTables * slots;
    if (counters_.size() < wanted) counters_.resize(wanted);
    return counters_.data();
}

Histogram::Histogram(std::size_t bins, float low, float high, std::uint64_t zeros,
                     std::vector<std::uint64_t> counts) noexcept
    : most_bins_(bins),
      low_(low),
      high_(high),
      grid_(Grid::covering(low, high, bins)),
      zeros_(zeros),
      counts_(std::move(counts)) {}

void Histogram::cover(float low, float high) {
    if (low >= low_ && high <= high_) return;
    const float least = std::min(low, low_), most = std::max(high, high_);
    const Grid grid = Grid::covering(least, most, most_bins_);
    if (grid != grid_) {
        std::vector<std::uint64_t> counts(grid.bins());
        add(counts_, grid_, grid, counts);
        counts_ = std::move(counts);
        grid_ = grid;
    }
    low_ = least;
    high_ = most;
}

void Histogram::observe(std::span<const float> values, float low, float high,
                        Workspace& workspace) {
    cover(low, high);
    const std::size_t bins = grid_.bins(), slots = bins + 1;
    std::uint32_t* const tables = workspace.tables(slots);
    static const count_bins::Fn count = best(count_bins::kVariants, cpu::enabled()).fn;
    const count_bins::Bins where{grid_.per_width(), static_cast<std::int32_t>(grid_.negatives),
                                 slots};
    while (!values.empty()) {
        const auto now = values.first(std::min(values.size(), kMostAtOnce));
        values = values.subspan(now.size());
        count(now.data(), now.size(), where, tables);
        for (std::size_t t = 0; t < count_bins::kTables; ++t) {
            std::uint32_t* const table = tables + t * slots;
            for (std::size_t i = 0; i < bins; ++i) counts_[i] += table[i];
            zeros_ += table[bins];
        }
        std::fill_n(tables, count_bins::kTables * slots, 0);
    }
}

void Histogram::merge(const Histogram& other) {
    cover(other.low_, other.high_);
    add(other.counts_, other.grid_, grid_, counts_);
    zeros_ += other.zeros_;
}

}  // namespace ei::calib
