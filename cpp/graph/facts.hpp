#pragma once
// What a model file is, and what would keep the runtime from loading it.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "graph/head.hpp"
#include "graph/loops.hpp"
#include "graph/model.hpp"
#include "graph/problems.hpp"
#include "graph/tail.hpp"

namespace ei::graph {

struct ValueFacts {
    std::string name;
    std::string kind;   // "tensor", "sequence", "map", "optional", "sparse_tensor", ...
    std::string dtype;  // as NumPy spells it; "unknown"
    // A number, a symbol, or "" where the file says nothing; no vector: rank unknown.
    std::optional<std::vector<std::variant<std::int64_t, std::string>>> shape;
};

struct OpsetFacts {
    std::string domain;  // "ai.onnx" for the standard operators
    std::int64_t version = 0;
};

// int8 tensors between operators that could be uint8, and those that could not, by reason.
struct Uint8Facts {
    std::int64_t movable = 0;
    std::map<std::string, std::int64_t> left;
};

struct Facts {
    std::int64_t file_bytes = 0;
    std::int64_t ir_version = 0;
    std::string producer_name, producer_version, graph_name;
    std::vector<OpsetFacts> opsets;
    std::vector<std::pair<std::string, std::string>> metadata;
    std::vector<ValueFacts> inputs, outputs;        // inputs without those an initialiser supplies
    std::int64_t parameters = 0;                    // elements of all initialisers
    std::int64_t weight_bytes = 0;                  // bytes of them, external ones included
    std::map<std::string, std::int64_t> operators;  // "Conv", "com.microsoft.QGemm": how many
    std::int64_t weighted_nodes = 0;                // convolutions and matrix products
    std::int64_t quantised_nodes = 0;               // of these, in 8-bit integers
    std::vector<std::string> external_files;        // locations as the file gives them
    std::vector<Head> heads;
    Uint8Facts uint8;
    TailSearch tail;
    Loops loops;
    std::vector<Problem> problems;  // of every verdict
};

Facts facts(const Model& model, const Checks& checks = {});

}  // namespace ei::graph
