#include "flow/uint8_check.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>

#include "flow/probe.hpp"
#include "graph/links.hpp"
#include "graph/loops.hpp"

namespace ei::flow {
namespace {

using Says = Uint8Verdict::Says;
using Outputs = std::vector<ProbeOutput>;

// What is between an output and its DequantizeLinear at most.
constexpr int kFarthest = 16;

std::optional<double> step_behind(const graph::Model& model, const graph::Links& links,
                                  std::string_view output) {
    static constexpr std::string_view kNoLarger[] = {
        "Softmax",  "Sigmoid", "Relu",   "Clip",      "Reshape", "Flatten",
        "Identity", "Squeeze", "Resize", "Transpose", "Slice",   "Unsqueeze",
    };
    for (int i = 0; i < kFarthest; ++i) {
        const auto maker = links.maker(output);
        if (!maker) return std::nullopt;
        const graph::Node& node = model.graph.nodes[*maker];
        if (node.op_type == "DequantizeLinear") {
            const auto scale = links.constant_floats(node.input(1));
            if (!scale || scale->size() != 1) return std::nullopt;
            return std::abs(scale->front());
        }
        const bool passes = std::any_of(std::begin(kNoLarger), std::end(kNoLarger),
                                        [&](std::string_view op) { return node.is(op); });
        if (!passes) return std::nullopt;
        output = node.input(0);
    }
    return std::nullopt;
}

// Root mean square of the differences, in steps; none where the two cannot be compared.
std::optional<double> distance(const std::vector<double>& wanted, const std::vector<double>& found,
                               double step) {
    if (wanted.size() != found.size()) return std::nullopt;
    double sum = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (!std::isfinite(wanted[i]) && !std::isfinite(found[i])) continue;
        const double difference = wanted[i] - found[i];
        sum += difference * difference;
    }
    if (sum == 0) return 0;
    return std::sqrt(sum / static_cast<double>(wanted.size())) / step;
}

double step_of(const graph::Model& file, const graph::Links& links, const ProbeOutput& output) {
    if (output.type != ElementType::float32) return 1;
    const auto step = step_behind(file, links, output.name);
    if (step && *step > 0) return *step;
    const std::vector<double> numbers = output.numbers();
    double low = 0, high = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        low = i == 0 ? numbers[i] : std::min(low, numbers[i]);
        high = i == 0 ? numbers[i] : std::max(high, numbers[i]);
    }
    return (high - low) / 255;
}

bool same_bits(const Outputs& a, const Outputs& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const ProbeOutput& x, const ProbeOutput& y) {
                          return x.type == y.type && x.values == y.values;
                      });
}

std::string rounded(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f", value);
    return text;
}

// The largest distance of any output that holds values (class indices have none), and the bound it
// keeps: `most` and `times` the distance of `other`.
struct Compared {
    double farthest = 0, others = 0;
    std::string beyond;  // the output that does not keep it
};

Compared compare(const graph::Model& file, const Outputs& wanted, const Outputs& found,
                 const Outputs& other) {
    const graph::Links links(file);
    Compared out;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const std::vector<double> numbers = wanted[i].numbers();
        if (numbers.empty()) continue;
        const double step = step_of(file, links, wanted[i]);
        const auto own = distance(numbers, found[i].numbers(), step);
        const auto others = distance(numbers, other[i].numbers(), step);
        if (!own || !others || !(*own <= 1 + 2 * *others)) {
            out.beyond = wanted[i].name;
            return out;
        }
        out.farthest = std::max(out.farthest, *own);
        out.others = std::max(out.others, *others);
    }
    return out;
}

Uint8Verdict judge(const graph::Model& file, const graph::Model& moved, bool exact,
                   const std::string& folder, const ort::Options& options, int size) {
    ort::Options literal, optimised;
    literal.config = optimised.config = options.config;
    literal.free_dimensions = optimised.free_dimensions = options.free_dimensions;
    literal.graph = ort::GraphLevel::off;
    const Outputs wanted = probe(file, file.message, folder, literal, size);
    const Outputs same = probe(file, moved.message, folder, literal, size);
    if (!same_bits(wanted, same)) {
        const Compared step = compare(file, wanted, same, wanted);
        if (exact || !step.beyond.empty()) {
            return {Says::differs, "on a probe, the moved file gave other values at output '" +
                                       (step.beyond.empty() ? wanted[0].name : step.beyond) + "'"};
        }
    }
    const Outputs as_is = probe(file, file.message, folder, optimised, size);
    const Outputs fast = probe(file, moved.message, folder, optimised, size);
    const Compared compared = compare(file, wanted, fast, as_is);
    if (!compared.beyond.empty()) {
        return {Says::differs,
                "on a probe, the optimised moved file was off at output '" + compared.beyond + "'"};
    }
    return {Says::same,
            "checked on a probe: root mean square of the differences from the file "
            "executed as it stands " +
                rounded(compared.farthest) + " quantisation steps, unmoved " +
                rounded(compared.others)};
}

}  // namespace

Uint8Verdict check_uint8(const graph::Model& file, const graph::Model& moved, bool exact,
                         const std::string& folder, const ort::Options& options) {
    // Each of four runs would take its whole time limit, and each load again.
    if (!graph::find_loops(file).bounded) {
        return {Says::unknown, "could not be checked on a probe: it may loop without bound"};
    }
    std::string why;
    for (const int size : {64, 224}) {  // of symbolic axes; the usual networks take one of them
        try {
            return judge(file, moved, exact, folder, options, size);
        } catch (const Error& error) {
            why = error.what();
        }
        const auto& inputs = file.graph.inputs;
        const bool fixed = std::all_of(inputs.begin(), inputs.end(), [](const auto& input) {
            return input.dims &&
                   std::all_of(input.dims->begin(), input.dims->end(),
                               [](const graph::Dim& dim) { return dim.value.has_value(); });
        });
        if (fixed) break;
    }
    return {Says::unknown, "could not be checked on a probe: " + why};
}

}  // namespace ei::flow
