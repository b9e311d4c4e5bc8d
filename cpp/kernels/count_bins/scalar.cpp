#include "kernels/count_bins/count_bins.hpp"

namespace ei::count_bins::scalar {
namespace {

std::size_t slot(float value, const Bins& bins) noexcept {
    if (value == 0) return bins.slots - 1;
    const auto toward_zero = static_cast<std::int32_t>(value * bins.per_width);
    return static_cast<std::size_t>(bins.negatives + toward_zero - (value < 0 ? 1 : 0));
}

}  // namespace

void row(const float* values, std::size_t count, const Bins& bins, std::uint32_t* tables) noexcept {
    std::size_t i = 0;
    for (; i + kTables <= count; i += kTables) {
        for (std::size_t table = 0; table < kTables; ++table) {
            ++tables[table * bins.slots + slot(values[i + table], bins)];
        }
    }
    for (; i < count; ++i) ++tables[slot(values[i], bins)];
}

}  // namespace ei::count_bins::scalar
