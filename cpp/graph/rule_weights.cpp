#include <set>

#include "graph/finite.hpp"
#include "graph/rules.hpp"
#include "graph/text.hpp"

namespace ei::graph {
namespace {

// Infinity is at home in masks and limits (attention, Clip, Pad); as a factor it makes NaN.
bool multiplies(const Node& node) {
    static const std::set<std::string_view> kOperators = {"Conv",
                                                          "ConvTranspose",
                                                          "Gemm",
                                                          "MatMul",
                                                          "BatchNormalization",
                                                          "InstanceNormalization",
                                                          "LayerNormalization",
                                                          "GroupNormalization",
                                                          "FusedConv",
                                                          "FusedGemm",
                                                          "FusedMatMul"};
    return kOperators.contains(node.op_type);
}

void check(Context& context, const Tensor& tensor, bool factor, const std::string& what) {
    if (context.scales.contains(&tensor)) return;
    const auto odd = odd_values(tensor, context.bytes.of(tensor));
    if (!odd) return;
    const std::int64_t infinite = factor ? odd->infinite : 0;
    if (odd->nan == 0 && infinite == 0) return;
    std::string found;
    if (odd->nan > 0) found = std::to_string(odd->nan) + " NaN";
    if (infinite > 0) {
        found += (found.empty() ? "" : " and ") + std::to_string(infinite) + " infinite";
    }
    context.findings.add(Verdict::warning, "weights", what + " holds " + found + " values",
                         "train or export the model again; what it computes with them is NaN");
}

}  // namespace

void rule_weights(Context& context) {
    each_scope(context.model, [&](const Scope& scope) {
        std::set<const Tensor*> factors;
        for (const Node& node : scope.nodes()) {
            if (!multiplies(node)) continue;
            for (const std::string_view name : node.inputs) {
                if (const Tensor* const tensor = Scope::tensor(scope.source(name))) {
                    factors.insert(tensor);
                }
            }
        }
        if (scope.graph() != nullptr) {
            for (const Tensor& one : scope.graph()->initializers) {
                check(context, one, factors.contains(&one), "initialiser " + in_quotes(one.name));
            }
            for (const SparseTensor& one : scope.graph()->sparse_initializers) {
                check(context, one.values, factors.contains(&one.values),
                      "initialiser " + in_quotes(one.values.name));
            }
        }
        for (const Node& node : scope.nodes()) {
            for (const Attribute& attribute : node.attributes) {
                for (const Tensor& one : attribute.tensors) {
                    check(context, one, factors.contains(&one),
                          "attribute " + in_quotes(attribute.name) + " of " + label(node));
                }
            }
        }
    });
}

}  // namespace ei::graph
