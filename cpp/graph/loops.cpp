#include "graph/loops.hpp"

#include <algorithm>
#include <set>

#include "graph/rules.hpp"
#include "graph/scopes.hpp"
#include "graph/values.hpp"

namespace ei::graph {
namespace {

// Of com.microsoft: they run a whole graph once a word, as often as an input says.
bool generates(const Node& node) {
    static const std::set<std::string_view> kOperators = {"BeamSearch", "GreedySearch", "Sampling",
                                                          "WhisperBeamSearch"};
    return node.domain == "com.microsoft" && kOperators.contains(node.op_type);
}

// Before this version of the standard operators a Scan went along each element of a batch.
constexpr std::int64_t kScanWithoutBatch = 9;

class Finder {
  public:
    // Before IR version 4 every initialiser is an input as well, and none is replaced.
    explicit Finder(const Model& model)
        : inputs_replace_(model.ir_version >= 4), opset_(model.onnx_opset().value_or(0)) {}

    // `times`: how often the scope itself may run.
    void look(const Scope& scope, long long times, bool in_function);
    Loops result() const {
        if (!why_.empty()) return {false, why_};
        return {true, total_ == 0 ? "no loops" : "loops of constant length only"};
    }

  private:
    bool replaceable(const Scope::Origin& origin) const {
        if (!origin.replaceable) return false;
        return inputs_replace_ || !origin.scope->is_top();  // a body's inputs are always given
    }
    std::optional<long long> loop_length(const Scope& scope, const Node& node) const;
    std::optional<long long> scan_length(const Scope& scope, const Node& node) const;

    bool inputs_replace_;
    std::int64_t opset_;
    long long total_ = 0;  // iterations of all loops
    std::string why_;
};

std::optional<long long> Finder::loop_length(const Scope& scope, const Node& node) const {
    if (replaceable(scope.source(node.input(0)))) return std::nullopt;
    const auto most = scope.ints(node.input(0));
    if (!most || most->size() != 1) return std::nullopt;
    return most->front();
}

// Sizes of what the runtime holds the values to: an initialiser, or an input of the model. What a
// file declares of other values need not be so.
std::optional<std::vector<std::int64_t>> certain_sizes(const Scope::Origin& origin,
                                                       std::string_view name) {
    if (origin.initializer != nullptr) {
        if (origin.replaceable || origin.sparse) return std::nullopt;
        return origin.initializer->dims;
    }
    if (origin.scope == nullptr || !origin.scope->is_top()) return std::nullopt;
    if (origin.node != nullptr) return std::nullopt;
    for (const ValueInfo& input : origin.scope->graph()->inputs) {
        if (input.name != name || !input.dims) continue;
        std::vector<std::int64_t> sizes;
        for (const Dim& dim : *input.dims) sizes.push_back(dim.value.value_or(-1));
        return sizes;
    }
    return std::nullopt;
}

// At most: the longest axis of one of its sequences, or, in its first version, all elements. All
// sequences are equally long, or the runtime refuses to run.
std::optional<long long> Finder::scan_length(const Scope& scope, const Node& node) const {
    const std::int64_t sequences = int_of(node, "num_scan_inputs", 0);
    const auto inputs = static_cast<std::int64_t>(node.inputs.size());
    std::optional<long long> shortest;
    for (std::int64_t i = std::max<std::int64_t>(inputs - sequences, 0); i < inputs; ++i) {
        const std::string_view name = node.input(static_cast<std::size_t>(i));
        const auto sizes = certain_sizes(scope.origin(name), name);
        if (!sizes || sizes->empty()) continue;
        if (std::any_of(sizes->begin(), sizes->end(), [](auto size) { return size < 0; })) continue;
        const auto length = opset_ < kScanWithoutBatch
                                ? element_count(*sizes)
                                : *std::max_element(sizes->begin(), sizes->end());
        if (length)
            shortest = std::min(shortest.value_or(*length), static_cast<long long>(*length));
    }
    return shortest;
}

void Finder::look(const Scope& scope, long long times, bool in_function) {
    for (const Node& node : scope.nodes()) {
        if (!why_.empty()) return;
        long long inside = times;
        if (generates(node)) {
            why_ = label(node) + " runs until a number of words that is computed is reached";
            return;
        }
        const bool loop = node.is("Loop");
        if (loop || node.is("Scan") || node.is("SequenceMap")) {
            if (in_function) {
                why_ = label(node) + " is in a function, which other loops may call";
                return;
            }
            const auto most = loop              ? loop_length(scope, node)
                              : node.is("Scan") ? scan_length(scope, node)
                                                : std::nullopt;
            if (!most) {
                why_ = label(node) + " has no constant number of iterations";
                return;
            }
            const long long own = std::max<long long>(*most, 1);
            if (own > (kMostIterations - total_) / times) {
                why_ = label(node) + " may run " + std::to_string(own) + " iterations" +
                       (total_ > 0 ? " beside those of other loops" : "");
                return;
            }
            inside = times * own;
            total_ += inside;
        }
        for (const Attribute& attribute : node.attributes) {
            for (const Graph& inner : attribute.graphs)
                look(Scope(inner, &scope), inside, in_function);
        }
    }
}

}  // namespace

Loops find_loops(const Model& model) {
    Finder finder(model);
    finder.look(Scope(model.graph, nullptr), 1, false);
    for (const Function& one : model.functions) finder.look(Scope(one), 1, true);
    return finder.result();
}

}  // namespace ei::graph
