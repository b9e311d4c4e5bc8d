#include "graph/shapes.hpp"

#include <algorithm>

#include "graph/shape_rules.hpp"

namespace ei::graph {
namespace {

constexpr std::size_t kMostParts = 1'024;  // of a Split, so that looking one up stays cheap

Shape shape_of(const Tensor& tensor) {
    Shape out;
    out.type = tensor.type;
    out.dims.emplace();
    for (const std::int64_t dim : tensor.dims) out.dims->push_back(sane(dim));
    return out;
}

bool complete(const Shape& shape) {
    return shape.type != ElementType::undefined && shape.dims &&
           std::all_of(shape.dims->begin(), shape.dims->end(),
                       [](const Size& size) { return size.has_value(); });
}

}  // namespace

Shapes::Shapes(const Model& model, const Links& links)
    : model_(model), links_(links), opened_(model.graph.nodes.size(), false) {
    const Graph& graph = model.graph;
    for (const auto* const list : {&graph.inputs, &graph.value_infos, &graph.outputs}) {
        for (const ValueInfo& value : *list) declared_.emplace(value.name, &value);
    }
}

std::optional<Shape> Shapes::declared(std::string_view name) const {
    const auto found = declared_.find(name);
    if (found == declared_.end() || found->second->kind != ValueKind::tensor) return std::nullopt;
    Shape out;
    out.type = found->second->type;
    if (found->second->dims) {
        out.dims.emplace();
        for (const Dim& dim : *found->second->dims) {
            out.dims->push_back(dim.value ? sane(*dim.value) : std::nullopt);
        }
    }
    return out;
}

Shape Shapes::combined(std::string_view name, Shape inferred) const {
    const std::optional<Shape> file = declared(name);
    if (!file) return inferred;
    if (inferred.type == ElementType::undefined) inferred.type = file->type;
    if (!inferred.dims) {
        inferred.dims = file->dims;
        return inferred;
    }
    if (!file->dims) return inferred;
    if (file->dims->size() != inferred.dims->size()) return {inferred.type, std::nullopt};
    for (std::size_t i = 0; i < file->dims->size(); ++i) {
        Size& size = (*inferred.dims)[i];
        const Size other = (*file->dims)[i];
        if (!size) {
            size = other;
        } else if (other && *other != *size) {
            size = std::nullopt;
        }
    }
    return inferred;
}

Shape Shapes::made_by(const Node& node, std::string_view name) {
    if (node.is("Constant")) {
        const Tensor* const tensor = links_.constant(name);
        return tensor == nullptr ? Shape{} : shape_of(*tensor);
    }
    // Only Split makes several results of one rule; a further output (the mask of a Dropout, the
    // indices of a MaxPool) has a type of its own.
    std::size_t output = 0;
    if (node.outputs.front() != name) {
        if (!node.is("Split") || node.inputs.size() > 2 || node.outputs.size() > kMostParts) {
            return {};
        }
        output = static_cast<std::size_t>(
            std::find(node.outputs.begin(), node.outputs.end(), name) - node.outputs.begin());
    }
    static const Shape kUnknown;
    std::vector<const Shape*> inputs;
    inputs.reserve(node.inputs.size());
    for (const std::string_view input : node.inputs) {
        const auto found = known_.find(input);
        inputs.push_back(found == known_.end() ? &kUnknown : &found->second);
    }
    return infer({node, inputs, links_, model_.onnx_opset().value_or(0), output});
}

const Shape& Shapes::of(std::string_view wanted) {
    // Depth-first with a stack of its own: the graph may be deep, and the file decides how deep. A
    // name is `known_` as unknown from its first visit on, which also ends a walk round a cycle.
    struct Step {
        std::string_view name;
        bool inputs_done;
    };
    std::vector<Step> stack = {{wanted, false}};
    while (!stack.empty()) {
        const Step step = stack.back();
        stack.pop_back();
        const auto maker = links_.maker(step.name);
        if (step.inputs_done) {
            known_[step.name] = combined(step.name, made_by(model_.graph.nodes[*maker], step.name));
            continue;
        }
        const auto [at, fresh] = known_.emplace(step.name, Shape{});
        if (!fresh) continue;
        if (const auto initializer = links_.initializer(step.name)) {
            at->second = shape_of(model_.graph.initializers[*initializer]);
            continue;
        }
        if (const auto file = declared(step.name); !maker || (file && complete(*file))) {
            if (file) at->second = *file;
            continue;
        }
        stack.push_back({step.name, true});
        // A second output finds the inputs known, or itself in a cycle.
        if (opened_[*maker]) continue;
        opened_[*maker] = true;
        for (const std::string_view input : model_.graph.nodes[*maker].inputs) {
            if (!input.empty()) stack.push_back({input, false});
        }
    }
    return known_[wanted];
}

}  // namespace ei::graph
