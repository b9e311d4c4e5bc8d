#include <algorithm>
#include <map>
#include <set>

#include "base/error.hpp"
#include "graph/external.hpp"
#include "graph/facts.hpp"
#include "graph/text.hpp"
#include "graph/values.hpp"

namespace ei::graph {
namespace {

constexpr std::size_t kPerCode = 8;  // a damaged file can have thousands of the same kind

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

std::string label(const Node& node) {
    const std::string op = printable(node.op_type.substr(0, 80));
    return node.name.empty() ? op : op + " " + in_quotes(node.name);
}

class Check {
  public:
    Check(const Model& model, const RuntimeLimits& runtime,
          const std::optional<std::filesystem::path>& folder)
        : model_(model), runtime_(runtime), folder_(folder) {
        for (const Function& one : model.functions) functions_.emplace(one.domain, one.name);
    }

    std::vector<Problem> run() {
        header();
        graph(model_.graph, true);
        for (const Function& one : model_.functions) external_of_nodes(one.nodes);
        interface();
        for (const auto& [code, count] : counts_) {
            if (count > kPerCode) {
                found_.push_back({code, std::to_string(count - kPerCode) + " more of the kind",
                                  "see the first ones"});
            }
        }
        return std::move(found_);
    }

  private:
    void add(const char* code, std::string text, std::string remedy) {
        if (++counts_[code] <= kPerCode) {
            found_.push_back({code, std::move(text), std::move(remedy)});
        }
    }

    void header();
    void interface();
    void graph(const Graph& graph, bool top);
    void domain(const Node& node);
    void tensor(const Tensor& tensor);
    void external(const Tensor& tensor, const std::string& what);
    void external_of_attributes(const Node& node);
    void external_of_nodes(const std::vector<Node>& nodes);
    void order(const Graph& graph, const std::map<std::string_view, std::size_t>& makers);

    bool in_scope(std::string_view name) const {
        return std::any_of(scopes_.rbegin(), scopes_.rend(),
                           [&](const Names& names) { return names.contains(name); });
    }

    const Model& model_;
    const RuntimeLimits& runtime_;
    const std::optional<std::filesystem::path>& folder_;
    std::set<std::pair<std::string_view, std::string_view>> functions_;  // domain and name
    std::vector<Problem> found_;
    std::map<std::string, std::size_t> counts_;
    std::vector<Names> scopes_;  // of the graphs around the one being checked, and its own
};

void Check::header() {
    if (model_.ir_version > runtime_.max_ir) {
        add("ir-version",
            "IR version " + std::to_string(model_.ir_version) + ", the runtime reads up to " +
                std::to_string(runtime_.max_ir),
            "update onnxruntime, or save the model with an older IR version "
            "(onnx: model.ir_version = " +
                std::to_string(std::min<std::int64_t>(runtime_.max_ir, 10)) + ")");
    }
    if (model_.opsets.empty()) {
        add("opset", "no opset import", "export the model again with an opset version");
    }
    for (const OpsetImport& opset : model_.opsets) {
        const bool standard = opset.domain.empty() || opset.domain == "ai.onnx";
        const bool ml = opset.domain == "ai.onnx.ml";
        if (!standard && !ml) continue;
        const std::int64_t most = standard ? runtime_.max_opset : runtime_.max_ml_opset;
        if (opset.version >= 1 && opset.version <= most) continue;
        add("opset",
            std::string("opset ") + std::to_string(opset.version) + " of " +
                (standard ? "ai.onnx" : "ai.onnx.ml") + ", the runtime knows 1 to " +
                std::to_string(most),
            "update onnxruntime, or export with an older opset "
            "(onnx.version_converter.convert_version)");
    }
}

// The names a program meets: kinds of inputs and outputs.
void Check::interface() {
    if (model_.graph.outputs.empty()) {
        add("no-outputs", "the graph has no outputs", "export it with its outputs");
    }
    const auto check = [&](const ValueInfo& value, const char* what) {
        if (value.kind == ValueKind::tensor) return;
        if (value.kind == ValueKind::unknown) {
            add("untyped", std::string(what) + " " + in_quotes(value.name) + " has no type",
                "export the model again with types");
            return;
        }
        add("kind", std::string(what) + " " + in_quotes(value.name) + " is no tensor",
            "a session takes and gives tensors only; export without sequences, maps and "
            "optional values (scikit-learn: zipmap=False)");
    };
    for (const ValueInfo& input : model_.graph.inputs) check(input, "input");
    for (const ValueInfo& output : model_.graph.outputs) {
        if (output.kind != ValueKind::unknown) check(output, "output");
    }
}

void Check::domain(const Node& node) {
    if (domains_of_the_runtime().contains(node.domain)) return;
    const bool defined = std::any_of(
        model_.functions.begin(), model_.functions.end(),
        [&](const Function& one) { return one.domain == node.domain && one.name == node.op_type; });
    if (defined) return;
    add("domain",
        label(node) + " is of domain " + in_quotes(node.domain) +
            ", which neither the runtime nor the file defines",
        "export without custom operators");
}

void Check::tensor(const Tensor& tensor) {
    const std::string what = "initialiser " + in_quotes(tensor.name);
    const auto type = static_cast<std::int32_t>(tensor.type);
    if (type < 1 || type > 26) {
        add("dtype",
            what + " has element type " + std::to_string(type) + ", which ONNX does not have",
            "export the model again");
        return;
    }
    if (const std::string wrong = data_mismatch(tensor); !wrong.empty()) {
        add("data", what + ": " + wrong, "fetch or export the file again");
        return;
    }
    external(tensor, what);
}

void Check::external(const Tensor& tensor, const std::string& what) {
    if (!tensor.external) return;
    if (!folder_) {
        add("external-data", what + " lies in a file of its own, but the model came as bytes",
            "give the model's path");
        return;
    }
    try {
        check_external(*folder_, tensor);
    } catch (const Error& error) {
        add("external-data", what + ": " + error.what(), "keep the data beside the model file");
    }
}

void Check::external_of_attributes(const Node& node) {
    for (const Attribute& attribute : node.attributes) {
        for (const Tensor& one : attribute.tensors) {
            external(one, "attribute " + in_quotes(attribute.name) + " of " + label(node));
        }
    }
}

// The body of a function is inlined into the graph, and its tensors are read like the graph's own.
void Check::external_of_nodes(const std::vector<Node>& nodes) {
    for (const Node& node : nodes) {
        external_of_attributes(node);
        for (const Attribute& attribute : node.attributes) {
            for (const Graph& inner : attribute.graphs) {
                for (const Tensor& one : inner.initializers) {
                    external(one, "initialiser " + in_quotes(one.name));
                }
                external_of_nodes(inner.nodes);
            }
        }
    }
}

template <class Visit>
void each_name_read(const Node& node, Visit visit) {
    for (const std::string_view name : node.inputs) {
        if (!name.empty()) visit(name);
    }
    for (const Attribute& attribute : node.attributes) {
        for (const Graph& inner : attribute.graphs) {
            for (const Node& one : inner.nodes) each_name_read(one, visit);
        }
    }
}

// Nodes may stand in any order, as the runtime sorts them; but an order must exist. Source: Kahn,
// "Topological sorting of large networks", 1962.
void Check::order(const Graph& graph, const std::map<std::string_view, std::size_t>& makers) {
    const std::size_t nodes = graph.nodes.size();
    std::vector<std::vector<std::size_t>> readers(nodes);
    std::vector<std::size_t> waits(nodes, 0);
    for (std::size_t i = 0; i < nodes; ++i) {
        each_name_read(graph.nodes[i], [&](std::string_view name) {
            const auto maker = makers.find(name);
            if (maker == makers.end()) return;
            readers[maker->second].push_back(i);
            ++waits[i];
        });
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
    add("cycle", label(graph.nodes[stuck]) + " is part of a cycle or waits for one",
        "export the model again");
}

void Check::graph(const Graph& graph, bool top) {
    Names names;
    for (const ValueInfo& input : graph.inputs) {
        if (!names.insert(input.name).second) {
            add("duplicate", "input " + in_quotes(input.name) + " is declared twice",
                "export the model again");
        }
    }
    for (const Tensor& one : graph.initializers) {
        names.insert(one.name);
        tensor(one);
    }
    for (const SparseTensor& one : graph.sparse_initializers) {
        names.insert(one.values.name);
        tensor(one.values);
        external(one.indices, "indices of initialiser " + in_quotes(one.values.name));
    }
    std::map<std::string_view, std::size_t> makers;
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        for (const std::string_view name : graph.nodes[i].outputs) {
            if (name.empty()) continue;
            if (!names.insert(name).second) {
                add("duplicate", "value " + in_quotes(name) + " is made twice",
                    "export the model again; every value has one maker");
            } else {
                makers.emplace(name, i);
            }
        }
    }
    scopes_.push_back(std::move(names));
    for (const Node& node : graph.nodes) {
        domain(node);
        external_of_attributes(node);
        for (const std::string_view name : node.inputs) {
            if (name.empty() || in_scope(name)) continue;
            add("missing", label(node) + " reads " + in_quotes(name) + ", which nobody makes",
                "export the model again");
        }
        for (const Attribute& attribute : node.attributes) {
            for (const Graph& inner : attribute.graphs) this->graph(inner, false);
        }
    }
    for (const ValueInfo& output : graph.outputs) {
        // A graph inside a node may hand a value of the outer one through in some exporters' files.
        const bool made = top ? scopes_.back().contains(output.name) : in_scope(output.name);
        if (made) continue;
        add("missing", "output " + in_quotes(output.name) + " is made by nobody",
            "export the model again");
    }
    order(graph, makers);
    scopes_.pop_back();
}

}  // namespace

std::vector<Problem> problems(const Model& model, const RuntimeLimits& runtime,
                              const std::optional<std::filesystem::path>& folder) {
    return Check(model, runtime, folder).run();
}

}  // namespace ei::graph
