#pragma once
// What a model file is, and what would keep the runtime from loading it.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "graph/model.hpp"
#include "graph/tail.hpp"

namespace ei::graph {

// What the runtime at hand accepts. The defaults are those of onnxruntime 1.31.
struct RuntimeLimits {
    std::int64_t max_ir = 13;
    std::int64_t max_opset = 26;    // of ai.onnx
    std::int64_t max_ml_opset = 5;  // of ai.onnx.ml
};

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

struct Problem {
    std::string code;    // for programs: "ir-version", "opset", "external-data", ...
    std::string text;    // what was found and what was wanted
    std::string remedy;  // what to do about it
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
    TailSearch tail;
    std::vector<Problem> problems;
};

// `folder`: where external data is looked for; none: the model came as bytes and has no folder.
Facts facts(const Model& model, const RuntimeLimits& runtime = {},
            const std::optional<std::filesystem::path>& folder = std::nullopt);

// The problems alone: the check before load. In the order: header, external data, graph.
std::vector<Problem> problems(const Model& model, const RuntimeLimits& runtime = {},
                              const std::optional<std::filesystem::path>& folder = std::nullopt);

}  // namespace ei::graph
