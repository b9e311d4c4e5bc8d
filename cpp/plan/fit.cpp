#include "plan/fit.hpp"

#include <algorithm>
#include <string>

#include "base/error.hpp"

namespace ei::plan {
namespace {

AxisFit whole_axis(int resized) {
    return {resized, 0, resized, 0};
}

// The frame's other side when one of its sides becomes `model`, exact before the division.
long long scaled(int other, int model, int side, bool round) {
    const long long product = static_cast<long long>(other) * model;
    return round ? (2 * product + side) / (2LL * side) : product / side;
}

AxisFit padded(int resized, int model) {
    return {resized, 0, resized, (model - resized) / 2};
}

AxisFit cropped(long long resized, int model, int frame_width, int frame_height) {
    if (resized > kMaxResized) {
        throw Error(ErrorKind::input,
                    "frame: found " + std::to_string(frame_width) + "x" +
                        std::to_string(frame_height) +
                        " pixels (width x height), which CROP would resize to a side of " +
                        std::to_string(resized) + "; wanted at most " +
                        std::to_string(kMaxResized) + "; cut the frame before");
    }
    const auto side = static_cast<int>(resized);
    const int over = side - model;
    const int half = over / 2;
    // Halves to even.
    return {side, half + (over % 2 == 1 && half % 2 == 1 ? 1 : 0), model, 0};
}

}  // namespace

FrameFit fit_frame(Fit fit, int frame_width, int frame_height, int model_width, int model_height) {
    if (fit == Fit::stretch) return {whole_axis(model_width), whole_axis(model_height)};
    const long long by_width = static_cast<long long>(model_width) * frame_height;
    const long long by_height = static_cast<long long>(model_height) * frame_width;
    if (fit == Fit::letterbox) {
        if (by_width <= by_height) {
            const long long height = scaled(frame_height, model_width, frame_width, true);
            return {whole_axis(model_width),
                    padded(static_cast<int>(std::max(height, 1LL)), model_height)};
        }
        const long long width = scaled(frame_width, model_height, frame_height, true);
        return {padded(static_cast<int>(std::max(width, 1LL)), model_width),
                whole_axis(model_height)};
    }
    if (by_width >= by_height) {
        const long long height = scaled(frame_height, model_width, frame_width, false);
        return {whole_axis(model_width), cropped(height, model_height, frame_width, frame_height)};
    }
    const long long width = scaled(frame_width, model_height, frame_height, false);
    return {cropped(width, model_width, frame_width, frame_height), whole_axis(model_height)};
}

Placement placement_of(const FrameFit& fit, int frame_width, int frame_height, int model_width,
                       int model_height) {
    Placement placement;
    placement.scale_x = static_cast<double>(fit.x.resized) / frame_width;
    placement.scale_y = static_cast<double>(fit.y.resized) / frame_height;
    placement.pad_x = fit.x.pad - fit.x.first;
    placement.pad_y = fit.y.pad - fit.y.first;
    placement.frame_width = frame_width;
    placement.frame_height = frame_height;
    placement.model_width = model_width;
    placement.model_height = model_height;
    return placement;
}

}  // namespace ei::plan
