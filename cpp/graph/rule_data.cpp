#include "base/error.hpp"
#include "graph/external.hpp"
#include "graph/rules.hpp"
#include "graph/text.hpp"
#include "graph/values.hpp"

namespace ei::graph {
namespace {

constexpr std::int32_t kLastElementType = 26;  // of the ONNX release this was written by

void check_external_data(Context& context, const Tensor& tensor, const std::string& what) {
    if (!tensor.external) return;
    if (!context.checks.folder) {
        context.findings.add(Verdict::refused, "external-data",
                             what + " lies in a file of its own, but the model came as bytes",
                             "give the model's path");
        return;
    }
    try {
        check_external(*context.checks.folder, tensor);
    } catch (const Error& error) {
        const std::string text = error.what();  // ends in its own remedy
        const std::size_t cut = text.rfind("; ");
        const bool whole = cut == std::string::npos;
        context.findings.add(Verdict::refused, "external-data", what + ": " + text.substr(0, cut),
                             whole ? "keep the data in the model's folder" : text.substr(cut + 2));
    }
}

void check(Context& context, const Tensor& tensor, const std::string& what) {
    const auto type = static_cast<std::int32_t>(tensor.type);
    if (type < 1 || type > kLastElementType) {
        const Verdict verdict = type < 1 ? Verdict::refused : Verdict::unsupported;
        context.findings.add(
            verdict, "dtype",
            what + " has element type " + std::to_string(type) + ", which ONNX does not have",
            "export the model again");
        return;
    }
    if (const std::string wrong = data_mismatch(tensor); !wrong.empty()) {
        context.findings.add(Verdict::refused, "data", what + ": " + wrong,
                             "fetch or export the file again");
        return;
    }
    check_external_data(context, tensor, what);
}

}  // namespace

// The body of a function is inlined into the graph, and its tensors are read like the graph's own.
void rule_data(Context& context) {
    each_scope(context.model, [&](const Scope& scope) {
        if (scope.graph() != nullptr) {
            for (const Tensor& one : scope.graph()->initializers) {
                check(context, one, "initialiser " + in_quotes(one.name));
            }
            for (const SparseTensor& one : scope.graph()->sparse_initializers) {
                const std::string name = "initialiser " + in_quotes(one.values.name);
                check(context, one.values, name);
                check_external_data(context, one.indices, "indices of " + name);
            }
        }
        for (const Node& node : scope.nodes()) {
            for (const Attribute& attribute : node.attributes) {
                for (const Tensor& one : attribute.tensors) {
                    check(context, one,
                          "attribute " + in_quotes(attribute.name) + " of " + label(node));
                }
            }
        }
    });
}

}  // namespace ei::graph
