#pragma once
// Widths and outputs on which kernels between two columns are proven: all small ones, those around
// the vectors, and those of real frames.

#include <cstddef>

#include "plan/rows/cv2_axis.hpp"

namespace ei::check {

inline constexpr std::size_t kMostLerpWidth = 2100;
inline constexpr std::size_t kMostLerpOutputs = 1100;

// use(width, axis, outputs, offsets): how many offsets are worth trying.
template <class Use>
void each_lerp(Use&& use) {
    using plan::cv2_linear::Axis;
    constexpr std::size_t kOffsets = 64;
    const auto one = [&](std::size_t width, std::size_t outputs, bool all_offsets) {
        use(width, Axis(plan::whole(width, outputs), Axis::Border::reweight), outputs,
            all_offsets ? kOffsets : 0);
    };
    for (std::size_t width = 2; width <= 70; ++width) {
        for (const std::size_t outputs :
             {std::size_t{1}, std::size_t{2}, width / 3 + 1, width / 2 + 1, width - 1, width,
              width + 1, 2 * width + 3, 5 * width + 1}) {
            one(width, outputs, width % 11 == 0);
        }
    }
    for (std::size_t outputs = 1; outputs <= 130; ++outputs) one(97, outputs, false);
    one(640, 224, true);
    one(1920, 512, true);
    one(960, 512, true);
    one(300, 1024, true);
    one(2047, 3, false);
    one(2047, 200, true);  // gray: groups of pairs beyond one load
    one(2100, 3, false);   // and beyond a byte's distance
}

}  // namespace ei::check
