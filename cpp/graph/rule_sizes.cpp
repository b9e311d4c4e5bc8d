#include <algorithm>
#include <cmath>
#include <set>

#include "graph/links.hpp"
#include "graph/rules.hpp"
#include "graph/shape_rules.hpp"
#include "graph/shapes.hpp"
#include "graph/text.hpp"
#include "graph/values.hpp"

namespace ei::graph {
namespace {

using Values = std::vector<std::int64_t>;

constexpr std::int64_t kOverflow = std::int64_t{1} << 62;
constexpr std::int64_t kMostPixels = std::int64_t{1} << 31;  // along an axis

std::int64_t bytes_of_sizes(const std::vector<std::int64_t>& dims, ElementType type) {
    const auto elements = element_count(dims);
    const std::int64_t bits = std::max(bits_of(type), 1);  // strings and later types: at least
    if (!elements || *elements > kOverflow / bits) return kOverflow;
    return (*elements * bits + 7) / 8;
}

void multiply(std::vector<std::int64_t>& repeats, const Shape& shape) {
    if (!shape.dims || shape.dims->size() != repeats.size()) return;
    for (std::size_t i = 0; i < repeats.size(); ++i) {
        const std::int64_t size = (*shape.dims)[i].value_or(1);
        const bool overflows = repeats[i] > 0 && size > kOverflow / repeats[i];
        repeats[i] = overflows ? kOverflow : repeats[i] * size;
    }
}

std::string text_of(const std::vector<std::int64_t>& dims) {
    std::string out;
    for (const std::int64_t dim : dims) out += (out.empty() ? "" : "x") + std::to_string(dim);
    return out;
}

class Check {
  public:
    explicit Check(Context& context)
        : context_(context), links_(context.model), shapes_(context.model, links_) {}

    void run();

  private:
    // These return whether nothing was found.
    bool tensor(const std::string& what, const std::vector<std::int64_t>& dims, ElementType type,
                bool constant);
    bool generated(const Scope& scope, const Node& node);
    bool attributes(const Scope& scope, const Node& node);

    void declared(const ValueInfo& value, const char* what);
    void made(const Node& node);
    bool is_constant(std::string_view name) const {
        return links_.initializer(name).has_value() || constants_.contains(name);
    }

    Context& context_;
    Links links_;
    Shapes shapes_;
    std::set<std::string_view> constants_;  // values that depend on no input of the model
};

bool Check::tensor(const std::string& what, const std::vector<std::int64_t>& dims, ElementType type,
                   bool constant) {
    const SizeLimits& limits = context_.checks.sizes;
    const std::int64_t most = constant ? limits.constant_bytes() : limits.tensor_bytes;
    const std::int64_t bytes = bytes_of_sizes(dims, type);
    if (bytes <= most) return true;
    const std::string size =
        bytes >= kOverflow ? "more than 2^62 bytes" : std::to_string(bytes) + " bytes";
    context_.findings.add(Verdict::refused, "size",
                          what + " is " + text_of(dims) + ", " + size + "; the limit is " +
                              std::to_string(most) +
                              (constant ? " for what is computed from constants" : ""),
                          "use a model for smaller inputs, or raise SessionOptions.max_tensor_mb");
    return false;
}

void Check::declared(const ValueInfo& value, const char* what) {
    if (value.kind != ValueKind::tensor || !value.dims) return;
    std::vector<std::int64_t> dims;
    for (const Dim& dim : *value.dims) {
        // What is not known counts as 1. Below 0 the runtime takes it as not known.
        dims.push_back(dim.value && *dim.value >= 0 ? *dim.value : 1);
    }
    tensor(std::string(what) + " " + in_quotes(value.name), dims, value.type, false);
}

// Operators that make a tensor as large as a constant says, whatever they are given.
bool Check::generated(const Scope& scope, const Node& node) {
    std::optional<std::vector<std::int64_t>> dims;
    ElementType type = ElementType::float32;
    const bool constant = scope.is_top() && is_constant(node.input(0));
    if (node.is("ConstantOfShape")) {
        dims = scope.ints(node.input(0));
        const Attribute* const value = node.attribute("value");
        if (value != nullptr && value->tensors.size() == 1) type = value->tensors[0].type;
    } else if (node.is("Resize")) {
        dims = scope.ints(node.input(3));
        type = ElementType::uint8;
    } else if (node.is("RandomNormal") || node.is("RandomUniform")) {
        dims = ints_of(node, "shape");
    } else if (node.is("Expand") || node.is("Tile")) {
        dims = scope.ints(node.input(1));
        type = scope.is_top() ? shapes_.of(node.input(0)).type : ElementType::uint8;
        if (dims && node.is("Tile") && scope.is_top()) multiply(*dims, shapes_.of(node.input(0)));
    } else if (node.is("Range")) {
        const auto from = scope.ints(node.input(0)), to = scope.ints(node.input(1));
        const auto step = scope.ints(node.input(2));
        type = ElementType::int64;
        if (from && to && step && from->size() == 1 && to->size() == 1 && step->size() == 1 &&
            step->front() != 0) {
            const double way =
                static_cast<double>(to->front()) - static_cast<double>(from->front());
            const double count = way / static_cast<double>(step->front());
            dims.emplace(1, static_cast<std::int64_t>(std::clamp(count, 0.0, 4e18)));
        }
    } else if (node.is("OneHot")) {
        dims = scope.ints(node.input(1));
        type = ElementType::uint8;
    }
    if (!dims) return true;
    for (std::int64_t& dim : *dims) dim = std::max<std::int64_t>(dim, 1);
    return tensor("the result of " + label(node), *dims, type, constant);
}

// Pads, kernels, strides and scales beyond any tensor: what they lead to overflows before it is a
// size.
bool Check::attributes(const Scope& scope, const Node& node) {
    if (!node.is_onnx()) return true;
    const auto within = [&](double value, const char* name) {
        if (std::abs(value) <= static_cast<double>(kMostPixels)) return true;
        context_.findings.add(Verdict::refused, "size",
                              label(node) + " has a value of " + std::to_string(value) +
                                  " among its " + name + ", wanted at most " +
                                  std::to_string(kMostPixels),
                              "export the model again");
        return false;
    };
    for (const char* const name :
         {"pads", "kernel_shape", "strides", "dilations", "output_shape", "output_padding"}) {
        const Attribute* const found = node.attribute(name);
        if (found == nullptr) continue;
        for (const std::int64_t value : ints(*found)) {
            if (!within(static_cast<double>(value), name)) return false;
        }
    }
    if (node.is("Pad")) {
        for (const std::int64_t value : scope.ints(node.input(1)).value_or(Values{})) {
            if (!within(static_cast<double>(value), "pads")) return false;
        }
    }
    if (node.is("Resize") || node.is("Upsample")) {
        const std::string_view scales = node.input(node.inputs.size() > 2 ? 2 : 1);
        for (const float value : links_.constant_floats(scales).value_or(std::vector<float>{})) {
            if (!within(static_cast<double>(value), "scales")) return false;
        }
    }
    return true;
}

void Check::made(const Node& node) {
    const bool constant =
        !node.is("RandomNormal") && !node.is("RandomUniform") &&
        std::all_of(node.inputs.begin(), node.inputs.end(),
                    [&](std::string_view name) { return name.empty() || is_constant(name); });
    for (const std::string_view name : node.outputs) {
        if (name.empty()) continue;
        if (constant) constants_.insert(name);
        const Shape& shape = shapes_.of(name);
        if (!shape.dims) continue;
        std::vector<std::int64_t> dims;
        for (const Size& size : *shape.dims) dims.push_back(size.value_or(1));
        tensor("value " + in_quotes(name) + " of " + label(node), dims, shape.type,
               constant && !node.is("Constant"));
    }
}

void Check::run() {
    const Graph& graph = context_.model.graph;
    for (const ValueInfo& one : graph.inputs) declared(one, "input");
    for (const ValueInfo& one : graph.outputs) declared(one, "output");
    for (const ValueInfo& one : graph.value_infos) declared(one, "value");
    each_scope(context_.model, [&](const Scope& scope) {
        for (const Node& node : scope.nodes()) {
            const bool sound = attributes(scope, node) && generated(scope, node);
            if (sound && scope.is_top()) made(node);
        }
    });
}

}  // namespace

void rule_sizes(Context& context) {
    Check(context).run();
}

}  // namespace ei::graph
