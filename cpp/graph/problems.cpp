#include "graph/problems.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "graph/external.hpp"
#include "graph/rules.hpp"
#include "graph/text.hpp"
#include "graph/values.hpp"

namespace ei::graph {
namespace {

constexpr std::size_t kPerKind = 8;  // a damaged file can have thousands of the same kind

}  // namespace

const char* name_of(Verdict verdict) noexcept {
    switch (verdict) {
        case Verdict::refused:
            return "refused";
        case Verdict::unsupported:
            return "unsupported";
        case Verdict::warning:
            break;
    }
    return "warning";
}

void Findings::add(Verdict verdict, std::string_view code, std::string text, std::string remedy) {
    Kind& kind = kinds_[std::string(code)];
    kind.verdict = std::min(kind.verdict, verdict);
    if (++kind.count > kPerKind) return;
    found_.push_back({verdict, std::string(code), std::move(text), std::move(remedy)});
}

std::vector<Problem> Findings::take() {
    for (const auto& [code, kind] : kinds_) {
        if (kind.count <= kPerKind) continue;
        found_.push_back({kind.verdict, code,
                          std::to_string(kind.count - kPerKind) + " more of the kind",
                          "see the first ones"});
    }
    return std::move(found_);
}

std::optional<Bytes> TensorBytes::of(const Tensor& tensor) {
    if (!tensor.external) {
        if (tensor.has_raw) return tensor.raw;
        return std::nullopt;
    }
    if (!checks_.folder) return std::nullopt;
    try {
        check_external(*checks_.folder, tensor);
        const ExternalData place = external_data(tensor);
        const auto path = resolve(*checks_.folder, place.location);
        const Bytes all = files_.try_emplace(path, path).first->second.bytes();
        const std::size_t wanted = data_bytes(tensor);
        const auto offset = static_cast<std::size_t>(place.offset);
        if (offset > all.size() || wanted > all.size() - offset) return std::nullopt;
        return all.subspan(offset, wanted);
    } catch (const Error&) {
        return std::nullopt;  // rule_data reports the same tensor with the reason
    }
}

std::string label(const Node& node) {
    const std::string op = printable(node.op_type.substr(0, 80));
    return node.name.empty() ? op : op + " " + in_quotes(node.name);
}

std::vector<Problem> problems(const Model& model, const Checks& checks) {
    Context context{model, checks, TensorBytes(checks), {}, {}};
    rule_header(context);
    rule_interface(context);
    rule_names(context);
    rule_functions(context);
    rule_data(context);
    rule_scales(context);
    rule_sizes(context);
    rule_weights(context);
    return context.findings.take();
}

}  // namespace ei::graph
