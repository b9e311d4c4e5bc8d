#pragma once
// Whether a file whose int8 activations were moved to uint8 gives what the file gives.
//
// On one probe (flow/probe.hpp), two things have to hold:
//
// 1. With the runtime's optimisations off, which executes the file as it stands, all outputs are
// the
//    same bit for bit; where the file holds operators that are quantised already, whose own
//    arithmetic is in float, they differ by one quantisation step at most (root mean square).
// 2. Optimised, the moved file is as near to that as the file itself is when it is optimised: its
//    distance is at most twice the file's and one quantisation step. Two, since each is the sum of
//    roundings of its own, seen once; a wrong zero point is off by 128 steps.
//
// The step is the scale of the DequantizeLinear that an output comes from, behind nothing or what
// makes no difference larger (Softmax, Sigmoid, Reshape, ...); else a 255th of the output's range.

#include <span>
#include <string>

#include "graph/model.hpp"
#include "ort/session.hpp"

namespace ei::flow {

struct Uint8Verdict {
    enum class Says { same, differs, unknown };
    Says says = Says::unknown;
    std::string why;  // a clause
};

// `exact`: nothing that is quantised already was touched. Cost: four sessions and a run of each,
// one after the other.
Uint8Verdict check_uint8(const graph::Model& file, const graph::Model& moved, bool exact,
                         const std::string& folder, const ort::Options& options);

}  // namespace ei::flow
