#pragma once
// cv2.INTER_AREA on bytes: the average of the pixels that an output covers; where a side grows, a
// linear mix at the edges between pixels.

#include <memory>
#include <string>

#include "cpu/features.hpp"
#include "plan/rows/row_source.hpp"

namespace ei::plan::cv2_area {

std::unique_ptr<const Resampler> make(const PlaneSpan& span, cpu::Features features);
std::string variants(cpu::Features features);

}  // namespace ei::plan::cv2_area
