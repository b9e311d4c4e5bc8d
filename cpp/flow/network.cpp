#include "flow/network.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string_view>

#include "base/mapped_file.hpp"
#include "flow/declared.hpp"
#include "graph/facts.hpp"
#include "graph/reader.hpp"
#include "graph/tail.hpp"
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

// Files in ONNX Runtime's own format carry this mark behind a 4-byte offset. They are optimised
// already and cannot be cut.
bool is_ort_format(std::span<const std::byte> model) {
    constexpr std::string_view kMark = "ORTM";
    return model.size() >= 8 &&
           std::string_view(reinterpret_cast<const char*>(model.data()) + 4, 4) == kMark;
}

// Along one axis of a mask.
constexpr std::int64_t kMostPixels = 65535;

Tail describe(const graph::TailSearch& search, bool fuse) {
    Tail tail;
    if (!search.tail) {
        tail.why = search.why;
        return tail;
    }
    if (!fuse) {
        tail.why = "fuse_tail is off; " + search.why;
        return tail;
    }
    if (search.tail->resizes && !(search.tail->out_height && search.tail->out_width)) {
        // Without the file's own size segment() could not give the mask that the file gives.
        tail.why = "not cut, since its size depends on the input's; " + search.why;
        return tail;
    }
    if (search.tail->out_height.value_or(0) > kMostPixels ||
        search.tail->out_width.value_or(0) > kMostPixels) {
        tail.why = "not cut, since it makes more than 65535 rows or columns; " + search.why;
        return tail;
    }
    tail.cut = true;
    tail.why = search.why;
    tail.steps = search.tail->steps;
    tail.logits = search.tail->logits;
    tail.corners = search.tail->corners == graph::Corners::align_corners
                       ? plan::Corners::align_corners
                       : plan::Corners::half_pixel;
    if (search.tail->out_height && search.tail->out_width) {
        tail.out_height = static_cast<int>(*search.tail->out_height);
        tail.out_width = static_cast<int>(*search.tail->out_width);
    }
    return tail;
}

std::size_t index_of(const std::vector<ort::TensorSpec>& specs, const std::string& name) {
    for (std::size_t i = 0; i < specs.size(); ++i) {
        if (specs[i].name == name) return i;
    }
    return specs.size();
}

// What our own reading of the file found amiss. External data outside the model's folder is refused
// here: the runtime would read whatever file the model names. The rest is told if loading fails.
std::vector<graph::Problem> find_problems(const graph::Model& model, const std::string& folder) {
    std::optional<std::filesystem::path> place;
    if (!folder.empty()) place = folder;
    std::vector<graph::Problem> problems = graph::problems(model, {}, place);
    for (const graph::Problem& problem : problems) {
        if (problem.code == "external-data") {
            throw Error(ErrorKind::model, problem.text + "; " + problem.remedy);
        }
    }
    return problems;
}

std::string remedies(const std::vector<graph::Problem>& problems) {
    std::string text;
    for (const graph::Problem& problem : problems) {
        text += "\n  " + problem.text + "; " + problem.remedy;
    }
    return text;
}

// The rest of a cut file runs as a session of its own.
ort::Options rest_options(ort::Options options) {
    // Both start within the second that names the file of timings.
    if (!options.profile.empty()) options.profile += "_rest";
    return options;
}

}  // namespace

struct Network::Parts {
    std::shared_ptr<ort::Session> core, rest;
    Tail tail;
    std::vector<std::string> outputs;                         // of the file, by name and in order
    std::vector<ort::TensorSpec> core_outputs, rest_outputs;  // as the file declares them
    std::vector<ort::TensorSpec> inputs;                      // as the file declares them
};

// `path` is empty for a model given as bytes.
Network::Parts Network::load(std::span<const std::byte> bytes, const std::string& path,
                             const std::string& folder, const LoadOptions& options) {
    const auto whole = [&] {
        return path.empty() ? ort::Session::from_bytes(bytes, folder, options.session)
                            : ort::Session::from_file(path, options.session);
    };
    Parts loaded;
    std::vector<graph::ValueInfo> declared_inputs, declared_outputs;
    if (is_ort_format(bytes)) {
        if (!options.session.free_dimensions.empty()) {
            throw Error(ErrorKind::input,
                        "free_dimensions: found a file in ONNX Runtime's own format, wanted an "
                        ".onnx file; fix the dimensions before it is converted");
        }
        loaded.core = whole();
        loaded.tail.why = "the file is in ONNX Runtime's own format, which is left as it is";
    } else {
        const graph::Model model = graph::read(bytes);
        for (const auto& output : model.graph.outputs) loaded.outputs.emplace_back(output.name);
        const std::vector<graph::Problem> problems = find_problems(model, folder);
        for (const auto& [name, size] : options.session.free_dimensions) {
            expect_free_dimension(model, name);
        }
        const graph::TailSearch search = graph::find_tail(model);
        loaded.tail = describe(search, options.fuse_tail);
        try {
            if (!loaded.tail.cut) {
                loaded.core = whole();
            } else {
                const graph::Cut cut = graph::cut(model, *search.tail);
                loaded.core = ort::Session::from_bytes(cut.core, folder, options.session);
                loaded.rest =
                    ort::Session::from_bytes(cut.rest, folder, rest_options(options.session));
            }
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::model || problems.empty()) throw;
            throw Error(ErrorKind::model, error.what() + remedies(problems));
        }
        loaded.core->accept(optional_inputs(model));
        declared_inputs = model.graph.inputs;
        declared_outputs = model.graph.outputs;
    }
    // Only fixed dimensions make a difference, and without them the runtime may know more.
    if (options.session.free_dimensions.empty()) declared_inputs = declared_outputs = {};
    loaded.inputs = as_declared(loaded.core->inputs(), declared_inputs);
    loaded.core_outputs = as_declared(loaded.core->outputs(), declared_outputs);
    if (loaded.rest != nullptr) {
        loaded.rest_outputs = as_declared(loaded.rest->outputs(), declared_outputs);
    }
    if (loaded.outputs.empty()) {
        for (const auto& spec : loaded.core->outputs()) loaded.outputs.push_back(spec.name);
    }
    return loaded;
}

namespace {

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

// What is left of a limit; 0 stays "no limit", and a spent one is a nanosecond.
double left(double budget_s, Clock::time_point start) {
    if (budget_s <= 0) return 0;
    const std::chrono::duration<double> gone = Clock::now() - start;
    return std::max(budget_s - gone.count(), 1e-9);
}

}  // namespace

Network::Network(Parts parts)
    : core_(std::move(parts.core)),
      rest_(std::move(parts.rest)),
      tail_(std::move(parts.tail)),
      file_inputs_(std::move(parts.inputs)) {
    for (const std::string& name : parts.outputs) {
        if (rest_ != nullptr) {
            const std::size_t at = index_of(rest_->outputs(), name);
            if (at < rest_->outputs().size()) {
                outputs_.push_back(rest_->outputs()[at]);
                file_outputs_.push_back(parts.rest_outputs[at]);
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
        file_outputs_.push_back(parts.core_outputs[at]);
        sources_.push_back({true, at});
    }
    expect_text(inputs());
    expect_text(outputs_);
}

std::shared_ptr<const Network> Network::from_file(const std::string& path,
                                                  const LoadOptions& options) {
    const MappedFile file(path);
    const auto slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    return std::shared_ptr<const Network>(new Network(load(file.bytes(), path, folder, options)));
}

std::shared_ptr<const Network> Network::from_bytes(std::span<const std::byte> model,
                                                   const std::string& folder,
                                                   const LoadOptions& options) {
    return std::shared_ptr<const Network>(new Network(load(model, "", folder, options)));
}

void Network::run(std::span<const ort::Value> inputs, std::span<const std::size_t> wanted,
                  std::span<ort::Value> results, const ort::Limits& limits) const {
    counted(tally_, [&](Clock::time_point start) {
        run_parts(inputs, wanted, results, limits, start);
        return true;
    });
}

void Network::run_parts(std::span<const ort::Value> inputs, std::span<const std::size_t> wanted,
                        std::span<ort::Value> results, const ort::Limits& limits,
                        Clock::time_point start) const {
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
    core_->run(inputs, names[1], values[1], limits);
    if (needs_rest) {
        rest_->run({&values[1][logits], 1}, names[0], values[0],
                   {left(limits.timeout_s, start), limits.cancel});
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
    return counted(tally_, [&](Clock::time_point) {
        ort::Value scores;
        core_->run(inputs, {&wanted, 1}, {&scores, 1}, limits);
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
