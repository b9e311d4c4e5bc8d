#include "calib/grid.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace ei::calib {
namespace {

// By its bits: a thread that takes subnormal numbers for zero must give the grid that others give.
bool is_zero(float value) noexcept {
    return (std::bit_cast<std::uint32_t>(value) & 0x7fffffffu) == 0;
}

// Bins of one side whose farthest value is `extreme`.
std::uint32_t side(float extreme, float per_width) noexcept {
    return is_zero(extreme) ? 0 : static_cast<std::uint32_t>(std::fabs(extreme) * per_width) + 1;
}

}  // namespace

Grid Grid::covering(float low, float high, std::size_t bins) noexcept {
    if (is_zero(low) && is_zero(high)) return {};
    // Two more bits of an index than the most bins have, so that the search begins too fine.
    constexpr int kIndexBits = 18;
    const float farthest = std::max(-low, high);
    Grid grid;
    if (farthest >= std::numeric_limits<float>::min()) {
        grid.exponent = std::clamp(std::ilogb(farthest) - kIndexBits, kFinest, kCoarsest);
    }
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
