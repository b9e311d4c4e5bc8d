#include "graph/loops.hpp"

#include <algorithm>
#include <set>

#include "graph/rules.hpp"
#include "graph/scopes.hpp"

namespace ei::graph {
namespace {

// Of com.microsoft: they run a whole graph once a word, as often as an input says.
bool generates(const Node& node) {
    static const std::set<std::string_view> kOperators = {"BeamSearch", "GreedySearch", "Sampling",
                                                          "WhisperBeamSearch"};
    return node.domain == "com.microsoft" && kOperators.contains(node.op_type);
}

class Finder {
  public:
    // Before IR version 4 every initialiser is an input as well, and none is replaced.
    explicit Finder(const Model& model) : inputs_replace_(model.ir_version >= 4) {}

    // `times`: how often the scope itself may run.
    void look(const Scope& scope, long long times, bool in_function);
    Loops result() const {
        if (!why_.empty()) return {false, why_};
        return {true, total_ == 0 ? "no loops" : "loops of constant length only"};
    }

  private:
    bool inputs_replace_;
    long long total_ = 0;  // iterations of all loops
    std::string why_;
};

void Finder::look(const Scope& scope, long long times, bool in_function) {
    for (const Node& node : scope.nodes()) {
        if (!why_.empty()) return;
        long long inside = times;
        if (generates(node)) {
            why_ = label(node) + " runs until a number of words that is computed is reached";
            return;
        }
        if (node.is("Loop")) {
            const bool open = inputs_replace_ && scope.source(node.input(0)).replaceable;
            const auto most = open ? std::nullopt : scope.ints(node.input(0));
            if (in_function) {
                why_ = label(node) + " is in a function, which other loops may call";
                return;
            }
            if (!most || most->size() != 1) {
                why_ = label(node) + " has no constant number of iterations";
                return;
            }
            const long long own = std::max<long long>(most->front(), 1);
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
