#include "graph/rules.hpp"
#include "graph/text.hpp"

namespace ei::graph {
namespace {

void check(Findings& findings, const ValueInfo& value, const char* what) {
    if (value.kind == ValueKind::tensor) return;
    const std::string who = std::string(what) + " " + in_quotes(value.name);
    if (value.kind == ValueKind::unknown) {
        findings.add(Verdict::unsupported, "untyped", who + " has no type",
                     "export the model again with types");
        return;
    }
    findings.add(Verdict::unsupported, "kind", who + " is no tensor",
                 "a session takes and gives tensors only; export without sequences, maps and "
                 "optional values (scikit-learn: zipmap=False)");
}

}  // namespace

void rule_interface(Context& context) {
    const Graph& graph = context.model.graph;
    if (graph.outputs.empty()) {
        context.findings.add(Verdict::refused, "no-outputs", "the graph has no outputs",
                             "export it with its outputs");
    }
    for (const ValueInfo& input : graph.inputs) check(context.findings, input, "input");
    for (const ValueInfo& output : graph.outputs) {
        if (output.kind != ValueKind::unknown) check(context.findings, output, "output");
    }
}

}  // namespace ei::graph
