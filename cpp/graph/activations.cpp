#include "graph/activations.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "graph/links.hpp"
#include "graph/shape_rules.hpp"
#include "graph/shapes.hpp"
#include "graph/text.hpp"

namespace ei::graph {
namespace {

enum class Layout {
    any,     // says nothing about axes
    planes,  // (batch, channels, space...)
    rows,    // (..., channels): the last axis is the one that a product adds up over
};

// Operators that quantisers of ONNX files put integers in front of or behind, and the layout that
// they take their first input to have.
std::optional<Layout> layout_of(const Node& node) {
    static const std::map<std::string_view, Layout> kOperators = {
        {"Add", Layout::any},
        {"AveragePool", Layout::planes},
        {"BatchNormalization", Layout::planes},
        {"Clip", Layout::any},
        {"Concat", Layout::any},
        {"Conv", Layout::planes},
        {"ConvTranspose", Layout::planes},
        {"DepthToSpace", Layout::planes},
        {"Div", Layout::any},
        {"Elu", Layout::any},
        {"Flatten", Layout::any},
        {"Gather", Layout::any},
        {"Gelu", Layout::any},
        {"Gemm", Layout::rows},
        {"GlobalAveragePool", Layout::planes},
        {"GlobalMaxPool", Layout::planes},
        {"HardSigmoid", Layout::any},
        {"HardSwish", Layout::any},
        {"InstanceNormalization", Layout::planes},
        {"LayerNormalization", Layout::rows},
        {"LeakyRelu", Layout::any},
        {"LpPool", Layout::planes},
        {"MatMul", Layout::rows},
        {"Max", Layout::any},
        {"MaxPool", Layout::planes},
        {"Min", Layout::any},
        {"Mul", Layout::any},
        {"PRelu", Layout::any},
        {"Pad", Layout::any},
        {"ReduceMean", Layout::any},
        {"Relu", Layout::any},
        {"Reshape", Layout::any},
        {"Resize", Layout::any},
        {"Sigmoid", Layout::any},
        {"Slice", Layout::any},
        {"Softmax", Layout::any},
        {"SpaceToDepth", Layout::planes},
        {"Split", Layout::any},
        {"Squeeze", Layout::any},
        {"Sub", Layout::any},
        {"Sum", Layout::any},
        {"Tanh", Layout::any},
        {"Transpose", Layout::any},
        {"Unsqueeze", Layout::any},
        {"Upsample", Layout::any},
        {"Where", Layout::any},
    };
    if (!node.is_onnx()) return std::nullopt;
    const auto found = kOperators.find(node.op_type);
    return found == kOperators.end() ? std::nullopt : std::optional(found->second);
}

// Takes floats only, so that a tensor whose type the file does not tell must be one.
bool takes_floats_only(const Node& node) {
    return node.is("Conv") || node.is("ConvTranspose") || node.is("BatchNormalization") ||
           node.is("AveragePool") || node.is("GlobalAveragePool");
}

bool reorders(const Node& node) {
    static const std::set<std::string_view> kSame = {"Dropout", "Flatten",   "Identity", "Reshape",
                                                     "Squeeze", "Transpose", "Unsqueeze"};
    return node.is_onnx() && kSame.contains(node.op_type);
}

// Its result has the type of its first input, whatever the shapes.
bool keeps_type(const Node& node) {
    static const std::set<std::string_view> kOthers = {
        "Abs", "Ceil", "Erf",        "Exp",   "Expand",   "Floor", "Log",
        "Neg", "Pow",  "Reciprocal", "Round", "Softplus", "Sqrt",  "Tile"};
    return (layout_of(node) && !node.is("Where")) || reorders(node) ||
           (node.is_onnx() && kOthers.contains(node.op_type));
}

bool folds_into_range(const Node& node) {
    return node.is("Relu") || node.is("Clip");
}

// What a quantised Relu or Clip can be a part of.
bool takes_range_of_activation(const Node& node) {
    return node.is("Conv") || node.is("ConvTranspose") || node.is("Gemm") || node.is("MatMul") ||
           node.is("Add") || node.is("BatchNormalization");
}

class Finder {
  public:
    Finder(const Model& model, const std::set<std::string_view>& also)
        : graph_(model.graph), also_(also), links_(model), shapes_(model, links_) {}

    std::vector<Activation> all();

  private:
    void look_at(std::string_view name, const Node* maker);
    std::string same_range(std::string_view name, const Node* maker);
    void set_channels(Activation& found, const Node* maker);
    ElementType type_of(std::string_view name, const Node* maker);

    const Graph& graph_;
    const std::set<std::string_view>& also_;
    Links links_;
    Shapes shapes_;
    std::map<std::string_view, ElementType> types_;
    std::set<std::string_view> seen_, listed_, varying_;
    std::vector<Activation> found_;
};

std::vector<Activation> Finder::all() {
    for (const ValueInfo& input : graph_.inputs) {
        // Of old files, which list their initialisers as inputs too.
        if (links_.initializer(input.name)) continue;
        varying_.insert(input.name);
        look_at(input.name, nullptr);
    }
    for (const Node& node : graph_.nodes) {
        const bool varies =
            std::any_of(node.inputs.begin(), node.inputs.end(),
                        [&](std::string_view name) { return varying_.contains(name); });
        // Neither does what a Constant makes, nor what is computed from initialisers alone; nodes
        // stand in the order in which they can run.
        if (!varies && !std::any_of(node.attributes.begin(), node.attributes.end(),
                                    [](const Attribute& one) { return !one.graphs.empty(); })) {
            continue;
        }
        for (const std::string_view name : node.outputs) {
            if (name.empty()) continue;
            varying_.insert(name);
            look_at(name, &node);
        }
    }
    return std::move(found_);
}

void Finder::look_at(std::string_view name, const Node* maker) {
    if (!seen_.insert(name).second) return;
    const ElementType type = type_of(name, maker);
    if (!is_utf8(name)) return;
    const bool wanted = also_.contains(name);
    bool known = wanted || (maker != nullptr && layout_of(*maker).has_value());
    bool floats_only = wanted || (maker != nullptr && takes_floats_only(*maker));
    for (const std::size_t user : links_.users(name)) {
        known = known || layout_of(graph_.nodes[user]).has_value();
        floats_only = floats_only || (takes_floats_only(graph_.nodes[user]) &&
                                      graph_.nodes[user].input(0) == name);
    }
    if (!known) return;
    if (type != ElementType::float32 && !(type == ElementType::undefined && floats_only)) return;
    types_[name] = ElementType::float32;  // also for what keeps it, such as a Relu behind
    Activation found;
    found.name = name;
    found.layer = maker == nullptr ? "input"
                                   : printable(maker->op_type) + " " +
                                         in_quotes(maker->name.empty() ? name : maker->name);
    found.same_range_as = same_range(name, maker);
    set_channels(found, maker);
    listed_.insert(name);
    found_.push_back(std::move(found));
}

// Also where the shape is computed at run time, which leaves the shape rules without an answer.
ElementType Finder::type_of(std::string_view name, const Node* maker) {
    ElementType type = shapes_.of(name).type;
    const bool keeps = maker != nullptr && keeps_type(*maker) && maker->outputs.front() == name;
    if (type == ElementType::undefined && keeps) {
        const auto source = types_.find(maker->input(0));
        if (source != types_.end()) type = source->second;
    }
    types_.emplace(name, type);
    return type;
}

std::string Finder::same_range(std::string_view name, const Node* maker) {
    if (maker == nullptr) return {};
    if (reorders(*maker) && !maker->outputs.empty() && maker->outputs.front() == name) {
        if (listed_.contains(maker->input(0))) return std::string(maker->input(0));
    }
    const std::vector<std::size_t>& users = links_.users(name);
    if (users.size() != 1 || links_.is_output(name) || !takes_range_of_activation(*maker)) {
        return {};
    }
    const Node& user = graph_.nodes[users.front()];
    const bool folds = folds_into_range(user) && user.input(0) == name && !user.outputs.empty() &&
                       is_utf8(user.outputs.front());
    return folds ? std::string(user.outputs.front()) : std::string{};
}

void Finder::set_channels(Activation& found, const Node* maker) {
    // A reader that adds up over channels says where they are; else the maker; else the rank.
    Layout layout = Layout::any;
    for (const std::size_t user : links_.users(found.name)) {
        const Node& node = graph_.nodes[user];
        if (layout == Layout::any && node.input(0) == found.name) {
            layout = layout_of(node).value_or(Layout::any);
        }
    }
    if (layout == Layout::any && maker != nullptr) layout = layout_of(*maker).value_or(layout);
    const std::optional<Sizes>& dims = shapes_.of(found.name).dims;
    if (!dims) {
        if (layout == Layout::planes) found.channel_axis = 1;
        return;
    }
    const std::size_t rank = dims->size();
    if (rank < 2) return;
    const bool last = layout == Layout::rows || (layout == Layout::any && rank == 3);
    const std::size_t axis = last ? rank - 1 : 1;
    found.channels = (*dims)[axis];
    // An axis that nothing says is one of channels may change its size from run to run.
    if (layout == Layout::any && !found.channels) return;
    found.channel_axis = static_cast<std::int64_t>(axis);
}

}  // namespace

std::vector<Activation> find_activations(const Model& model,
                                         const std::set<std::string_view>& also) {
    return Finder(model, also).all();
}

}  // namespace ei::graph
