#include "kernels/average_2x2/average_2x2.hpp"

namespace ei::average_2x2::scalar {
namespace {

// The pixel size is a constant in each copy, so that the compiler sees fixed distances.
template <std::size_t kPixelBytes>
void colour(const std::uint8_t* __restrict upper, const std::uint8_t* __restrict lower,
            std::size_t outputs, std::uint8_t* __restrict out) noexcept {
    for (std::size_t x = 0; x < outputs; ++x) {
        const std::uint8_t* a = upper + 2 * kPixelBytes * x;
        const std::uint8_t* b = lower + 2 * kPixelBytes * x;
        constexpr std::size_t kChannels = kPixelBytes == 2 ? 2 : 3;
        for (std::size_t c = 0; c < kChannels; ++c) {
            out[4 * x + c] = static_cast<std::uint8_t>(
                (a[c] + a[kPixelBytes + c] + b[c] + b[kPixelBytes + c] + 2) >> 2);
        }
        for (std::size_t c = kChannels; c < 4; ++c) out[4 * x + c] = 0;
    }
}

}  // namespace

void row(const std::uint8_t* upper, const std::uint8_t* lower, std::size_t pixel_bytes,
         std::size_t outputs, std::uint8_t* out) noexcept {
    if (pixel_bytes == 2) return colour<2>(upper, lower, outputs, out);
    if (pixel_bytes == 3) return colour<3>(upper, lower, outputs, out);
    if (pixel_bytes == 4) return colour<4>(upper, lower, outputs, out);
    for (std::size_t x = 0; x < outputs; ++x) {
        out[x] = static_cast<std::uint8_t>(
            (upper[2 * x] + upper[2 * x + 1] + lower[2 * x] + lower[2 * x + 1] + 2) >> 2);
    }
}

}  // namespace ei::average_2x2::scalar
