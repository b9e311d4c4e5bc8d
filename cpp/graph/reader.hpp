#pragma once
// Reads an ONNX file into views, within limits that the file cannot move.

#include <cstddef>

#include "graph/model.hpp"

namespace ei::graph {

// Totals over the whole file, subgraphs and functions included. The defaults are far above any
// vision network and keep the memory taken for a hostile file within a few hundred megabytes.
struct Limits {
    std::size_t file_bytes = std::size_t{1} << 31;  // what protobuf itself can hold
    std::size_t depth = 32;                         // graphs inside graphs
    std::size_t nodes = 250'000;
    std::size_t attributes = 500'000;
    std::size_t names = 1'000'000;  // inputs and outputs of nodes and functions
    std::size_t tensors = 250'000;  // initialisers and tensors in attributes
    std::size_t values = 250'000;   // declared inputs, outputs and intermediate values
    std::size_t entries = 250'000;  // metadata, opset imports, functions, external-data keys
    std::size_t dims = 64;          // of one tensor
    std::size_t name_bytes = std::size_t{1} << 20;
};

// Views into `file`, which must outlive the result. Throws Error(model) for a damaged file, one
// without a graph, or one beyond a limit. Cost: one pass; weights are not touched.
//
// Stricter than protobuf in one point: a single message field that comes twice (a graph, a type)
// is refused instead of merged, since no writer makes it and readers disagree on it.
Model read(Bytes file, const Limits& limits = {});

}  // namespace ei::graph
