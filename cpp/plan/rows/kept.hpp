#pragma once
// Rows of a plane that keeps its size: where they lie, whatever the resize.

#include <memory>

#include "plan/rows/row_source.hpp"

namespace ei::plan::kept {

std::unique_ptr<const Resampler> make(const PlaneSpan& span);

}  // namespace ei::plan::kept
