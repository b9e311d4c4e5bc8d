#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "graph/folding.hpp"
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

// When a tensor comes to be, which decides how large it may be.
enum class Made {
    run,       // by a run, or held by the file
    computed,  // by the runtime while it loads, from constants alone
};

// The weights of the file under another name, order or type: as large as the file makes them, or
// up to eight times that where four bits become float32.
bool keeps_weights(const Node& node) {
    for (const char* const op : {"Constant", "DequantizeLinear", "Cast", "Identity", "Transpose",
                                 "Reshape", "Squeeze", "Unsqueeze", "Flatten"}) {
        if (node.is(op)) return true;
    }
    return false;
}

class Check {
  public:
    explicit Check(Context& context)
        : context_(context), links_(context.model), shapes_(context.model, links_) {}

    void run();

  private:
    // These return whether nothing was found.
    bool tensor(const std::string& what, const std::vector<std::int64_t>& dims, ElementType type,
                Made when);
    std::optional<Values> counted(const Scope& scope, const Node& node);
    std::optional<Values> sizes_of(std::string_view name);
    std::optional<Values> gathered(const Node& node);
    std::optional<Values> summed(const Node& node);
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
    std::set<std::string_view> weights_;    // those of them that are weights of the file
};

bool Check::tensor(const std::string& what, const std::vector<std::int64_t>& dims, ElementType type,
                   Made when) {
    const SizeLimits& limits = context_.checks.sizes;
    const bool constant = when == Made::computed;
    const std::int64_t most = constant ? limits.constant_bytes() : limits.tensor_bytes;
    const std::int64_t bytes = bytes_of_sizes(dims, type);
    if (bytes <= most) return true;
    const std::string size =
        bytes >= kOverflow ? "more than 2^62 bytes" : std::to_string(bytes) + " bytes";
    context_.findings.add(Verdict::refused, "size",
                          what + " is " + text_of(dims) + ", " + size + "; the limit is " +
                              std::to_string(most) +
                              (constant ? " for what is computed from constants" : ""),
                          std::string("use a model for smaller inputs, or raise "
                                      "SessionOptions.max_tensor_mb") +
                              (constant ? ", an eighth of which is the limit here" : ""));
    return false;
}

void Check::declared(const ValueInfo& value, const char* what) {
    if (value.kind != ValueKind::tensor || !value.dims) return;
    std::vector<std::int64_t> dims;
    for (const Dim& dim : *value.dims) {
        // What is not known counts as 1. Below 0 the runtime takes it as not known.
        dims.push_back(dim.value && *dim.value >= 0 ? *dim.value : 1);
    }
    tensor(std::string(what) + " " + in_quotes(value.name), dims, value.type, Made::run);
}

// Operators that make a tensor as large as a constant says, whatever they are given.
bool Check::generated(const Scope& scope, const Node& node) {
    std::optional<Values> dims;
    ElementType type = ElementType::float32;
    const bool constant = scope.is_top() && is_constant(node.input(0));
    if (node.is("ConstantOfShape")) {
        dims = folded(scope, node.input(0));
        const Attribute* const value = node.attribute("value");
        if (value != nullptr && value->tensors.size() == 1) type = value->tensors[0].type;
    } else if (node.is("Resize")) {
        dims = folded(scope, node.input(3));
        type = ElementType::uint8;
    } else if (node.is("RandomNormal") || node.is("RandomUniform")) {
        dims = ints_of(node, "shape");
    } else if (node.is("Expand") || node.is("Tile")) {
        dims = folded(scope, node.input(1));
        type = scope.is_top() ? shapes_.of(node.input(0)).type : ElementType::uint8;
        if (dims && node.is("Tile") && scope.is_top()) multiply(*dims, shapes_.of(node.input(0)));
    } else if (node.is("Range")) {
        dims = counted(scope, node);
        if (folded(scope, node.input(1))) type = ElementType::int64;
    } else if (node.is("OneHot") || node.is("CenterCropPad") || node.is("Col2Im") ||
               node.is("DFT")) {
        dims = folded(scope, node.input(1));
        type = ElementType::uint8;
    } else if (node.is("MaxUnpool")) {
        dims = folded(scope, node.input(2));
        type = ElementType::uint8;
    } else if (node.is("HannWindow") || node.is("HammingWindow") || node.is("BlackmanWindow")) {
        dims = folded(scope, node.input(0));
        type = static_cast<ElementType>(int_of(node, "output_datatype", 1));
    } else if (node.is("RoiAlign")) {
        dims = Values{int_of(node, "output_height", 1), int_of(node, "output_width", 1)};
    } else if (scope.is_top() && node.is("Gather")) {
        dims = gathered(node);
        type = shapes_.of(node.input(0)).type;
    } else if (scope.is_top() && node.is("Einsum")) {
        dims = summed(node);
        type = shapes_.of(node.input(0)).type;
    }
    if (!dims) return true;
    for (std::int64_t& dim : *dims) dim = std::max<std::int64_t>(dim, 1);
    return tensor("the result of " + label(node), *dims, type,
                  constant ? Made::computed : Made::run);
}

std::optional<Values> Check::counted(const Scope& scope, const Node& node) {
    const auto from = folded_number(scope, node.input(0)), to = folded_number(scope, node.input(1));
    const auto step = folded_number(scope, node.input(2));
    if (!from || !to || !step) return std::nullopt;
    const double count = (*to - *from) / *step;
    if (!std::isfinite(count)) return std::nullopt;
    return Values{static_cast<std::int64_t>(std::clamp(count, 0.0, 4e18))};
}

// What is not known counts as 1.
std::optional<Values> Check::sizes_of(std::string_view name) {
    const Shape& shape = shapes_.of(name);
    if (!shape.dims) return std::nullopt;
    Values out;
    for (const Size& size : *shape.dims) out.push_back(size.value_or(1));
    return out;
}

std::optional<Values> Check::gathered(const Node& node) {
    auto data = sizes_of(node.input(0));
    const auto indices = sizes_of(node.input(1));
    if (!data || !indices) return std::nullopt;
    const auto axis = from_front(int_of(node, "axis", 0), data->size());
    if (!axis) return std::nullopt;
    const auto at = data->erase(data->begin() + static_cast<std::ptrdiff_t>(*axis));
    data->insert(at, indices->begin(), indices->end());
    return data;
}

// Of equations without an ellipsis.
std::optional<Values> Check::summed(const Node& node) {
    std::map<char, std::int64_t> lengths;
    std::map<char, int> counts;
    const std::string_view equation = text_of(node, "equation", "");
    const std::size_t arrow = equation.find("->");
    Values sizes;
    std::size_t input = 0, at = 0;
    bool fits = equation.find('.') == std::string_view::npos;
    const auto open = [&] {
        const auto next = sizes_of(node.input(input++));
        fits = fits && next;
        sizes = next.value_or(Values{});
        at = 0;
    };
    open();
    for (const char letter : equation.substr(0, arrow)) {
        if (letter == ' ') continue;
        if (letter == ',') {
            open();
        } else if (at < sizes.size()) {
            std::int64_t& length = lengths[letter];
            length = std::max(length, sizes[at++]);
            ++counts[letter];
        } else {
            fits = false;
        }
        if (!fits) return std::nullopt;
    }
    Values out;
    if (arrow != std::string_view::npos) {
        for (const char letter : equation.substr(arrow + 2)) {
            if (const auto found = lengths.find(letter); found != lengths.end()) {
                out.push_back(found->second);
            }
        }
    } else {  // the letters that occur once
        for (const auto& [letter, length] : lengths) {
            if (counts[letter] == 1) out.push_back(length);
        }
    }
    return out;
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
        for (const std::int64_t value : folded(scope, node.input(1)).value_or(Values{})) {
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
    const bool weights = constant && keeps_weights(node) &&
                         (node.is("Constant") || links_.initializer(node.input(0)).has_value() ||
                          weights_.contains(node.input(0)));
    for (const std::string_view name : node.outputs) {
        if (name.empty()) continue;
        if (constant) constants_.insert(name);
        if (weights) weights_.insert(name);
        const auto dims = sizes_of(name);
        if (!dims) continue;
        tensor("value " + in_quotes(name) + " of " + label(node), *dims, shapes_.of(name).type,
               constant && !weights ? Made::computed : Made::run);
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
