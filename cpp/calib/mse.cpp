#include <algorithm>
#include <cmath>
#include <vector>

#include "calib/choose_range.hpp"

namespace ei::calib {
namespace {

constexpr int kCoarse = 32, kFine = 256;  // parts of an extreme
constexpr int kRounds = 2;
// Added to a small number and taken off again, it leaves the nearest whole one: 1.5 * 2^52.
constexpr double kRounding = 0x1.8p52;

class Errors {
  public:
    Errors(const Histogram& histogram, std::size_t levels)
        : histogram_(histogram), steps_(static_cast<double>(levels - 1)) {}

    // Sum of squares over all values, were they quantised from low to high.
    double of(double low, double high) const noexcept;

  private:
    const Histogram& histogram_;
    double steps_;
};

// The integral of the squared error from zero on, in steps: it grows by 1/12 with each step that is
// rounded, and by the cube of the distance beyond the ends.
double integral(double at, double first, double last) noexcept {
    if (at < first) return first / 12 + (at - first) * (at - first) * (at - first) / 3;
    if (at > last) return last / 12 + (at - last) * (at - last) * (at - last) / 3;
    const double nearest = (at + kRounding) - kRounding, off = at - nearest;
    return nearest / 12 + off * off * off / 3;
}

double Errors::of(double low, double high) const noexcept {
    const double step = (high - low) / steps_;
    const double first = -((-low / step + kRounding) - kRounding), last = first + steps_;
    const Grid& grid = histogram_.grid();
    const double width = grid.width() / step;  // in steps
    double edge = -static_cast<double>(grid.negatives) * width;
    double before = integral(edge, first, last), sum = 0;
    std::int64_t bin = -static_cast<std::int64_t>(grid.negatives);
    for (const std::uint64_t count : histogram_.counts()) {
        edge = static_cast<double>(++bin) * width;
        const double behind = integral(edge, first, last);
        sum += static_cast<double>(count) * (behind - before);
        before = behind;
    }
    return sum / width * step * step;
}

}  // namespace

Range least_square_error(const Histogram& histogram, std::size_t levels) {
    const Errors errors(histogram, levels);
    const double lowest = histogram.low(), highest = histogram.high();
    int below = kFine, above = kFine;  // in parts of kFine
    const auto error = [&](int low, int high) {
        return errors.of(lowest * low / kFine, highest * high / kFine);
    };
    double least = error(below, above);
    const auto look = [&](int low, int high) {
        // One end at zero is a range still, where there is another.
        if (lowest * low == 0 && highest * high == 0) return;
        const double found = error(low, high);
        if (found >= least) return;
        least = found;
        below = low;
        above = high;
    };
    constexpr int kStep = kFine / kCoarse;
    for (int part = kFine - kStep; part > 0; part -= kStep) look(part, part);
    const auto search = [&](int step, int reach) {
        for (int round = 0; round < kRounds; ++round) {
            const int low = below, high = above;
            const auto inside = [](int part) { return part >= 0 && part <= kFine; };
            for (int away = -reach; away <= reach && lowest < 0; away += step) {
                if (inside(low + away)) look(low + away, above);
            }
            for (int away = -reach; away <= reach && highest > 0; away += step) {
                if (inside(high + away)) look(below, high + away);
            }
        }
    };
    search(kStep, kFine);
    search(1, kStep);
    // No zero with a sign.
    return {static_cast<float>(lowest * below / kFine + 0.0),
            static_cast<float>(highest * above / kFine)};
}

}  // namespace ei::calib
