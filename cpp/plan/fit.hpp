#pragma once
// Where a frame of another shape goes in the model's input, in whole pixels.

#include "base/frame.hpp"

namespace ei::plan {

enum class Fit {
    stretch,    // each axis by its own ratio
    letterbox,  // the whole frame, centred, gray around it
    crop,       // the whole input, the middle of the frame
};

// Longest side that a frame may be resized to before its middle is cut out, pixels.
inline constexpr long long kMaxResized = (1 << 24) - 1;

// One axis: the frame becomes `resized` pixels, of which first .. first + count - 1 are kept. They
// lie at `pad` of the model's input.
struct AxisFit {
    int resized = 0;
    int first = 0, count = 0;
    int pad = 0;
};

struct FrameFit {
    AxisFit x, y;
};

// Stretch: both sides as the model's.
// Letterbox: scaled by the smaller ratio; the other side is rounded to the nearest pixel, halves
//   up, at least 1. Of an odd number of free pixels the additional one lies right or below.
// Crop: scaled by the larger ratio; the other side is rounded down, as torchvision's Resize does
//   for the longer side. The kept part starts at half of what is over, halves rounded to even, as
//   torchvision's CenterCrop does.
// All in integers. Raises Error(input) where crop would resize a side to more than kMaxResized.
FrameFit fit_frame(Fit fit, int frame_width, int frame_height, int model_width, int model_height);

Placement placement_of(const FrameFit& fit, int frame_width, int frame_height, int model_width,
                       int model_height);

}  // namespace ei::plan
