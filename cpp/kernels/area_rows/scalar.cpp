#include "kernels/area_rows/area_rows.hpp"
#include "kernels/round_to_byte.hpp"

namespace ei::area_rows::scalar {

void row(const float* row, float weight, std::size_t count, const float* before, float* sums,
         std::uint8_t* __restrict out) noexcept {
    if (out != nullptr && before != nullptr) {
        for (std::size_t i = 0; i < count; ++i) out[i] = round_to_byte(before[i] + row[i] * weight);
    } else if (out != nullptr) {
        for (std::size_t i = 0; i < count; ++i) out[i] = round_to_byte(row[i] * weight);
    } else if (before != nullptr) {
        for (std::size_t i = 0; i < count; ++i) sums[i] = before[i] + row[i] * weight;
    } else {
        for (std::size_t i = 0; i < count; ++i) sums[i] = row[i] * weight;
    }
}

}  // namespace ei::area_rows::scalar
