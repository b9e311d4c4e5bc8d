#include "graph/shape_rules.hpp"

#include <algorithm>
#include <map>

#include "graph/values.hpp"

namespace ei::graph {
namespace {

constexpr std::int64_t kMaxSize = std::int64_t{1} << 40;

using Dims = std::optional<Sizes>;

Dims broadcast(const Dims& a, const Dims& b) {
    if (!a || !b) return std::nullopt;
    Sizes out(std::max(a->size(), b->size()));
    for (std::size_t back = 1; back <= out.size(); ++back) {
        const Size one = back <= a->size() ? (*a)[a->size() - back] : Size(1);
        const Size two = back <= b->size() ? (*b)[b->size() - back] : Size(1);
        Size& size = out[out.size() - back];
        if (one == Size(1)) {
            size = two;
        } else if (two == Size(1) || one == two) {
            size = one;
        } else if (one && two) {
            size = std::nullopt;  // they do not fit; the runtime will say so
        } else {
            size = one ? one : two;  // the unknown one is 1 or the same
        }
    }
    return out;
}

Dims broadcast_all(const RuleInput& in) {
    Dims out = in.input(0).dims;
    for (std::size_t i = 1; i < in.inputs.size(); ++i) out = broadcast(out, in.inputs[i]->dims);
    return out;
}

Dims same(const RuleInput& in) {
    return in.input(0).dims;
}

Dims concatenated(const RuleInput& in) {
    Dims out = in.input(0).dims;
    if (!out) return out;
    const auto axis = from_front(int_of(in.node, "axis", 1), out->size());
    if (!axis) return std::nullopt;
    for (std::size_t i = 1; i < in.inputs.size(); ++i) {
        const Dims& next = in.inputs[i]->dims;
        if (!next || next->size() != out->size()) return std::nullopt;
        for (std::size_t k = 0; k < out->size(); ++k) {
            Size& size = (*out)[k];
            const Size other = (*next)[k];
            if (k == *axis) {
                size = size && other ? sane(*size + *other) : std::nullopt;
            } else if (!size) {
                size = other;
            }
        }
    }
    return out;
}

Dims transposed(const RuleInput& in) {
    const Dims& x = in.input(0).dims;
    if (!x) return x;
    const std::vector<std::int64_t> order = ints_of(in.node, "perm");
    Sizes out(x->rbegin(), x->rend());
    if (order.empty()) return out;
    if (order.size() != x->size()) return std::nullopt;
    for (std::size_t i = 0; i < order.size(); ++i) {
        const auto axis = from_front(order[i], x->size());
        if (!axis) return std::nullopt;
        out[i] = (*x)[*axis];
    }
    return out;
}

Dims split(const RuleInput& in) {
    Dims out = in.input(0).dims;
    if (!out) return out;
    const auto axis = from_front(int_of(in.node, "axis", 0), out->size());
    if (!axis) return std::nullopt;
    Size& size = (*out)[*axis];
    std::optional<std::vector<std::int64_t>> parts;
    if (in.opset >= 13 && !in.node.input(1).empty()) {
        parts = in.links.constant_ints(in.node.input(1));
        if (!parts) return std::nullopt;
    } else if (in.node.attribute("split") != nullptr) {
        parts = ints_of(in.node, "split");
    }
    if (parts) {
        size = in.output < parts->size() ? sane((*parts)[in.output]) : std::nullopt;
    } else {
        const auto count = static_cast<std::int64_t>(in.node.outputs.size());
        size = size && count > 0 && *size % count == 0 ? Size(*size / count) : std::nullopt;
    }
    return out;
}

// Reshape with a constant target: 0 keeps an axis, one -1 takes what is left.
Dims reshaped(const RuleInput& in) {
    const auto target = in.links.constant_ints(in.node.input(1));
    if (!target) return std::nullopt;
    const Dims& x = in.input(0).dims;
    const bool zero_is_zero = int_of(in.node, "allowzero", 0) != 0;
    Sizes out;
    Size product = 1, total = 1;
    std::optional<std::size_t> open;
    const auto times = [](Size a, Size b) -> Size {
        if (!a || !b || *a > kMaxSize || *b > (kMaxSize / std::max<std::int64_t>(*a, 1))) {
            return std::nullopt;
        }
        return *a * *b;
    };
    for (std::size_t i = 0; i < target->size(); ++i) {
        Size size = (*target)[i] >= 0 ? sane((*target)[i]) : std::nullopt;
        if ((*target)[i] == -1) {
            if (open) return std::nullopt;
            open = i;
        } else if ((*target)[i] < 0) {
            return std::nullopt;
        } else if ((*target)[i] == 0 && !zero_is_zero) {
            size = x && i < x->size() ? (*x)[i] : std::nullopt;
        }
        if ((*target)[i] != -1) product = times(product, size);
        out.push_back(size);
    }
    if (!open || !x) return out;
    for (const Size size : *x) total = times(total, size);
    if (total && product && *product > 0 && *total % *product == 0) {
        out[*open] = *total / *product;
    }
    return out;
}

Dims flattened(const RuleInput& in) {
    const Dims& x = in.input(0).dims;
    if (!x) return x;
    std::int64_t axis = int_of(in.node, "axis", 1);
    const auto rank = static_cast<std::int64_t>(x->size());
    if (axis < 0) axis += rank;
    if (axis < 0 || axis > rank) return std::nullopt;
    Sizes out(2, Size(1));
    for (std::int64_t i = 0; i < rank; ++i) {
        Size& side = out[i < axis ? 0 : 1];
        const Size size = (*x)[static_cast<std::size_t>(i)];
        side = side && size && *size < (std::int64_t{1} << 22) ? sane(*side * *size) : std::nullopt;
    }
    return out;
}

std::optional<std::vector<std::int64_t>> axes_of(const RuleInput& in, std::int64_t input_since) {
    if (in.opset >= input_since) {
        if (in.node.input(1).empty()) return std::vector<std::int64_t>{};
        return in.links.constant_ints(in.node.input(1));
    }
    return ints_of(in.node, "axes");
}

Dims reduced(const RuleInput& in) {
    const Dims& x = in.input(0).dims;
    if (!x) return x;
    const std::int64_t since = in.node.op_type == "ReduceSum" ? 13 : 18;
    auto axes = axes_of(in, since);
    if (!axes) return std::nullopt;
    if (axes->empty() && int_of(in.node, "noop_with_empty_axes", 0) != 0) return x;
    std::vector<bool> gone(x->size(), axes->empty());
    for (const std::int64_t given : *axes) {
        const auto axis = from_front(given, x->size());
        if (!axis) return std::nullopt;
        gone[*axis] = true;
    }
    const bool keep = int_of(in.node, "keepdims", 1) != 0;
    Sizes out;
    for (std::size_t i = 0; i < x->size(); ++i) {
        if (!gone[i]) {
            out.push_back((*x)[i]);
        } else if (keep) {
            out.push_back(1);
        }
    }
    return out;
}

Dims arg_reduced(const RuleInput& in) {
    Dims out = in.input(0).dims;
    if (!out) return out;
    const auto axis = from_front(int_of(in.node, "axis", 0), out->size());
    if (!axis) return std::nullopt;
    if (int_of(in.node, "keepdims", 1) != 0) {
        (*out)[*axis] = 1;
    } else {
        out->erase(out->begin() + static_cast<std::ptrdiff_t>(*axis));
    }
    return out;
}

Dims unsqueezed(const RuleInput& in) {
    const Dims& x = in.input(0).dims;
    const auto axes = axes_of(in, 13);
    if (!x || !axes || axes->size() > 64) return std::nullopt;
    const std::size_t rank = x->size() + axes->size();
    std::vector<bool> fresh(rank, false);
    for (const std::int64_t given : *axes) {
        const auto axis = from_front(given, rank);
        if (!axis || fresh[*axis]) return std::nullopt;
        fresh[*axis] = true;
    }
    Sizes out;
    std::size_t next = 0;
    for (std::size_t i = 0; i < rank; ++i) out.push_back(fresh[i] ? Size(1) : (*x)[next++]);
    return out;
}

Dims squeezed(const RuleInput& in) {
    const Dims& x = in.input(0).dims;
    const auto axes = axes_of(in, 13);
    if (!x || !axes || axes->empty()) return std::nullopt;
    std::vector<bool> gone(x->size(), false);
    for (const std::int64_t given : *axes) {
        const auto axis = from_front(given, x->size());
        if (!axis) return std::nullopt;
        gone[*axis] = true;
    }
    Sizes out;
    for (std::size_t i = 0; i < x->size(); ++i) {
        if (!gone[i]) out.push_back((*x)[i]);
    }
    return out;
}

Dims space_moved(const RuleInput& in, bool to_space) {
    Dims out = in.input(0).dims;
    const std::int64_t block = int_of(in.node, "blocksize", 0);
    if (!out || out->size() != 4 || block < 1 || block > 4096) return std::nullopt;
    for (std::size_t axis = 1; axis < 4; ++axis) {
        Size& size = (*out)[axis];
        if (!size) continue;
        const std::int64_t factor = axis == 1 ? block * block : block;
        const bool grows = (axis == 1) != to_space;
        if (grows) {
            size = *size < (std::int64_t{1} << 16) ? sane(*size * factor) : std::nullopt;
        } else {
            size = *size % factor == 0 ? Size(*size / factor) : std::nullopt;
        }
    }
    return out;
}

Dims rescaled(const RuleInput& in) {
    const auto result = resized(in.node, in.links, in.opset, in.input(0).dims);
    return result ? Dims(result->out) : std::nullopt;
}

Dims matrix_product(const RuleInput& in, const Dims& a, const Dims& b) {
    if (!a || !b) return std::nullopt;
    if (in.node.op_type == "Gemm") {
        if (a->size() != 2 || b->size() != 2) return std::nullopt;
        return Sizes{(*a)[int_of(in.node, "transA", 0) != 0 ? 1 : 0],
                     (*b)[int_of(in.node, "transB", 0) != 0 ? 0 : 1]};
    }
    if (a->size() < 2 || b->size() < 2) return std::nullopt;
    Dims out = broadcast(Sizes(a->begin(), a->end() - 2), Sizes(b->begin(), b->end() - 2));
    out->push_back((*a)[a->size() - 2]);
    out->push_back(b->back());
    return out;
}

using Rule = Dims (*)(const RuleInput&);

const std::map<std::string_view, Rule>& rules() {
    static const std::map<std::string_view, Rule> kRules = [] {
        std::map<std::string_view, Rule> table;
        for (const char* const name : {"Abs",
                                       "BatchNormalization",
                                       "Cast",
                                       "Ceil",
                                       "Celu",
                                       "Clip",
                                       "DequantizeLinear",
                                       "Dropout",
                                       "Elu",
                                       "Erf",
                                       "Exp",
                                       "Floor",
                                       "Gelu",
                                       "GroupNormalization",
                                       "HardSigmoid",
                                       "HardSwish",
                                       "Hardmax",
                                       "Identity",
                                       "InstanceNormalization",
                                       "LRN",
                                       "LayerNormalization",
                                       "LeakyRelu",
                                       "Log",
                                       "LogSoftmax",
                                       "LpNormalization",
                                       "Mish",
                                       "Neg",
                                       "PRelu",
                                       "QuantizeLinear",
                                       "Reciprocal",
                                       "Relu",
                                       "Round",
                                       "Selu",
                                       "Sigmoid",
                                       "Sign",
                                       "Softmax",
                                       "Softplus",
                                       "Softsign",
                                       "Sqrt",
                                       "Swish",
                                       "Tanh",
                                       "ThresholdedRelu"}) {
            table.emplace(name, &same);
        }
        for (const char* const name :
             {"Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Sum", "Mean", "Mod", "Where"}) {
            table.emplace(name, &broadcast_all);
        }
        for (const char* const name : {"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin",
                                       "ReduceL1", "ReduceL2", "ReduceProd"}) {
            table.emplace(name, &reduced);
        }
        for (const char* const name : {"MaxPool", "AveragePool", "LpPool"}) {
            table.emplace(name, &pooled);
        }
        for (const char* const name : {"GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"}) {
            table.emplace(name, &globally_pooled);
        }
        for (const char* const name : {"Conv", "ConvInteger"}) {
            table.emplace(name, [](const RuleInput& in) { return convolved(in, in.input(1)); });
        }
        table.emplace("QLinearConv",
                      [](const RuleInput& in) { return convolved(in, in.input(3)); });
        for (const char* const name : {"Gemm", "MatMul", "MatMulInteger"}) {
            table.emplace(name, [](const RuleInput& in) {
                return matrix_product(in, in.input(0).dims, in.input(1).dims);
            });
        }
        table.emplace("DepthToSpace", [](const RuleInput& in) { return space_moved(in, true); });
        table.emplace("SpaceToDepth", [](const RuleInput& in) { return space_moved(in, false); });
        table.emplace("ConvTranspose", &deconvolved);
        table.emplace("Pad", &padded);
        table.emplace("Resize", &rescaled);
        table.emplace("Upsample", &rescaled);
        table.emplace("Concat", &concatenated);
        table.emplace("Transpose", &transposed);
        table.emplace("Split", &split);
        table.emplace("Reshape", &reshaped);
        table.emplace("Flatten", &flattened);
        table.emplace("Squeeze", &squeezed);
        table.emplace("Unsqueeze", &unsqueezed);
        table.emplace("ArgMax", &arg_reduced);
        table.emplace("ArgMin", &arg_reduced);
        return table;
    }();
    return kRules;
}

ElementType type_of(const RuleInput& in) {
    const std::string_view op = in.node.op_type;
    if (op == "Cast") return static_cast<ElementType>(int_of(in.node, "to", 0));
    if (op == "QuantizeLinear" || op == "DequantizeLinear") {
        if (const std::int64_t given = int_of(in.node, "output_dtype", 0); given != 0) {
            return static_cast<ElementType>(given);
        }
        if (op == "DequantizeLinear") return in.input(1).type;
        return in.node.input(2).empty() ? ElementType::uint8 : in.input(2).type;
    }
    if (op == "QLinearConv") return in.input(7).type;
    if (op == "ConvInteger" || op == "MatMulInteger") return ElementType::int32;
    if (op == "ArgMax" || op == "ArgMin") return ElementType::int64;
    if (op == "Where") return in.input(1).type;
    return in.input(0).type;
}

}  // namespace

const Shape& RuleInput::input(std::size_t index) const {
    static const Shape kUnknown;
    return index < inputs.size() ? *inputs[index] : kUnknown;
}

std::optional<std::size_t> from_front(std::int64_t axis, std::size_t rank) noexcept {
    const auto signed_rank = static_cast<std::int64_t>(rank);
    if (axis < -signed_rank || axis >= signed_rank) return std::nullopt;
    return static_cast<std::size_t>(axis < 0 ? axis + signed_rank : axis);
}

Size sane(std::int64_t value) noexcept {
    return value < 0 || value >= kMaxSize ? std::nullopt : Size(value);
}

Shape infer(const RuleInput& in) {
    Shape out;
    if (!in.node.is_onnx()) return out;
    const auto found = rules().find(in.node.op_type);
    if (found == rules().end()) return out;
    out.dims = found->second(in);
    out.type = type_of(in);
    return out;
}

}  // namespace ei::graph
