#include "flow/stem.hpp"

#include <algorithm>

#include "cpu/features.hpp"
#include "graph/stem.hpp"

namespace ei::flow {
namespace {

#if defined(EDGEINFER_X86_64)
constexpr bool kMeasured = true;
#else
constexpr bool kMeasured = false;
#endif

// Why nothing is widened although it could be; empty: it is.
std::string against(const ort::Options& options) {
    if (!kMeasured) return "whether it pays on this CPU was not measured";
    if (!options.providers.empty()) return "not widened for other providers than the CPU";
    if ((cpu::enabled() & cpu::kVnni) == 0) {
        return "whether it pays on a CPU without VNNI was not measured";
    }
    if (options.graph < ort::GraphLevel::extended) {
        return "the graph level leaves convolutions in float";
    }
    const bool literal =
        std::any_of(options.config.begin(), options.config.end(), [](const auto& entry) {
            return entry.first == "session.disable_quant_qdq" && entry.second == "1";
        });
    return literal ? "session.disable_quant_qdq leaves convolutions in float" : "";
}

}  // namespace

StemChoice choose_stem(const graph::Model& model, const ort::Options& options) {
    StemChoice choice;
    const std::vector<graph::Stem> stems = graph::find_stems(model);
    if (stems.empty()) {
        choice.told.why = "no quantised first convolution of less than four channels";
        return choice;
    }
    choice.told.why = against(options);
    if (!choice.told.why.empty()) return choice;
    choice.model = graph::widen_stems(model, stems);
    choice.told = {stems.size(), "x86 with VNNI takes channels four at a time"};
    return choice;
}

}  // namespace ei::flow
