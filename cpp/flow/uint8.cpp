#include "flow/uint8.hpp"

#include <algorithm>
#include <utility>

#include "cpu/features.hpp"
#include "flow/uint8_check.hpp"
#include "graph/reader.hpp"
#include "graph/uint8.hpp"

namespace ei::flow {
namespace {

constexpr char kSame = '+', kDiffers = '-';

#if defined(EDGEINFER_X86_64)
constexpr bool kMultipliesUint8 = true;
#else
constexpr bool kMultipliesUint8 = false;
#endif

bool keeps_int8(const ort::Options& options) {
    return std::any_of(options.config.begin(), options.config.end(), [](const auto& entry) {
        return entry.first == "session.qdqisint8allowed" && entry.second == "1";
    });
}

// The check runs the moved file under these: a verdict holds for no others.
std::string note_of(const ort::Options& options) {
    std::string name = "uint8";
    const auto add = [&](const std::string& text) {
        name += ' ' + std::to_string(text.size()) + ':' + text;
    };
    for (const auto& [key, value] : options.config) {
        add(key);
        add(value);
    }
    name += ';';
    for (const auto& [dimension, size] : options.free_dimensions) {
        add(dimension);
        add(std::to_string(size));
    }
    return name;
}

// Why nothing is moved although it could be; empty: it is.
std::string against(std::optional<bool> wanted, const ort::Options& options) {
    if (wanted) return *wanted ? "" : "to_uint8 is off";
    if (!kMultipliesUint8) return "this CPU computes with int8 as it stands";
    if (!options.providers.empty()) return "not moved for other providers than the CPU";
    if (keeps_int8(options)) return "session.qdqisint8allowed asks the runtime to keep int8";
    // Without VNNI the products of uint8 and int8 are summed in 16 bits, which saturates unless the
    // weights were made for it (7 bits).
    if ((cpu::enabled() & cpu::kVnni) == 0)
        return "the CPU has no VNNI, without which sums saturate";
    return "";
}

}  // namespace

std::string uint8_kept_here() {
    return against(std::nullopt, {});
}

void Uint8::stay(const std::string& reason) {
    why = "not moved: " + reason;
    left[reason] += std::exchange(moved, 0);
}

Uint8Choice choose_uint8(const graph::Model& model, std::optional<bool> wanted,
                         const ort::Options& options) {
    const graph::Uint8Move move = graph::find_uint8_move(model);
    Uint8Choice choice;
    choice.told.left = move.left;
    if (move.moved.empty()) {
        choice.told.why = move.left.empty() ? "no int8 activations" : "no int8 activation can move";
        return choice;
    }
    const std::string why = against(wanted, options);
    if (!why.empty()) {
        choice.told.why = why;
        choice.told.left[why] += move.moved.size();
        return choice;
    }
    choice.exact = move.exact;
    choice.model = graph::move_to_uint8(model, move);
    choice.told.moved = move.moved.size();
    choice.told.why = wanted ? "to_uint8 is on" : "x86 with VNNI multiplies uint8 by int8";
    return choice;
}

void confirm_uint8(Uint8Choice& choice, const graph::Model& file, std::optional<bool> wanted,
                   const std::string& folder, const ort::Options& options, const Notes* notes) {
    using Says = Uint8Verdict::Says;
    Uint8Verdict verdict;
    const std::string note = note_of(options);
    const auto known = notes != nullptr ? notes->recall(note) : std::nullopt;
    if (known && !known->empty()) {
        verdict = {known->front() == kSame ? Says::same : Says::differs, known->substr(1)};
    } else {
        verdict = check_uint8(file, graph::read(choice.model), choice.exact, folder, options);
        if (notes != nullptr && verdict.says != Says::unknown) {
            // Not kept: checked again by the next process.
            (void)notes->remember(note,
                                  (verdict.says == Says::same ? kSame : kDiffers) + verdict.why);
        }
    }
    if (verdict.says == Says::same || (verdict.says == Says::unknown && wanted.value_or(false))) {
        choice.told.why += "; " + verdict.why;
    } else {
        choice.model.clear();
        choice.told.stay(verdict.why);
    }
}

}  // namespace ei::flow
