#pragma once
// cv2.INTER_LINEAR where the height shrinks so far that no two output rows share a source row:
// both passes at once, on gray and colour.

#include <memory>

#include "cpu/features.hpp"
#include "plan/rows/row_source.hpp"

namespace ei::plan::cv2_linear::apart {

// Whether make() takes this span and is faster than a pass over columns and one over rows: not
// where the CPU has vectors for those alone.
bool serves(const PlaneSpan& span, cpu::Features features);
std::unique_ptr<const Resampler> make(const PlaneSpan& span, cpu::Features features);

}  // namespace ei::plan::cv2_linear::apart
