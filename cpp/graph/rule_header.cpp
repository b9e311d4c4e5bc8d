#include <algorithm>
#include <map>
#include <set>

#include "graph/rules.hpp"
#include "graph/text.hpp"

namespace ei::graph {
namespace {

constexpr std::int64_t kWidelyRead = 10;  // an IR version that every runtime of late reads

std::string_view canonical(std::string_view domain) {
    return domain.empty() ? "ai.onnx" : domain;
}

std::optional<std::int64_t> newest(const RuntimeLimits& runtime, std::string_view domain) {
    if (domain == "ai.onnx") return runtime.max_opset;
    if (domain == "ai.onnx.ml") return runtime.max_ml_opset;
    return std::nullopt;
}

// Standard operators whose version the file leaves open: each runtime takes its own newest one.
void check_used(Context& context, const std::set<std::string_view>& imported) {
    std::set<std::string_view> missing;
    auto visit = [&](const Scope& scope) {
        if (scope.graph() == nullptr) return;  // a function has imports of its own
        for (const Node& node : scope.nodes()) {
            const std::string_view domain = canonical(node.domain);
            if (!newest(context.checks.runtime, domain) || imported.contains(domain)) continue;
            if (!missing.insert(domain).second) continue;
            context.findings.add(
                Verdict::refused, "opset",
                "no opset import of " + std::string(domain) + ", but " + label(node) + " is of it",
                "export the model again with an opset version");
        }
    };
    each_scope(Scope(context.model.graph, nullptr), visit);
}

}  // namespace

void rule_header(Context& context) {
    const RuntimeLimits& runtime = context.checks.runtime;
    Findings& findings = context.findings;
    const Verdict above = runtime.measured ? Verdict::refused : Verdict::unsupported;
    if (context.model.ir_version > runtime.max_ir) {
        findings.add(above, "ir-version",
                     "IR version " + std::to_string(context.model.ir_version) +
                         ", the runtime reads up to " + std::to_string(runtime.max_ir),
                     "update onnxruntime, or save the model with an older IR version "
                     "(onnx: model.ir_version = " +
                         std::to_string(std::min(runtime.max_ir, kWidelyRead)) + ")");
    }
    if (context.model.opsets.empty()) {
        findings.add(Verdict::refused, "opset", "no opset import",
                     "export the model again with an opset version");
        return;
    }
    std::set<std::string_view> imported;
    std::map<std::string_view, std::int64_t> versions;
    for (const OpsetImport& opset : context.model.opsets) {
        const std::string_view domain = canonical(opset.domain);
        imported.insert(domain);
        const auto [first, fresh] = versions.emplace(domain, opset.version);
        if (!fresh && first->second != opset.version) {
            findings.add(Verdict::refused, "opset",
                         "opset imports of " + in_quotes(domain) + " with versions " +
                             std::to_string(first->second) + " and " +
                             std::to_string(opset.version),
                         "export the model again; a set of operators has one version");
        }
        const auto most = newest(runtime, domain);
        if (!most || (opset.version >= 1 && opset.version <= *most)) continue;
        findings.add(opset.version < 1 ? Verdict::refused : above, "opset",
                     "opset " + std::to_string(opset.version) + " of " + std::string(domain) +
                         ", the runtime knows 1 to " + std::to_string(*most),
                     "update onnxruntime, or export with an older opset "
                     "(onnx.version_converter.convert_version)");
    }
    check_used(context, imported);
}

}  // namespace ei::graph
