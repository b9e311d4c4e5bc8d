#include "graph/tail.hpp"

#include <algorithm>
#include <set>

#include "graph/links.hpp"
#include "graph/shapes.hpp"
#include "graph/tail_steps.hpp"
#include "graph/text.hpp"

namespace ei::graph {
namespace {

// Real tails have fewer than ten nodes, and networks few outputs; the bounds are for hostile files.
constexpr std::size_t kLongestChain = 32;
constexpr std::size_t kOutputsTried = 64;

struct Attempt {
    std::optional<Tail> tail;
    std::string why;
    bool informative = false;  // a Resize or an ArgMax is involved in the refusal
};

std::string joined(const std::vector<std::string>& steps) {
    std::string out;
    for (const std::string& step : steps) out += (out.empty() ? "" : ", ") + step;
    return out;
}

// Passes its values on as they are.
bool moves_only(const Node& node) {
    for (const char* name :
         {"Identity", "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten"}) {
        if (node.is(name)) return true;
    }
    return false;
}

class Finder {
  public:
    explicit Finder(const Model& model) : model_(model), links_(model), shapes_(model, links_) {}

    Attempt at_output(std::string_view output);

  private:
    std::vector<std::size_t> chain_before(std::string_view output) const;
    bool rounds_twice(std::string_view logits, const std::vector<std::size_t>& chain,
                      std::size_t first) const;
    Attempt try_from(const std::vector<std::size_t>& chain, std::size_t first,
                     std::string_view output);

    const Model& model_;
    Links links_;
    Shapes shapes_;
};

// The nodes that lead to `output` one after another, last first; between two of them nobody else
// reads. Exception: a DequantizeLinear that others read too may come first, since a copy of it can
// go with the tail while the original stays for the others.
std::vector<std::size_t> Finder::chain_before(std::string_view output) const {
    std::vector<std::size_t> chain;
    if (!links_.users(output).empty()) return chain;
    for (std::string_view name = output; chain.size() < kLongestChain;) {
        const auto maker = links_.maker(name);
        if (!maker) break;
        const Node& node = model_.graph.nodes[*maker];
        const bool shared = links_.users(name).size() > 1;
        if (!TailSteps::may_belong(node) || (shared && !node.is("DequantizeLinear"))) break;
        const std::string_view from = node.input(0);
        if (from.empty() || std::count(node.inputs.begin(), node.inputs.end(), from) != 1) break;
        chain.push_back(*maker);
        if (shared) break;
        name = from;
    }
    return chain;
}

// Are the values quantised, restored and quantised again around the cut, with nothing between that
// computes? The runtime makes one pair of two such pairs and rounds once, but not across a cut, nor
// for a value that leaves the graph: the parts would keep both.
bool Finder::rounds_twice(std::string_view logits, const std::vector<std::size_t>& chain,
                          std::size_t first) const {
    std::vector<const Node*> row;  // of nodes that do not compute, the cut somewhere in it
    const auto belongs = [](const Node& node) {
        return moves_only(node) || node.is("QuantizeLinear") || node.is("DequantizeLinear");
    };
    for (auto at = links_.maker(logits); at && row.size() < kLongestChain;) {
        const Node& node = model_.graph.nodes[*at];
        if (!belongs(node)) break;
        row.push_back(&node);
        at = links_.maker(node.input(0));
    }
    if (std::all_of(row.begin(), row.end(), [](const Node* node) { return moves_only(*node); })) {
        return false;  // whatever follows is whole in the tail
    }
    std::reverse(row.begin(), row.end());
    for (std::size_t i = first + 1; i-- > 0;) {
        const Node& node = model_.graph.nodes[chain[i]];
        if (!belongs(node)) break;
        row.push_back(&node);
    }
    bool restored = false;
    for (const Node* node : row) {
        restored = restored || node->is("DequantizeLinear");
        if (restored && node->is("QuantizeLinear")) return true;
    }
    return false;
}

Attempt Finder::try_from(const std::vector<std::size_t>& chain, std::size_t first,
                         std::string_view output) {
    const Graph& graph = model_.graph;
    const std::string_view logits = graph.nodes[chain[first]].input(0);
    const auto maker = links_.maker(logits);
    if (!maker) return {std::nullopt, "there is nothing before the tail", false};
    TailSteps steps(model_, links_, logits, shapes_.of(logits));
    bool quantizes = false;
    for (std::size_t i = first + 1; i-- > 0;) {
        const Node& node = graph.nodes[chain[i]];
        quantizes = quantizes || node.op_type == "QuantizeLinear";
        const std::string why = steps.take(node);
        if (!why.empty()) {
            return {std::nullopt, why, steps.has_substance() || TailSteps::has_substance(node)};
        }
    }
    if (const std::string why = steps.refusal(); !why.empty()) {
        return {std::nullopt, why, steps.has_substance()};
    }
    if (quantizes && graph.nodes[*maker].is("DequantizeLinear")) {
        return {std::nullopt,
                "the DequantizeLinear before the tail cannot be cut with it, and the runtime "
                "fuses the two",
                true};
    }
    if (rounds_twice(logits, chain, first)) {
        return {std::nullopt,
                "the values are quantised twice in a row there, which the runtime makes one of",
                true};
    }
    Tail tail = steps.tail();
    tail.output = output;
    for (std::size_t i = first + 1; i-- > 0;) tail.nodes.push_back(chain[i]);
    return {std::move(tail), {}, true};
}

Attempt Finder::at_output(std::string_view output) {
    const auto maker = links_.maker(output);
    if (!maker) return {std::nullopt, "no node makes it", false};
    const std::vector<std::size_t> chain = chain_before(output);
    if (chain.empty()) {
        const bool read = !links_.users(output).empty();
        return {std::nullopt,
                read ? "other nodes read it too"
                     : "it ends in " + printable(model_.graph.nodes[*maker].op_type),
                false};
    }
    if (std::none_of(chain.begin(), chain.end(), [&](std::size_t index) {
            return TailSteps::has_substance(model_.graph.nodes[index]);
        })) {
        return {std::nullopt, "no Resize and no ArgMax at the end", false};
    }
    Attempt refused;
    for (std::size_t first = chain.size(); first-- > 0;) {  // the longest tail first
        Attempt attempt = try_from(chain, first, output);
        if (attempt.tail) {
            attempt.why = joined(attempt.tail->steps);
            if (refused.informative) attempt.why += "; what is before it stays: " + refused.why;
            return attempt;
        }
        if (attempt.informative || !refused.informative) refused = std::move(attempt);
    }
    return refused;
}

// A model function may give a standard operator's name another meaning.
bool redefines_standard_operators(const Model& model) {
    return std::any_of(model.functions.begin(), model.functions.end(), [](const Function& one) {
        return one.domain.empty() || one.domain == "ai.onnx";
    });
}

}  // namespace

TailSearch find_tail(const Model& model) {
    if (!model.onnx_opset()) return {std::nullopt, "No tail: the opset of ai.onnx is not known."};
    if (redefines_standard_operators(model)) {
        return {std::nullopt, "No tail: the file redefines standard operators."};
    }
    if (model.graph.outputs.empty()) return {std::nullopt, "No tail: the graph has no outputs."};
    Finder finder(model);
    std::set<std::string_view> seen;
    std::string why;
    const std::size_t tried = std::min(model.graph.outputs.size(), kOutputsTried);
    for (std::size_t i = 0; i < tried; ++i) {
        const ValueInfo& output = model.graph.outputs[i];
        if (!seen.insert(output.name).second) continue;
        Attempt attempt = finder.at_output(output.name);
        const std::string text = "output " + in_quotes(output.name) + ": " + attempt.why + ".";
        if (attempt.tail) return {std::move(attempt.tail), "Tail at " + text};
        if (why.empty()) why = "No tail at " + text;
    }
    return {std::nullopt, why};
}

}  // namespace ei::graph
