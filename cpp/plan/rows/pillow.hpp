#pragma once
// Pillow's BILINEAR on bytes: a horizontal and a vertical pass, each rounding to bytes.

#include <memory>
#include <string>

#include "cpu/features.hpp"
#include "plan/rows/row_source.hpp"

namespace ei::plan::pillow {

std::unique_ptr<const Resampler> make(const PlaneSpan& span, cpu::Features features);
std::string variants(cpu::Features features);

}  // namespace ei::plan::pillow
