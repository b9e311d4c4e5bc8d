#pragma once
// One run of a model on made-up inputs, to compare two forms of it.

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "graph/model.hpp"
#include "ort/session.hpp"

namespace ei::flow {

struct ProbeOutput {
    std::string name;
    ElementType type = ElementType::undefined;
    std::vector<std::byte> values;

    // Elements as numbers; empty for types other than float32, int8 and uint8.
    std::vector<double> numbers() const;
};

// Inputs whose values are the same on every machine: uniform over what a QuantizeLinear behind the
// input can hold, over -1 to 1 before anything else; coarse patches and fine noise, since an
// average over white noise would leave the later layers nothing to do. Symbolic axes that
// `options.free_dimensions` does not fix are taken as 1 (the first axis) and `size`.
//
// Error(model) or Error(run): the model cannot be run so; Error(input): an input is of another type
// than float32, int8 and uint8, or too large for a probe.
std::vector<ProbeOutput> probe(const graph::Model& file, std::span<const std::byte> bytes,
                               const std::string& folder, const ort::Options& options, int size);

}  // namespace ei::flow
