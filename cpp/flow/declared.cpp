#include "flow/declared.hpp"

#include <algorithm>
#include <set>

#include "graph/text.hpp"

namespace ei::flow {
namespace {

constexpr std::int64_t kFirstIrWithDefaults = 4;

ort::Axis axis_of(const graph::Dim& dim) {
    if (dim.value) return *dim.value;
    return std::string(dim.symbol.empty() ? "?" : dim.symbol);
}

}  // namespace

std::vector<ort::TensorSpec> optional_inputs(const graph::Model& model) {
    std::vector<ort::TensorSpec> specs;
    if (model.ir_version < kFirstIrWithDefaults) return specs;
    const auto& weights = model.graph.initializers;
    for (const graph::ValueInfo& input : model.graph.inputs) {
        const bool has_default =
            std::any_of(weights.begin(), weights.end(),
                        [&](const graph::Tensor& tensor) { return tensor.name == input.name; });
        if (!has_default || input.kind != graph::ValueKind::tensor) continue;
        ort::TensorSpec spec{std::string(input.name), input.type, {}};
        if (input.dims) {
            for (const graph::Dim& dim : *input.dims) spec.shape.push_back(axis_of(dim));
        }
        specs.push_back(std::move(spec));
    }
    return specs;
}

std::vector<ort::TensorSpec> as_declared(std::vector<ort::TensorSpec> loaded,
                                         std::span<const graph::ValueInfo> file) {
    for (ort::TensorSpec& spec : loaded) {
        for (const graph::ValueInfo& value : file) {
            if (value.name != spec.name || !value.dims) continue;
            if (value.dims->size() != spec.shape.size()) continue;
            for (std::size_t i = 0; i < spec.shape.size(); ++i) {
                const graph::Dim& dim = (*value.dims)[i];
                if (!dim.value) spec.shape[i] = axis_of(dim);
            }
        }
    }
    return loaded;
}

void expect_free_dimension(const graph::Model& model, const std::string& name) {
    std::set<std::string> known;
    for (const graph::ValueInfo& input : model.graph.inputs) {
        if (!input.dims) continue;
        for (const graph::Dim& dim : *input.dims) {
            if (!dim.value && !dim.symbol.empty()) known.emplace(dim.symbol);
        }
    }
    if (known.contains(name)) return;
    std::string text;
    for (const std::string& symbol : known) {
        text += (text.empty() ? "" : ", ") + graph::in_quotes(symbol);
    }
    throw Error(ErrorKind::input,
                "free_dimensions: found " + graph::in_quotes(name) + ", wanted " +
                    (known.empty() ? "none, since no axis of the model's inputs has a name"
                                   : "names of symbolic axes of the model's inputs: " + text));
}

}  // namespace ei::flow
