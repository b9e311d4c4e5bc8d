#pragma once
// cv2.INTER_LINEAR on bytes: two columns, then two rows, in fixed point.

#include <memory>
#include <string>

#include "cpu/features.hpp"
#include "plan/rows/row_source.hpp"

namespace ei::plan::cv2_linear {

std::unique_ptr<const Resampler> make(const PlaneSpan& span, cpu::Features features);
// The same between other positions: what INTER_AREA does where a side grows.
std::unique_ptr<const Resampler> make_from_edges(const PlaneSpan& span, cpu::Features features);
std::string variants(cpu::Features features);

}  // namespace ei::plan::cv2_linear
