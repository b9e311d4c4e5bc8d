#include "graph/stem.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "graph/editor.hpp"
#include "graph/fields.hpp"
#include "graph/initializers.hpp"
#include "graph/links.hpp"
#include "graph/names.hpp"
#include "graph/values.hpp"
#include "graph/zero_point.hpp"

namespace ei::graph {
namespace {

// Pad with its widths as an input, and of integers.
constexpr std::int64_t kPadSince = 11;
// Of output channels, in the runtime's kernels for x86.
constexpr std::int64_t kLeastOutputs = 16, kOutputsBy = 8;
// Wider weights are written anew, once for each convolution that reads them: no more than this of
// narrow ones in all, or a small file could ask for any amount.
constexpr std::size_t kMostWeightBytes = std::size_t{1} << 20;

class Finder {
  public:
    explicit Finder(const Model& model) : model_(model), links_(model) {
        for (const ValueInfo& input : model.graph.inputs) {
            if (input.kind != ValueKind::tensor || links_.initializer(input.name)) continue;
            given_.emplace(input.name, input.type);
        }
    }

    std::vector<Stem> find() const;

  private:
    std::optional<Stem> at(std::size_t index) const;
    std::optional<Stem> quantised(std::size_t index) const;
    std::optional<Stem> dequantised(std::size_t index) const;
    std::optional<std::size_t> dequantiser(const Node& conv, std::size_t slot) const;
    bool one_scale(std::string_view name) const;
    std::optional<std::uint8_t> uint8_zero_point(std::string_view name) const;
    bool starts(std::string_view integers) const;
    bool widens(std::string_view weights, std::string_view scale, std::string_view zero_point,
                std::int64_t axis) const;
    bool is_left_out(const Node& activation, const Node& quantise) const;
    bool is_quantised_again(std::string_view value) const;

    const Model& model_;
    Links links_;
    std::map<std::string_view, ElementType> given_;  // by the caller
};

std::optional<std::uint8_t> Finder::uint8_zero_point(std::string_view name) const {
    const Tensor* const tensor = links_.constant(name);
    if (tensor == nullptr || tensor->type != ElementType::uint8) return std::nullopt;
    const auto values = int_values(*tensor);
    if (!values || values->size() != 1) return std::nullopt;
    return static_cast<std::uint8_t>(values->front());
}

bool Finder::one_scale(std::string_view name) const {
    const auto scale = links_.constant_floats(name);
    return scale && scale->size() == 1;
}

// The DequantizeLinear that nothing but this input of a convolution reads.
std::optional<std::size_t> Finder::dequantiser(const Node& conv, std::size_t slot) const {
    const std::string_view name = conv.input(slot);
    const auto maker = links_.maker(name);
    if (!maker || links_.is_output(name) || links_.users(name).size() != 1 ||
        std::count(conv.inputs.begin(), conv.inputs.end(), name) != 1) {
        return std::nullopt;
    }
    const Node& node = model_.graph.nodes[*maker];
    const bool plain = node.is("DequantizeLinear") && node.outputs.size() == 1 &&
                       int_of(node, "block_size", 0) == 0;
    return plain ? maker : std::nullopt;
}

// Whether these are the file's input, or what it is quantised to. Elsewhere, a Pad would stand
// between layers of the runtime's own order of axes.
bool Finder::starts(std::string_view integers) const {
    const auto given = [&](std::string_view name, ElementType type) {
        const auto found = given_.find(name);
        return found != given_.end() && found->second == type;
    };
    if (given(integers, ElementType::uint8)) return true;
    const auto maker = links_.maker(integers);
    if (!maker) return false;
    const Node& node = model_.graph.nodes[*maker];
    return node.is("QuantizeLinear") && node.outputs.size() == 1 &&
           given(node.input(0), ElementType::float32);
}

// (outputs, channels, rows, columns) of int8, with a scale for all or for each output.
bool Finder::widens(std::string_view weights, std::string_view scale, std::string_view zero_point,
                    std::int64_t axis) const {
    const Tensor* const tensor = links_.constant(weights);
    if (tensor == nullptr || tensor->type != ElementType::int8 || !tensor->has_raw ||
        tensor->external || tensor->dims.size() != 4 || !data_mismatch(*tensor).empty() ||
        tensor->raw.size() > kMostWeightBytes) {
        return false;
    }
    const auto& dims = tensor->dims;
    if (std::any_of(dims.begin(), dims.end(), [](std::int64_t dim) { return dim <= 0; }) ||
        dims[0] < kLeastOutputs || dims[0] % kOutputsBy != 0 || dims[1] >= kStemChannels ||
        (dims[2] == 1 && dims[3] == 1)) {
        return false;
    }
    const auto scales = links_.constant_floats(scale);
    if (!scales ||
        (scales->size() != 1 && (axis != 0 || scales->size() != static_cast<std::size_t>(dims[0]))))
        return false;
    if (zero_point.empty()) return true;
    const auto zeros = links_.constant_ints(zero_point);
    return zeros &&
           std::all_of(zeros->begin(), zeros->end(), [](std::int64_t zero) { return zero == 0; });
}

// Whether the runtime leaves an activation out, since quantising alone limits values as much.
bool Finder::is_left_out(const Node& activation, const Node& quantise) const {
    const Tensor* const scale = links_.constant(quantise.input(1));
    const std::uint8_t zero = uint8_zero_point(quantise.input(2)).value_or(0);
    if (activation.is("Relu")) return zero == 0;
    if (!activation.is("Clip") || scale == nullptr || !scale->dims.empty()) return false;
    const float step = links_.constant_floats(quantise.input(1))->front();
    const auto passes = [&](std::size_t slot, int sign, int end) {
        const std::string_view name = activation.input(slot);
        if (name.empty()) return true;
        const auto limit = links_.constant_floats(name);
        const float reached = step * static_cast<float>(end - zero);
        return limit && limit->size() == 1 &&
               static_cast<float>(sign) * (limit->front() - reached) >= 0;
    };
    return passes(1, -1, 0) && passes(2, 1, 255);
}

// Else the runtime computes the convolution in float.
bool Finder::is_quantised_again(std::string_view value) const {
    const Node* activation = nullptr;
    for (int i = 0; i < 2; ++i) {
        const auto& users = links_.users(value);
        if (users.size() != 1 || links_.is_output(value)) return false;
        const Node& node = model_.graph.nodes[users.front()];
        if (node.input(0) != value || node.outputs.size() != 1) return false;
        if (node.is("QuantizeLinear")) {
            return one_scale(node.input(1)) && uint8_zero_point(node.input(2)).has_value() &&
                   (activation == nullptr || is_left_out(*activation, node));
        }
        activation = &node;
        value = node.outputs[0];
    }
    return false;
}

std::optional<Stem> Finder::quantised(std::size_t index) const {
    const Node& node = model_.graph.nodes[index];
    const auto zero = uint8_zero_point(node.input(2));
    if (!zero || node.outputs.size() != 1 || !starts(node.input(0)) ||
        !widens(node.input(3), node.input(4), node.input(5), 0)) {
        return std::nullopt;
    }
    return Stem{index, index, 3, *zero};
}

std::optional<Stem> Finder::dequantised(std::size_t index) const {
    const Node& conv = model_.graph.nodes[index];
    const auto data = dequantiser(conv, 0), weights = dequantiser(conv, 1);
    const bool has_bias = !conv.input(2).empty();
    const auto bias = has_bias ? dequantiser(conv, 2) : std::nullopt;
    if (!data || !weights || (has_bias && !bias) || conv.outputs.size() != 1 ||
        !is_quantised_again(conv.outputs[0])) {
        return std::nullopt;
    }
    if (has_bias) {
        const Tensor* const tensor = links_.constant(model_.graph.nodes[*bias].input(0));
        if (tensor == nullptr || tensor->type != ElementType::int32) return std::nullopt;
    }
    const Node& of_data = model_.graph.nodes[*data];
    const Node& of_weights = model_.graph.nodes[*weights];
    const auto zero = uint8_zero_point(of_data.input(2));
    if (!zero || !one_scale(of_data.input(1)) || !starts(of_data.input(0)) ||
        !widens(of_weights.input(0), of_weights.input(1), of_weights.input(2),
                int_of(of_weights, "axis", 1))) {
        return std::nullopt;
    }
    return Stem{*data, *weights, 0, *zero};
}

std::optional<Stem> Finder::at(std::size_t index) const {
    const Node& node = model_.graph.nodes[index];
    if (int_of(node, "group", 1) != 1) return std::nullopt;
    if (node.is("QLinearConv")) return quantised(index);
    if (node.is("Conv")) return dequantised(index);
    return std::nullopt;
}

std::vector<Stem> Finder::find() const {
    std::vector<Stem> stems;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < model_.graph.nodes.size(); ++i) {
        const auto stem = at(i);
        if (!stem) continue;
        const Node& reader = model_.graph.nodes[stem->weights];
        bytes += links_.constant(reader.input(stem->weights_slot))->raw.size();
        if (bytes > kMostWeightBytes) break;
        stems.push_back(*stem);
    }
    return stems;
}

std::vector<std::byte> pad_node(std::string_view from, std::string_view widths,
                                std::string_view value, std::string_view to) {
    WireWriter out;
    for (const std::string_view name : {from, widths, value}) out.text(node_field::input, name);
    out.text(node_field::output, to);
    out.text(node_field::name, to);
    out.text(node_field::op_type, "Pad");
    return out.take();
}

class Widener {
  public:
    explicit Widener(const Model& model) : model_(model), links_(model), names_(model) {}

    void widen(const Stem& stem, std::size_t count);
    std::vector<std::byte> finish();

  private:
    std::string fresh(const char* base, std::size_t count) const {
        return names_.fresh(std::string("stem_") + base + "_" + std::to_string(count));
    }

    const Model& model_;
    Links links_;
    Names names_;
    GraphEdit edit_;
    Released released_;
    std::set<std::string_view> narrow_;  // tensors whose declared shapes no longer hold
    std::map<std::size_t, std::map<std::size_t, std::string>> renamed_;  // inputs, by node
};

void Widener::widen(const Stem& stem, std::size_t count) {
    const Node& data = model_.graph.nodes[stem.data];
    const Node& weights = model_.graph.nodes[stem.weights];
    const std::string_view held = weights.input(stem.weights_slot);
    const Tensor& narrow = *links_.constant(held);
    const auto outputs = static_cast<std::size_t>(narrow.dims[0]);
    const std::size_t bytes = narrow.raw.size() / outputs;  // of one output
    const std::size_t wide = bytes / static_cast<std::size_t>(narrow.dims[1]) * kStemChannels;
    std::vector<std::byte> values(outputs * wide, std::byte{0});
    for (std::size_t i = 0; i < outputs; ++i) {
        std::copy_n(narrow.raw.begin() + static_cast<std::ptrdiff_t>(i * bytes), bytes,
                    values.begin() + static_cast<std::ptrdiff_t>(i * wide));
    }
    const std::string kernel = fresh("weights", count), padded = fresh("padded", count);
    const std::string widths = fresh("widths", count), zero = fresh("zero_point", count);
    add_initializer(model_, edit_, kernel, ElementType::int8,
                    {narrow.dims[0], kStemChannels, narrow.dims[2], narrow.dims[3]}, values);
    const auto added = static_cast<std::byte>(kStemChannels - narrow.dims[1]);
    std::vector<std::byte> ends(8 * sizeof(std::int64_t), std::byte{0});  // begins, then ends
    ends[5 * sizeof(std::int64_t)] = added;
    add_initializer(model_, edit_, widths, ElementType::int64, {8}, ends);
    const auto value = static_cast<std::byte>(stem.zero_point);
    add_initializer(model_, edit_, zero, ElementType::uint8, {}, Bytes(&value, 1));
    edit_.nodes.before[stem.data] = pad_node(data.input(0), widths, zero, padded);
    renamed_[stem.data][0] = padded;
    renamed_[stem.weights][stem.weights_slot] = kernel;
    ++released_[held];
    if (stem.data != stem.weights) narrow_.insert({data.outputs[0], weights.outputs[0]});
}

std::vector<std::byte> Widener::finish() {
    for (const auto& [node, names] : renamed_) {
        edit_.nodes.replace[node] = with_inputs(model_.graph.nodes[node], names);
    }
    for (std::size_t i = 0; i < model_.graph.value_infos.size(); ++i) {
        if (narrow_.contains(model_.graph.value_infos[i].name)) edit_.value_infos.drop_at(i);
    }
    drop_unread(model_, links_, released_, edit_);
    return rebuild(model_, edit_);
}

}  // namespace

std::vector<Stem> find_stems(const Model& model) {
    // A model function may give a standard operator's name another meaning.
    for (const Function& one : model.functions) {
        if (one.domain.empty() || one.domain == "ai.onnx") return {};
    }
    if (model.onnx_opset().value_or(0) < kPadSince) return {};
    return Finder(model).find();
}

std::vector<std::byte> widen_stems(const Model& model, const std::vector<Stem>& stems) {
    Widener widener(model);
    for (std::size_t i = 0; i < stems.size(); ++i) widener.widen(stems[i], i);
    return widener.finish();
}

}  // namespace ei::graph
