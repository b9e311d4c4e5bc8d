#include "flow/sound.hpp"

#include <cstdlib>

#include "base/error.hpp"
#include "ort/library.hpp"

namespace ei::flow {
namespace {

// The limits of the runtime that is open: an older one than the one they were measured on reads
// no more than that, of a newer one they say nothing.
graph::RuntimeLimits runtime_limits() {
    constexpr long kMeasuredMinor = 31;
    const std::string& version = ort::Library::get().version();  // "1.31.1"
    char* rest = nullptr;
    const long major = std::strtol(version.c_str(), &rest, 10);
    const long minor = *rest == '.' ? std::strtol(rest + 1, nullptr, 10) : 0;
    graph::RuntimeLimits limits;
    limits.measured = major < 1 || (major == 1 && minor <= kMeasuredMinor);
    return limits;
}

}  // namespace

std::string told(const std::vector<graph::Problem>& problems, graph::Verdict verdict,
                 std::string_view before) {
    std::string text;
    for (const graph::Problem& problem : problems) {
        if (problem.verdict != verdict) continue;
        text += text.empty() ? "" : before;
        text += problem.text + "; " + problem.remedy;
    }
    return text;
}

std::vector<graph::Problem> expect_sound(const graph::Model& model, const std::string& folder,
                                         const graph::SizeLimits& sizes) {
    graph::Checks checks{runtime_limits(), sizes, std::nullopt};
    if (!folder.empty()) checks.folder = folder;
    std::vector<graph::Problem> problems = graph::problems(model, checks);
    const std::string refused = told(problems, graph::Verdict::refused, "\n  ");
    if (!refused.empty()) throw Error(ErrorKind::model, "model refused: " + refused);
    return problems;
}

}  // namespace ei::flow
