#pragma once
// Whether a network's first convolution gets a fourth channel before the runtime sees it. How, and
// why that changes no result: graph/stem.hpp.

#include <cstddef>
#include <string>
#include <vector>

#include "graph/model.hpp"
#include "ort/session.hpp"

namespace ei::flow {

struct Stem {
    std::size_t widened = 0;  // convolutions
    std::string why;          // one sentence
};

// Where it pays: on x86 with VNNI, in sessions on the CPU alone that compute quantised convolutions
// in integers (graph level extended and above).
struct StemChoice {
    Stem told;
    std::vector<std::byte> model;  // empty: the file stays as it is
};
StemChoice choose_stem(const graph::Model& model, const ort::Options& options);

}  // namespace ei::flow
