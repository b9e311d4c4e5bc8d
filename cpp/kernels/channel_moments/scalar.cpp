#include "kernels/channel_moments/channel_moments.hpp"

namespace ei::channel_moments::scalar {
namespace {

// Lanes beside each other, so that the compiler may keep them in vectors.
struct Lanes {
    float low[kLanes], high[kLanes];
    double sum[kLanes] = {}, squares[kLanes] = {};

    void take(std::size_t lane, float value) noexcept {
        const double wide = value;
        low[lane] = value < low[lane] ? value : low[lane];
        high[lane] = value > high[lane] ? value : high[lane];
        sum[lane] += wide;
        squares[lane] += wide * wide;
    }
};

}  // namespace

Moments row(const float* values, std::size_t count) noexcept {
    Lanes lanes;
    for (std::size_t j = 0; j < kLanes; ++j) lanes.low[j] = lanes.high[j] = values[0];
    std::size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
        for (std::size_t j = 0; j < kLanes; ++j) lanes.take(j, values[i + j]);
    }
    for (std::size_t j = 0; i + j < count; ++j) lanes.take(j, values[i + j]);
    for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
        for (std::size_t j = 0; j < half; ++j) {
            const std::size_t k = j + half;
            if (lanes.low[k] < lanes.low[j]) lanes.low[j] = lanes.low[k];
            if (lanes.high[k] > lanes.high[j]) lanes.high[j] = lanes.high[k];
            lanes.sum[j] += lanes.sum[k];
            lanes.squares[j] += lanes.squares[k];
        }
    }
    return {lanes.low[0] + 0.0f, lanes.high[0] + 0.0f, lanes.sum[0], lanes.squares[0]};
}

}  // namespace ei::channel_moments::scalar
