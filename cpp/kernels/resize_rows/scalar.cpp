#include "kernels/resize_rows/resize_rows.hpp"

namespace ei::resize_rows::scalar {
namespace {

constexpr std::size_t kBlock = 256;

// Sums stay in a block on the stack, so that the loop over bytes is the inner one and vectorises.
void block(const std::uint8_t* const* rows, const std::int32_t* weights, std::size_t taps,
           std::size_t start, std::size_t bytes, std::uint8_t* __restrict out) noexcept {
    std::int32_t sums[kBlock];
    for (std::size_t i = 0; i < bytes; ++i) sums[i] = 1 << (kWeightBits - 1);
    for (std::size_t t = 0; t < taps; ++t) {
        const std::uint8_t* row = rows[t] + start;
        const std::int32_t weight = weights[t];
        for (std::size_t i = 0; i < bytes; ++i) sums[i] += weight * row[i];
    }
    for (std::size_t i = 0; i < bytes; ++i) {
        const std::int32_t value = sums[i] >> kWeightBits;
        out[start + i] = static_cast<std::uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
    }
}

}  // namespace

void row(const std::uint8_t* const* rows, const std::int32_t* weights, std::size_t taps,
         std::size_t bytes, std::uint8_t* out) noexcept {
    for (std::size_t start = 0; start < bytes; start += kBlock) {
        const std::size_t left = bytes - start;
        block(rows, weights, taps, start, left < kBlock ? left : kBlock, out);
    }
}

}  // namespace ei::resize_rows::scalar
