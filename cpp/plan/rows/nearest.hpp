#pragma once
// Pillow's NEAREST: the pixel below the centre of each output pixel.

#include <memory>
#include <string>

#include "cpu/features.hpp"
#include "plan/rows/row_source.hpp"

namespace ei::plan::nearest {

std::unique_ptr<const Resampler> make(const PlaneSpan& span, cpu::Features features);
std::string variants(cpu::Features features);

}  // namespace ei::plan::nearest
