#include "graph/folding.hpp"

#include <algorithm>
#include <cmath>

#include "graph/values.hpp"

namespace ei::graph {
namespace {

using Values = std::vector<std::int64_t>;

constexpr int kMostNodes = 32;  // visited for one name: the file decides how many there are
constexpr std::size_t kMostValues = 64;  // no tensor has more dimensions
constexpr std::int64_t kLargest = std::int64_t{1} << 62;

std::optional<std::vector<float>> constant_floats(const Scope::Origin& origin) {
    if (const Tensor* const tensor = Scope::tensor(origin)) return float_values(*tensor);
    if (origin.node == nullptr || !origin.node->is("Constant")) return std::nullopt;
    if (const Attribute* const list = origin.node->attribute("value_floats")) return floats(*list);
    if (const Attribute* const one = origin.node->attribute("value_float")) {
        return std::vector{one->f};
    }
    return std::nullopt;
}

std::optional<std::int64_t> applied(const Node& node, std::int64_t a, std::int64_t b) {
    std::int64_t out = 0;
    if (node.is("Add")) {
        if (__builtin_add_overflow(a, b, &out)) return std::nullopt;
    } else if (node.is("Sub")) {
        if (__builtin_sub_overflow(a, b, &out)) return std::nullopt;
    } else if (node.is("Mul") || node.is("ReduceProd")) {
        if (__builtin_mul_overflow(a, b, &out)) return std::nullopt;
    } else if (node.is("Div")) {
        if (b == 0 || b == -1) return std::nullopt;
        out = a / b;
    } else if (node.is("Min")) {
        out = std::min(a, b);
    } else if (node.is("Max")) {
        out = std::max(a, b);
    } else {
        return std::nullopt;
    }
    if (out > kLargest || out < -kLargest) return std::nullopt;
    return out;
}

class Folder {
  public:
    std::optional<Values> of(const Scope& scope, std::string_view name);

  private:
    std::optional<Values> cast(const Scope& scope, const Node& node);
    std::optional<Values> concat(const Scope& scope, const Node& node);
    std::optional<Values> pairwise(const Scope& scope, const Node& node);
    std::optional<Values> product(const Scope& scope, const Node& node);

    int left_ = kMostNodes;
    Values none_;
};

std::optional<Values> Folder::cast(const Scope& scope, const Node& node) {
    const auto to = static_cast<ElementType>(int_of(node, "to", 0));
    if (to != ElementType::int64 && to != ElementType::int32) return std::nullopt;
    const std::int64_t most = to == ElementType::int64 ? kLargest : (std::int64_t{1} << 31) - 1;
    if (auto integers = of(scope, node.input(0))) {
        const bool fit = std::all_of(integers->begin(), integers->end(),
                                     [&](std::int64_t one) { return one <= most && one >= -most; });
        return fit ? integers : std::nullopt;
    }
    const auto reals = constant_floats(scope.source(node.input(0)));
    if (!reals || reals->size() > kMostValues) return std::nullopt;
    Values out;
    for (const float one : *reals) {
        if (!(std::abs(one) < static_cast<float>(most))) return std::nullopt;  // NaN too
        out.push_back(static_cast<std::int64_t>(one));
    }
    return out;
}

std::optional<Values> Folder::concat(const Scope& scope, const Node& node) {
    Values out;
    for (const std::string_view name : node.inputs) {
        const auto part = of(scope, name);
        if (!part || out.size() + part->size() > kMostValues) return std::nullopt;
        out.insert(out.end(), part->begin(), part->end());
    }
    return out;
}

std::optional<Values> Folder::pairwise(const Scope& scope, const Node& node) {
    auto out = of(scope, node.input(0));
    for (std::size_t i = 1; out && i < node.inputs.size(); ++i) {
        const auto other = of(scope, node.input(i));
        if (!other || other->empty() || out->empty()) return std::nullopt;
        if (out->size() != other->size() && out->size() != 1 && other->size() != 1) {
            return std::nullopt;
        }
        Values next;
        for (std::size_t k = 0; k < std::max(out->size(), other->size()); ++k) {
            const auto one = applied(node, (*out)[out->size() == 1 ? 0 : k],
                                     (*other)[other->size() == 1 ? 0 : k]);
            if (!one) return std::nullopt;
            next.push_back(*one);
        }
        out = std::move(next);
    }
    return out;
}

std::optional<Values> Folder::product(const Scope& scope, const Node& node) {
    const auto factors = of(scope, node.input(0));
    if (!factors) return std::nullopt;
    std::int64_t out = 1;
    for (const std::int64_t factor : *factors) {
        const auto next = applied(node, out, factor);
        if (!next) return std::nullopt;
        out = *next;
    }
    return Values{out};
}

std::optional<Values> Folder::of(const Scope& scope, std::string_view name) {
    if (--left_ < 0) return std::nullopt;
    if (auto constant = scope.ints(name)) return constant;
    const Scope::Origin from = scope.source(name);
    if (from.node == nullptr) return std::nullopt;
    const Node& node = *from.node;
    const Scope& around = *from.scope;
    std::optional<Values> out;
    if (node.is("Cast")) {
        out = cast(around, node);
    } else if (node.is("Concat")) {
        out = concat(around, node);
    } else if (node.is("ReduceProd")) {
        out = product(around, node);
    } else if (node.is("Neg")) {
        out = of(around, node.input(0));
        for (std::int64_t& one : out ? *out : none_) {
            if (one < -kLargest) return std::nullopt;
            one = -one;
        }
    } else {
        for (const char* const op : {"Add", "Sub", "Mul", "Div", "Min", "Max"}) {
            if (node.is(op)) out = pairwise(around, node);
        }
    }
    if (out && out->size() > kMostValues) return std::nullopt;
    return out;
}

}  // namespace

std::optional<Values> folded(const Scope& scope, std::string_view name) {
    return Folder().of(scope, name);
}

std::optional<double> folded_number(const Scope& scope, std::string_view name) {
    if (const auto integers = folded(scope, name)) {
        if (integers->size() != 1) return std::nullopt;
        return static_cast<double>(integers->front());
    }
    const auto reals = constant_floats(scope.source(name));
    if (!reals || reals->size() != 1) return std::nullopt;
    return static_cast<double>(reals->front());
}

}  // namespace ei::graph
