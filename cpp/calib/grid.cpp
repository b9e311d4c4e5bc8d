#include "calib/grid.hpp"

#include <algorithm>
#include <cmath>

namespace ei::calib {
namespace {

// Bins of one side whose farthest value is `extreme`.
std::uint32_t side(float extreme, float per_width) noexcept {
    return extreme == 0 ? 0 : static_cast<std::uint32_t>(std::fabs(extreme) * per_width) + 1;
}

}  // namespace

Grid Grid::covering(float low, float high, std::size_t bins) noexcept {
    const float farthest = std::max(-low, high);
    if (farthest == 0) return {};
    // Two more bits of an index than the most bins have, so that the search begins too fine.
    constexpr int kIndexBits = 18;
    Grid grid;
    grid.exponent = std::clamp(std::ilogb(farthest) - kIndexBits, kFinest, kCoarsest);
    while (true) {
        grid.negatives = side(low, grid.per_width());
        grid.positives = side(high, grid.per_width());
        if (grid.bins() <= bins) return grid;
        ++grid.exponent;
    }
}

double Grid::width() const noexcept {
    return std::ldexp(1.0, exponent);
}

float Grid::per_width() const noexcept {
    return std::ldexp(1.0f, -exponent);
}

}  // namespace ei::calib
