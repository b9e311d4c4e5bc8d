#include <algorithm>
#include <map>
#include <set>

#include "graph/rules.hpp"
#include "graph/text.hpp"

namespace ei::graph {
namespace {

using Names = std::set<std::string_view>;

const Names& domains_of_the_runtime() {
    static const Names kDomains = {"",
                                   "ai.onnx",
                                   "ai.onnx.ml",
                                   "ai.onnx.preview",
                                   "ai.onnx.preview.training",
                                   "ai.onnx.training",
                                   "com.microsoft",
                                   "com.microsoft.dml",
                                   "com.microsoft.experimental",
                                   "com.microsoft.nchwc",
                                   "com.ms.internal.nhwc",
                                   "org.pytorch.aten"};
    return kDomains;
}

class Check {
  public:
    explicit Check(Context& context) : context_(context) {
        for (const Function& one : context.model.functions) {
            functions_.emplace(one.domain, one.name);
        }
    }

    // Returns the names that the graph takes from the ones around it. A name that a graph makes
    // itself is its own affair, even where one outside sounds the same.
    Names graph(const Graph& graph, bool top);

    // What a graph must not hold twice, in the body of a function and the graphs inside of it.
    void function(const Function& function);

  private:
    void refuse(const char* code, std::string text, const char* remedy = "export the model again") {
        context_.findings.add(Verdict::refused, code, std::move(text), remedy);
    }
    using Makers = std::map<std::string_view, std::size_t>;
    Names names_of(const Graph& graph, Makers& makers);
    void add_initializer(Names& names, std::string_view name);
    void add_outputs(Names& names, const std::vector<Node>& nodes, Makers& makers);
    void domain(const Node& node);
    // reads[i]: what node i waits for, the graphs inside of it included.
    void order(const Graph& graph, const Makers& makers, const std::vector<Names>& reads);
    bool in_scope(std::string_view name) const {
        return std::any_of(scopes_.rbegin(), scopes_.rend(),
                           [&](const Names& names) { return names.contains(name); });
    }

    Context& context_;
    std::set<std::pair<std::string_view, std::string_view>> functions_;  // domain and name
    std::vector<Names> scopes_;  // of the graphs around the one being checked, and its own
};

void Check::domain(const Node& node) {
    if (domains_of_the_runtime().contains(node.domain)) return;
    if (functions_.contains({node.domain, node.op_type})) return;
    context_.findings.add(Verdict::unsupported, "domain",
                          label(node) + " is of domain " + in_quotes(node.domain) +
                              ", which neither the runtime nor the file defines",
                          "export without custom operators");
}

// Nodes may stand in any order, as the runtime sorts them; but an order must exist. Source: Kahn,
// "Topological sorting of large networks", 1962.
void Check::order(const Graph& graph, const Makers& makers, const std::vector<Names>& reads) {
    const std::size_t nodes = graph.nodes.size();
    std::vector<std::vector<std::size_t>> readers(nodes);
    std::vector<std::size_t> waits(nodes, 0);
    for (std::size_t i = 0; i < nodes; ++i) {
        for (const std::string_view name : reads[i]) {
            const auto maker = makers.find(name);
            if (maker == makers.end()) continue;
            readers[maker->second].push_back(i);
            ++waits[i];
        }
    }
    std::vector<std::size_t> ready;
    for (std::size_t i = 0; i < nodes; ++i) {
        if (waits[i] == 0) ready.push_back(i);
    }
    std::size_t done = 0;
    while (!ready.empty()) {
        const std::size_t index = ready.back();
        ready.pop_back();
        ++done;
        for (const std::size_t reader : readers[index]) {
            if (--waits[reader] == 0) ready.push_back(reader);
        }
    }
    if (done == nodes) return;
    const auto stuck = static_cast<std::size_t>(
        std::find_if(waits.begin(), waits.end(), [](std::size_t n) { return n > 0; }) -
        waits.begin());
    refuse("cycle", label(graph.nodes[stuck]) + " is part of a cycle or waits for one");
}

// The runtime takes the last of two initialisers of a name, the rules here take the first. Only
// where there is one do both speak of the same value.
void Check::add_initializer(Names& names, std::string_view name) {
    if (names.insert(name).second) return;
    refuse("duplicate", "initialiser " + in_quotes(name) + " is there twice",
           "export the model again; every value has one maker");
}

void Check::add_outputs(Names& names, const std::vector<Node>& nodes, Makers& makers) {
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        for (const std::string_view name : nodes[i].outputs) {
            if (name.empty()) continue;
            if (names.insert(name).second) {
                makers.emplace(name, i);
                continue;
            }
            refuse("duplicate", "value " + in_quotes(name) + " is made twice",
                   "export the model again; every value has one maker");
        }
    }
}

Names Check::names_of(const Graph& graph, Makers& makers) {
    Names names;
    for (const ValueInfo& input : graph.inputs) {
        if (!names.insert(input.name).second) {
            refuse("duplicate", "input " + in_quotes(input.name) + " is declared twice");
        }
    }
    Names initializers;  // their names may be those of inputs, whose defaults they are
    for (const Tensor& one : graph.initializers) add_initializer(initializers, one.name);
    for (const SparseTensor& one : graph.sparse_initializers) {
        add_initializer(initializers, one.values.name);
    }
    names.merge(initializers);
    add_outputs(names, graph.nodes, makers);
    return names;
}

void Check::function(const Function& function) {
    Names names;
    for (const std::string_view name : function.inputs) {
        if (names.insert(name).second) continue;
        refuse("duplicate", "input " + in_quotes(name) + " of function " +
                                in_quotes(function.name) + " is declared twice");
    }
    Makers makers;
    add_outputs(names, function.nodes, makers);
    const auto inside = [&](const auto& self, const std::vector<Node>& nodes) -> void {
        for (const Node& node : nodes) {
            for (const Attribute& attribute : node.attributes) {
                for (const Graph& inner : attribute.graphs) {
                    Makers unused;
                    names_of(inner, unused);
                    self(self, inner.nodes);
                }
            }
        }
    };
    inside(inside, function.nodes);
}

Names Check::graph(const Graph& graph, bool top) {
    Makers makers;
    scopes_.push_back(names_of(graph, makers));
    std::vector<Names> reads(graph.nodes.size());
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        const Node& node = graph.nodes[i];
        domain(node);
        for (const std::string_view name : node.inputs) {
            if (name.empty()) continue;
            reads[i].insert(name);
            if (in_scope(name)) continue;
            refuse("missing", label(node) + " reads " + in_quotes(name) + ", which nobody makes");
        }
        for (const Attribute& attribute : node.attributes) {
            for (const Graph& inner : attribute.graphs) reads[i].merge(this->graph(inner, false));
        }
    }
    for (const ValueInfo& output : graph.outputs) {
        // A graph inside a node may hand a value of the outer one through in some exporters' files.
        if (top ? scopes_.back().contains(output.name) : in_scope(output.name)) continue;
        refuse("missing", "output " + in_quotes(output.name) + " is made by nobody");
    }
    order(graph, makers, reads);
    Names taken;
    if (!top) {
        for (Names& names : reads) taken.merge(std::move(names));
        for (const ValueInfo& output : graph.outputs) taken.insert(output.name);
        for (const std::string_view own : scopes_.back()) taken.erase(own);
    }
    scopes_.pop_back();
    return taken;
}

}  // namespace

void rule_names(Context& context) {
    Check check(context);
    check.graph(context.model.graph, true);
    for (const Function& one : context.model.functions) check.function(one);
}

}  // namespace ei::graph
