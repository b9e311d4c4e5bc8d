#pragma once
// Statistics as bytes, to keep a calibration that goes on later, or to merge those of several
// machines. The bytes are the same on every machine.

#include <cstddef>
#include <span>
#include <vector>

#include "calib/tensor_statistics.hpp"

namespace ei::calib {

// Error(input) for a sample that is not ended.
std::vector<std::byte> write_state(const TensorStatistics& statistics);

// Error(input) for bytes that write_state() did not give: of another version or length, or whose
// parts do not fit each other. Nothing is allocated beyond what the bytes themselves take.
TensorStatistics read_state(std::span<const std::byte> bytes);

}  // namespace ei::calib
