#include "kernels/split_yuyv/split_yuyv.hpp"

namespace ei::split_yuyv::scalar {

void row(const std::uint8_t* __restrict yuyv, std::size_t pairs, std::uint8_t* __restrict luma,
         std::uint8_t* __restrict chroma) noexcept {
    for (std::size_t i = 0; i < 2 * pairs; ++i) {
        luma[i] = yuyv[2 * i];
        chroma[i] = yuyv[2 * i + 1];
    }
}

}  // namespace ei::split_yuyv::scalar
