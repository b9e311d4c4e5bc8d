#include "flow/network.hpp"

#include <algorithm>
#include <chrono>

#include "graph/text.hpp"

namespace ei::flow {
namespace {

std::string declared(const ort::TensorSpec& spec) {
    std::string text = "'" + spec.name + "' " + name_of(spec.type) + " (";
    for (std::size_t i = 0; i < spec.shape.size(); ++i) {
        if (i > 0) text += ", ";
        const auto* size = std::get_if<std::int64_t>(&spec.shape[i]);
        text += size != nullptr ? std::to_string(*size) : std::get<std::string>(spec.shape[i]);
    }
    return text + ")";
}

bool is_integer(ElementType type) {
    switch (type) {
        case ElementType::int8:
        case ElementType::uint8:
        case ElementType::int16:
        case ElementType::uint16:
        case ElementType::int32:
        case ElementType::uint32:
        case ElementType::int64:
        case ElementType::uint64:
            return true;
        default:
            return false;
    }
}

// Can segment() read a mask out of this output, by its declaration?
bool is_score_map(const ort::TensorSpec& spec) {
    const bool scores = spec.shape.size() == 4 &&
                        (spec.type == ElementType::float32 || spec.type == ElementType::uint8 ||
                         spec.type == ElementType::int8);
    const auto one = [&](std::size_t axis) {
        const auto* size = std::get_if<std::int64_t>(&spec.shape[axis]);
        return size != nullptr && *size == 1;
    };
    const bool ids =
        is_integer(spec.type) && (spec.shape.size() == 3 || (spec.shape.size() == 4 && one(1)));
    return scores || ids;
}

std::size_t index_of(const std::vector<ort::TensorSpec>& specs, const std::string& name) {
    for (std::size_t i = 0; i < specs.size(); ++i) {
        if (specs[i].name == name) return i;
    }
    return specs.size();
}

// Callers name tensors by text, so a name that is none could never be asked for.
void expect_text(const std::vector<ort::TensorSpec>& specs) {
    const auto check = [](const std::string& name) {
        if (graph::is_utf8(name)) return;
        throw Error(ErrorKind::model,
                    "the model's inputs and outputs: found the name " + graph::in_quotes(name) +
                        ", which is no UTF-8; rename it, or export the model again");
    };
    for (const ort::TensorSpec& spec : specs) {
        check(spec.name);
        for (const ort::Axis& axis : spec.shape) {
            if (const auto* symbol = std::get_if<std::string>(&axis)) check(*symbol);
        }
    }
}

// Values of ours beside some that stay the caller's.
struct LentValues {
    std::vector<ort::Value> all;
    std::vector<std::size_t> lent;

    LentValues() = default;
    LentValues(const LentValues&) = delete;
    LentValues& operator=(const LentValues&) = delete;
    ~LentValues() {
        for (const std::size_t i : lent) all[i].release();
    }
};

}  // namespace

Network::Network(Loaded loaded)
    : core_(std::move(loaded.core)),
      rest_(std::move(loaded.rest)),
      tail_(std::move(loaded.tail)),
      checked_(std::move(loaded.checked)),
      quantized_(std::move(loaded.quantized)),
      head_why_(std::move(loaded.head_why)),
      uint8_(std::move(loaded.uint8)),
      stem_(std::move(loaded.stem)),
      cache_(std::move(loaded.cache)),
      inputs_(std::move(loaded.given_inputs)),
      file_inputs_(std::move(loaded.inputs)) {
    for (const std::string& name : loaded.outputs) {
        if (rest_ != nullptr) {
            const std::size_t at = index_of(rest_->outputs(), name);
            if (at < rest_->outputs().size()) {
                outputs_.push_back(rest_->outputs()[at]);
                file_outputs_.push_back(loaded.rest_outputs[at]);
                sources_.push_back({false, at});
                continue;
            }
        }
        const std::size_t at = index_of(core_->outputs(), name);
        if (at == core_->outputs().size()) {
            throw Error(ErrorKind::model, "output '" + name +
                                              "': declared by the file, but not "
                                              "made by the loaded model");
        }
        outputs_.push_back(core_->outputs()[at]);
        file_outputs_.push_back(loaded.core_outputs[at]);
        sources_.push_back({true, at});
    }
    expect_text(inputs());
    expect_text(outputs_);
}

std::shared_ptr<const Network> Network::from_file(const std::string& path,
                                                  const LoadOptions& options) {
    return std::shared_ptr<const Network>(new Network(load_file(path, options)));
}

std::shared_ptr<const Network> Network::from_bytes(std::span<const std::byte> model,
                                                   const std::string& folder,
                                                   const LoadOptions& options) {
    return std::shared_ptr<const Network>(new Network(load_bytes(model, folder, options)));
}

void Network::run(std::span<const ort::Value> inputs, std::span<const std::size_t> wanted,
                  std::span<ort::Value> results, const ort::Limits& limits) const {
    counted(tally_, [&](const Span& span) {
        run_parts(inputs, wanted, results, limits, span.start);
        return true;
    });
}

const QuantizedInput* Network::quantized(std::size_t index) const noexcept {
    for (const QuantizedInput& one : quantized_) {
        if (one.input == index) return &one;
    }
    return nullptr;
}

void Network::run_core(std::span<const ort::Value> inputs, std::span<const char* const> names,
                       std::span<ort::Value> results, const ort::Limits& limits,
                       Clock::time_point start) const {
    LentValues values;
    std::vector<ort::Value>& quantised = values.all;  // empty: nothing came as floats
    for (const QuantizedInput& one : quantized_) {
        if (one.quantize == nullptr || one.input >= inputs.size()) continue;
        const ort::Value& given = inputs[one.input];
        if (!given || given.type() == one.spec.type) continue;
        if (quantised.empty()) quantised.resize(inputs.size());
        const char* const name = one.core_name.c_str();
        one.quantize->run({&given, 1}, {&name, 1}, {&quantised[one.input], 1},
                          limits.left_since(start));
    }
    if (quantised.empty()) {
        core_->run(inputs, names, results, limits.left_since(start));
        return;
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (quantised[i] || !inputs[i]) continue;
        values.lent.push_back(i);  // first: what follows must not fail in between
        quantised[i] = ort::Value(inputs[i].get());
    }
    core_->run(quantised, names, results, limits.left_since(start));
}

void Network::run_parts(std::span<const ort::Value> inputs, std::span<const std::size_t> wanted,
                        std::span<ort::Value> results, const ort::Limits& limits,
                        Clock::time_point start) const {
    if (rest_ == nullptr) {
        std::vector<const char*> all;
        for (const std::size_t k : wanted) all.push_back(outputs_[k].name.c_str());
        run_core(inputs, all, results, limits, start);
        return;
    }
    std::vector<const char*> names[2];  // of the rest's outputs, of the core's
    std::vector<ort::Value> values[2];
    std::vector<std::size_t> slots[2];
    for (std::size_t k = 0; k < wanted.size(); ++k) {
        const int part = sources_[wanted[k]].from_core ? 1 : 0;
        names[part].push_back(outputs_[wanted[k]].name.c_str());
        values[part].push_back(std::move(results[k]));
        slots[part].push_back(k);
    }
    const bool needs_rest = !names[0].empty();
    std::size_t logits = names[1].size();
    if (needs_rest) {
        // The file may name the logits among its outputs: the runtime fills one value a name.
        logits = static_cast<std::size_t>(
            std::find(names[1].begin(), names[1].end(), tail_.logits) - names[1].begin());
        if (logits == names[1].size()) {
            names[1].push_back(tail_.logits.c_str());
            values[1].emplace_back();
        }
    }
    run_core(inputs, names[1], values[1], limits, start);
    if (needs_rest) {
        rest_->run({&values[1][logits], 1}, names[0], values[0], limits.left_since(start));
    }
    for (int part = 0; part < 2; ++part) {
        for (std::size_t i = 0; i < slots[part].size(); ++i) {
            results[slots[part][i]] = std::move(values[part][i]);
        }
    }
}

std::size_t Network::scores_index() const {
    const auto& outputs = core_->outputs();
    if (tail_.cut) return index_of(outputs, tail_.logits);
    std::size_t found = outputs.size();
    std::string all;
    bool several = false;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        all += (i > 0 ? ", " : "") + declared(outputs[i]);
        if (!is_score_map(outputs[i])) continue;
        several = several || found < outputs.size();
        if (!several) found = i;
    }
    if (several || found == outputs.size()) {
        throw Error(ErrorKind::input,
                    "segment: found " + all + ", wanted " + (several ? "exactly one" : "an") +
                        " output of float32 (1, C, H, W) logits or of integer (1, H, W) class "
                        "ids; use run() and edgeinfer.segment() on the output you mean");
    }
    return found;
}

Segmentation Network::segment(std::span<const ort::Value> inputs, std::optional<SizeHw> size,
                              const ort::Limits& limits) const {
    const std::size_t at = scores_index();
    const std::string& name = core_->outputs()[at].name;
    const char* const wanted = name.c_str();
    return counted(tally_, [&](const Span& span) {
        ort::Value scores;
        run_core(inputs, {&wanted, 1}, {&scores, 1}, limits, span.start);
        scores.expect_tensor(name);
        return segmenter_.run(scores, name, tail_.corners, size ? size : default_size());
    });
}

std::vector<std::string> Network::end_profiling() const {
    std::vector<std::string> paths{core_->end_profiling()};
    if (rest_ != nullptr) paths.push_back(rest_->end_profiling());
    return paths;
}

std::optional<SizeHw> Network::default_size() const {
    if (!tail_.out_height || !tail_.out_width) return std::nullopt;
    return SizeHw{*tail_.out_height, *tail_.out_width};
}

}  // namespace ei::flow
