#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "calib/choose_range.hpp"

namespace ei::calib {
namespace {

// Windows that the first look tries; the second tries all between the neighbours of the best.
constexpr std::size_t kLooks = 128;
// What is clipped into a bin that no group fills: a count that small, so that the divergence stays
// finite.
constexpr double kAlmostNone = 1e-4;

double n_log_n(double n) noexcept {
    return n > 0 ? n * std::log(n) : 0;
}

// The divergence of every window from sums over the histogram's beginning, so that a window costs
// its levels and not its bins.
class Windows {
  public:
    Windows(const Histogram& histogram, std::size_t levels);

    // Of the bins that lie less than `reach` bins from zero; infinite where they are empty.
    double divergence(std::size_t reach) const noexcept;
    std::size_t widest() const noexcept { return std::max(zero_, counts_.size() - zero_); }
    // With a bin for every level at least, where there are as many.
    std::size_t narrowest() const noexcept;

  private:
    std::size_t first(std::size_t reach) const noexcept { return zero_ - std::min(zero_, reach); }
    std::size_t end(std::size_t reach) const noexcept {
        return std::min(counts_.size(), zero_ + reach);
    }

    std::size_t levels_, zero_;
    std::vector<double> counts_;
    std::vector<double> sums_, filled_, logs_;  // of all bins before one
};

Windows::Windows(const Histogram& histogram, std::size_t levels)
    : levels_(levels),
      zero_(histogram.grid().negatives),
      counts_(histogram.counts().begin(), histogram.counts().end()) {
    sums_ = filled_ = logs_ = {0.0};
    for (const double count : counts_) {
        sums_.push_back(sums_.back() + count);
        filled_.push_back(filled_.back() + (count > 0 ? 1 : 0));
        logs_.push_back(logs_.back() + n_log_n(count));
    }
}

std::size_t Windows::narrowest() const noexcept {
    std::size_t reach = 1;
    while (reach < widest() && end(reach) - first(reach) < levels_) ++reach;
    return reach;
}

double Windows::divergence(std::size_t reach) const noexcept {
    const std::size_t from = first(reach), to = end(reach), bins = to - from;
    const double inside = sums_[to] - sums_[from], all = sums_.back();
    if (inside == 0) return std::numeric_limits<double>::infinity();
    const double below = sums_[from], above = all - sums_[to];
    const auto clipped = [&](std::size_t bin, double more) {
        return n_log_n(counts_[bin] + more) - n_log_n(counts_[bin]);
    };
    double own = logs_[to] - logs_[from];
    if (bins == 1) {
        own += clipped(from, below + above);
    } else {
        own += clipped(from, below) + clipped(to - 1, above);
    }
    double crossed = 0;  // sum of P log Q
    const std::size_t groups = std::min(levels_, bins);
    for (std::size_t g = 0; g < groups; ++g) {
        const std::size_t a = from + g * bins / groups, b = from + (g + 1) * bins / groups;
        const double sum = sums_[b] - sums_[a], filled = filled_[b] - filled_[a];
        const double spread = sum > 0 ? std::log(sum / filled) : 0;
        crossed += sum * spread;
        const auto edge = [&](std::size_t bin, double more) {
            if (more > 0) crossed += more * (counts_[bin] > 0 ? spread : std::log(kAlmostNone));
        };
        if (g == 0) edge(from, below);
        if (g + 1 == groups) edge(to - 1, above);
    }
    return (own - crossed) / all + std::log(inside / all);
}

}  // namespace

Range least_divergence(const Histogram& histogram, std::size_t levels) {
    const Windows windows(histogram, levels);
    const std::size_t widest = windows.widest(), narrowest = windows.narrowest();
    std::size_t best = widest;
    double least = windows.divergence(widest);
    const auto look = [&](std::size_t reach) {
        const double found = windows.divergence(reach);
        if (found < least || (found == least && reach > best)) {
            least = found;
            best = reach;
        }
    };
    const std::size_t step = std::max<std::size_t>((widest - narrowest) / kLooks, 1);
    for (std::size_t reach = narrowest; reach < widest; reach += step) look(reach);
    const std::size_t from = std::max(narrowest, best - std::min(best, step));
    const std::size_t to = std::min(widest, best + step);
    for (std::size_t reach = from; reach <= to; ++reach) look(reach);
    const double farthest = static_cast<double>(best) * histogram.grid().width();
    return {std::max(static_cast<float>(-farthest), histogram.low()),
            std::min(static_cast<float>(farthest), histogram.high())};
}

}  // namespace ei::calib
