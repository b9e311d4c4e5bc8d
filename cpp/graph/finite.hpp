#pragma once
// Values that a sane network does not hold, counted over whole tensors.

#include <cstdint>
#include <optional>

#include "graph/model.hpp"

namespace ei::graph {

struct OddValues {
    std::int64_t nan = 0, infinite = 0;
    std::int64_t not_positive = 0;  // zero, below zero, or NaN with the sign of a negative
};

// `bytes`: where the values lie as raw data; none: in the typed fields of the tensor's message.
// None for element types other than float16, bfloat16, float32 and float64.
// Cost: one pass at the speed of memory for raw data.
std::optional<OddValues> odd_values(const Tensor& tensor, const std::optional<Bytes>& bytes);

}  // namespace ei::graph
