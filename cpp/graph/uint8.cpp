#include "graph/uint8.hpp"

#include <algorithm>

#include "graph/editor.hpp"
#include "graph/initializers.hpp"
#include "graph/integer_operators.hpp"
#include "graph/links.hpp"
#include "graph/names.hpp"
#include "graph/text.hpp"
#include "graph/values.hpp"
#include "graph/zero_point.hpp"

namespace ei::graph {
namespace {

std::string_view tensor_of(const Node& node, const Operand& operand) {
    if (!operand.output) return node.input(operand.slot);
    return operand.slot < node.outputs.size() ? node.outputs[operand.slot] : std::string_view{};
}

// An operand that never changes. Its bytes must be at hand; weights are never asked for.
const Tensor* int8_constant(const Links& links, std::string_view name) {
    const Tensor* const tensor = links.constant(name);
    if (tensor == nullptr || tensor->type != ElementType::int8 || !tensor->has_raw ||
        tensor->external || !data_mismatch(*tensor).empty()) {
        return nullptr;
    }
    return tensor;
}

bool ties(const IntegerOperator& does) {
    return does.use == IntegerUse::compute || does.use == IntegerUse::pass;
}

std::vector<IntegerOperator> operators_of(const Graph& graph) {
    std::vector<IntegerOperator> all;
    all.reserve(graph.nodes.size());
    for (const Node& node : graph.nodes) all.push_back(integer_operator(node));
    return all;
}

// Sets of int8 tensors that have to move together.
class Groups {
  public:
    bool has(std::string_view name) const { return index_.contains(name); }
    void add(std::string_view name) {
        if (!index_.emplace(name, parent_.size()).second) return;
        parent_.push_back(parent_.size());
        why_.emplace_back();
    }
    void tie(std::string_view a, std::string_view b) {
        const std::size_t x = root(index_.at(a)), y = root(index_.at(b));
        if (x == y) return;
        parent_[x] = y;
        if (why_[y].empty()) why_[y] = why_[x];
    }
    void keep(std::string_view name, const std::string& why) {
        std::string& known = why_[root(index_.at(name))];
        if (known.empty()) known = why;
    }
    Uint8Move verdicts() {
        Uint8Move out;
        for (const auto& [name, index] : index_) {
            const std::string& why = why_[root(index)];
            if (why.empty()) {
                out.moved.insert(name);
            } else {
                ++out.left[why];
            }
        }
        return out;
    }

  private:
    std::size_t root(std::size_t i) {
        while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
        return i;
    }

    std::map<std::string_view, std::size_t> index_;
    std::vector<std::size_t> parent_;
    std::vector<std::string> why_;  // of roots: what keeps the group int8; empty: nothing
};

class Finder {
  public:
    explicit Finder(const Model& model)
        : model_(model), links_(model), does_(operators_of(model.graph)) {}

    Uint8Move find();

  private:
    bool is_int8(const Node& node, const Operand& made) const;
    void add_made(const Node& node, const IntegerOperator& does);
    void judge_node(const Node& node, const IntegerOperator& does);
    void judge_tensor(std::string_view name);
    void count_inputs(Uint8Move& found) const;
    void find_constants(Uint8Move& found) const;
    bool dequantises(std::size_t index) const {
        return does_[index].use == IntegerUse::convert &&
               model_.graph.nodes[index].op_type == "DequantizeLinear";
    }

    const Model& model_;
    Links links_;
    std::vector<IntegerOperator> does_;  // by node
    Groups groups_;
};

bool Finder::is_int8(const Node& node, const Operand& made) const {
    const std::string_view name = node.input(made.zero_point);
    if (!name.empty()) {
        const Tensor* const tensor = links_.constant(name);
        return tensor != nullptr && tensor->type == ElementType::int8;
    }
    if (node.op_type == "QuantizeLinear") {
        return int_of(node, "output_dtype", 0) == static_cast<std::int64_t>(ElementType::int8);
    }
    return groups_.has(node.input(0));
}

void Finder::add_made(const Node& node, const IntegerOperator& does) {
    for (const Operand& one : does.operands) {
        const std::string_view name = tensor_of(node, one);
        if (one.output && !name.empty() && is_int8(node, one)) groups_.add(name);
    }
    if (does.use != IntegerUse::pass || !groups_.has(node.input(0))) return;
    for (const std::string_view name : node.outputs) {
        if (!name.empty()) groups_.add(name);
    }
}

// What a node says on the int8 tensors that it reads and makes.
void Finder::judge_node(const Node& node, const IntegerOperator& does) {
    std::vector<bool> data(node.inputs.size(), false);
    std::fill_n(data.begin(), std::min(does.data_inputs, data.size()), true);
    for (const Operand& one : does.operands) {
        if (!one.output && one.slot < data.size()) data[one.slot] = true;
    }
    std::vector<std::string_view> touched, others;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        const std::string_view name = node.inputs[i];
        if (groups_.has(name)) {
            if (!data[i]) groups_.keep(name, "read by " + printable(node.op_type));
            touched.push_back(name);
        } else if (data[i]) {
            others.push_back(name);
        }
    }
    for (const std::string_view name : node.outputs) {
        if (groups_.has(name)) {
            touched.push_back(name);
        } else if (does.use == IntegerUse::pass) {
            others.push_back(name);
        }
    }
    if (touched.empty()) return;
    for (const std::string_view name : touched) {
        if (ties(does)) groups_.tie(name, touched.front());
    }
    for (const Operand& one : does.operands) {
        const std::string_view name = tensor_of(node, one);
        if ((ties(does) || groups_.has(name)) && !int8_zero_point(links_, node, one.zero_point)) {
            groups_.keep(touched.front(), "a zero point is not one constant");
        }
        if (one.output && !groups_.has(name)) others.push_back(name);
    }
    const bool strange = std::any_of(others.begin(), others.end(), [&](std::string_view name) {
        return int8_constant(links_, name) == nullptr;
    });
    if (ties(does) && strange) groups_.keep(touched.front(), "tied to a tensor that cannot move");
}

void Finder::judge_tensor(std::string_view name) {
    if (links_.is_output(name)) groups_.keep(name, "an output of the file");
    if (!links_.maker(name)) groups_.keep(name, "made more than once");
    for (const std::size_t user : links_.users(name)) {
        if (does_[user].use != IntegerUse::none) continue;
        groups_.keep(name, "read by " + printable(model_.graph.nodes[user].op_type));
    }
}

void Finder::count_inputs(Uint8Move& found) const {
    for (const ValueInfo& input : model_.graph.inputs) {
        if (input.type != ElementType::int8 || links_.initializer(input.name)) continue;
        const auto& users = links_.users(input.name);
        const bool used = std::any_of(users.begin(), users.end(), [&](std::size_t user) {
            return does_[user].use != IntegerUse::none;
        });
        if (used) ++found.left["an input of the file"];
    }
}

// Whether a node reads dequantised constants and moved tensors only, so that its constants may
// move.
bool reads_moved_only(const Node& node, const Links& links, const std::vector<bool>& may_move) {
    if (!node.is("Add") && !node.is("Mul") && !node.is("Concat")) return false;
    return std::all_of(node.inputs.begin(), node.inputs.end(), [&](std::string_view name) {
        const auto maker = links.maker(name);
        return maker && may_move[*maker];
    });
}

void Finder::find_constants(Uint8Move& found) const {
    const auto& nodes = model_.graph.nodes;
    std::vector<bool> constant(nodes.size(), false), may_move(nodes.size(), false);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        if (!dequantises(i) || nodes[i].outputs.size() != 1) continue;
        constant[i] = int8_constant(links_, nodes[i].input(0)) != nullptr &&
                      int8_zero_point(links_, nodes[i], 2) &&
                      !links_.is_output(nodes[i].outputs[0]) && links_.maker(nodes[i].outputs[0]);
        may_move[i] = constant[i] || found.moved.contains(nodes[i].input(0));
    }
    std::vector<bool> takes(nodes.size(), false);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        takes[i] = reads_moved_only(nodes[i], links_, may_move);
    }
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        if (!constant[i]) continue;
        const auto& users = links_.users(nodes[i].outputs[0]);
        if (!users.empty() && std::all_of(users.begin(), users.end(),
                                          [&](std::size_t user) { return takes[user]; })) {
            found.constants.insert(i);
        }
    }
}

Uint8Move Finder::find() {
    const auto& nodes = model_.graph.nodes;
    for (std::size_t i = 0; i < nodes.size(); ++i) add_made(nodes[i], does_[i]);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        judge_node(nodes[i], does_[i]);
        for (const std::string_view name : nodes[i].outputs) {
            if (groups_.has(name)) judge_tensor(name);
        }
    }
    Uint8Move found = groups_.verdicts();
    count_inputs(found);
    if (!found.moved.empty()) find_constants(found);
    for (std::size_t i = 0; i < nodes.size() && found.exact; ++i) {
        found.exact = does_[i].use != IntegerUse::compute ||
                      std::none_of(does_[i].operands.begin(), does_[i].operands.end(),
                                   [&](const Operand& one) {
                                       return found.moved.contains(tensor_of(nodes[i], one));
                                   });
    }
    return found;
}

class Mover {
  public:
    Mover(const Model& model, const Uint8Move& move)
        : model_(model), move_(move), links_(model), names_(model) {}

    std::vector<std::byte> run();

  private:
    void move(std::size_t index);
    std::string added(const ZeroPoint& zero);
    std::string shifted(std::string_view constant, const Tensor& tensor);

    const Model& model_;
    const Uint8Move& move_;
    Links links_;
    Names names_;
    GraphEdit edit_;
    std::map<std::pair<std::int64_t, std::vector<std::int64_t>>, std::string> zero_points_;
    std::map<std::string_view, std::string> constants_;
    Released released_;
};

// The name of the moved zero point; one initialiser for all that are alike.
std::string Mover::added(const ZeroPoint& zero) {
    std::string& name = zero_points_[{zero.value, zero.dims}];
    if (!name.empty()) return name;
    const std::int64_t value = zero.value + kHalfRange;
    const char* const base = zero.dims.empty() ? "uint8_zero_point_" : "uint8_zero_points_";
    name = names_.fresh(base + std::to_string(value));
    const auto byte = static_cast<std::byte>(value);
    add_initializer(model_, edit_, name, ElementType::uint8, zero.dims, Bytes(&byte, 1));
    return name;
}

std::string Mover::shifted(std::string_view constant, const Tensor& tensor) {
    std::string& name = constants_[constant];
    if (!name.empty()) return name;
    name = names_.fresh("uint8_constant_" + std::to_string(constants_.size()));
    std::vector<std::byte> values(tensor.raw.begin(), tensor.raw.end());
    for (std::byte& value : values) value ^= std::byte{0x80};
    add_initializer(model_, edit_, name, ElementType::uint8, tensor.dims, values);
    return name;
}

void Mover::move(std::size_t index) {
    const Node& node = model_.graph.nodes[index];
    const IntegerOperator does = integer_operator(node);
    const auto moves = [&](std::string_view name) { return move_.moved.contains(name); };
    const bool constants =
        move_.constants.contains(index) ||
        (ties(does) && (std::any_of(node.inputs.begin(), node.inputs.end(), moves) ||
                        std::any_of(node.outputs.begin(), node.outputs.end(), moves)));
    std::map<std::size_t, std::string> names;
    const auto move_constant = [&](std::size_t slot) {
        const Tensor* const tensor = constants ? int8_constant(links_, node.input(slot)) : nullptr;
        if (tensor != nullptr) names[slot] = shifted(node.input(slot), *tensor);
        return tensor != nullptr;
    };
    for (const Operand& one : does.operands) {
        if (!moves(tensor_of(node, one)) && (one.output || !move_constant(one.slot))) continue;
        const auto zero = int8_zero_point(links_, node, one.zero_point);
        if (zero) names[one.zero_point] = added(*zero);
    }
    for (std::size_t slot = 0; slot < does.data_inputs; ++slot) move_constant(slot);
    if (names.empty()) return;
    for (const auto& [slot, name] : names) ++released_[node.input(slot)];
    edit_.nodes.replace[index] = with_inputs(node, names);
}

std::vector<std::byte> Mover::run() {
    for (std::size_t i = 0; i < model_.graph.nodes.size(); ++i) move(i);
    drop_unread(model_, links_, released_, edit_);
    for (std::size_t i = 0; i < model_.graph.value_infos.size(); ++i) {
        const ValueInfo& one = model_.graph.value_infos[i];
        if (!move_.moved.contains(one.name)) continue;
        edit_.value_infos.replace[i] = tensor_value(one.name, ElementType::uint8, one.dims);
    }
    if (!edit_.nodes.replace.empty()) edit_.annotations.drop_all = true;  // they name zero points
    return rebuild(model_, edit_);
}

}  // namespace

Uint8Move find_uint8_move(const Model& model) {
    // A model function may give an operator's name another meaning.
    for (const Function& one : model.functions) {
        if (one.domain.empty() || one.domain == "ai.onnx" || one.domain == "com.microsoft") {
            return {};
        }
    }
    return Finder(model).find();
}

std::vector<std::byte> move_to_uint8(const Model& model, const Uint8Move& move) {
    return Mover(model, move).run();
}

}  // namespace ei::graph
