#include "flow/kept_model.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "cache/archive.hpp"

namespace ei {

namespace ort {
template <class Archive>
void fields(Archive& archive, TensorSpec& spec) {
    archive(spec.name, spec.type, spec.shape);
}
}  // namespace ort

namespace graph {
template <class Archive>
void fields(Archive& archive, Problem& problem) {
    archive(problem.verdict, problem.code, problem.text, problem.remedy);
}
}  // namespace graph

namespace flow {
namespace {

// The runtime wants its models aligned; a page keeps each apart from the others.
constexpr std::size_t kAlignment = 4096;
constexpr std::array<std::byte, kAlignment> kPadding{};

std::size_t padded(std::size_t size) {
    return (size + kAlignment - 1) / kAlignment * kAlignment;
}

// One session: the length of its model, and what it takes and gives.
struct Part {
    std::uint64_t bytes = 0;
    std::vector<ort::TensorSpec> inputs, optional, outputs;
};

struct Told {
    Loaded loaded;  // without its sessions
    Part core;
    std::optional<Part> rest;
    std::vector<std::optional<Part>> heads;  // one for each of loaded.quantized
};

template <class Archive>
void fields(Archive& archive, Part& part) {
    archive(part.bytes, part.inputs, part.optional, part.outputs);
}

}  // namespace

template <class Archive>
void fields(Archive& archive, Tail& tail) {
    archive(tail.cut, tail.why, tail.steps, tail.logits, tail.corners, tail.out_height,
            tail.out_width);
}

// Without the time limit, which the options of each load decide.
template <class Archive>
void fields(Archive& archive, Checked& checked) {
    archive(checked.looked, checked.warnings, checked.may_loop, checked.loops);
}

template <class Archive>
void fields(Archive& archive, Uint8& uint8) {
    archive(uint8.moved, uint8.left, uint8.why);
}

template <class Archive>
void fields(Archive& archive, Stem& stem) {
    archive(stem.widened, stem.why);
}

template <class Archive>
void fields(Archive& archive, QuantizedInput& input) {
    archive(input.input, input.spec, input.scale, input.zero_point, input.core_name);
}

template <class Archive>
void fields(Archive& archive, Loaded& loaded) {
    archive(loaded.tail, loaded.checked, loaded.uint8, loaded.stem, loaded.quantized,
            loaded.head_why, loaded.given_inputs, loaded.outputs, loaded.core_outputs,
            loaded.rest_outputs, loaded.inputs);
}

namespace {

template <class Archive>
void fields(Archive& archive, Told& told) {
    archive(told.loaded, told.core, told.rest, told.heads);
}

Part part_of(const ort::Session& session) {
    const auto& inputs = session.inputs();
    const auto required = inputs.begin() + static_cast<std::ptrdiff_t>(session.required());
    return {session.saved().size(),
            {inputs.begin(), required},
            {required, inputs.end()},
            session.outputs()};
}

// Takes the models off the front of the content, one after the other.
class Models {
  public:
    Models(std::shared_ptr<const cache::Kept> kept, cache::Bytes models,
           const ort::Options& options)
        : kept_(std::move(kept)), left_(models), options_(options) {}

    std::shared_ptr<ort::Session> next(Part& part) {
        if (padded(part.bytes) < part.bytes || padded(part.bytes) > left_.size()) return nullptr;
        auto session = ort::Session::from_saved(left_.first(part.bytes), kept_, options_);
        left_ = left_.subspan(padded(part.bytes));
        if (session->inputs() != part.inputs || session->outputs() != part.outputs) return nullptr;
        session->accept(std::move(part.optional));
        return session;
    }

  private:
    std::shared_ptr<const cache::Kept> kept_;
    cache::Bytes left_;
    const ort::Options& options_;
};

}  // namespace

std::optional<Packed> Packed::of(const Loaded& loaded) {
    Packed packed;
    const auto add = [&](const std::shared_ptr<const ort::Session>& session) {
        packed.models_.push_back(session->saved());
        return part_of(*session);
    };
    Told told{loaded, add(loaded.core), std::nullopt, {}};
    if (loaded.rest != nullptr) told.rest = add(loaded.rest);
    for (const QuantizedInput& one : loaded.quantized) {
        told.heads.emplace_back();
        if (one.quantize != nullptr) told.heads.back() = add(one.quantize);
    }
    const auto nothing = [](const cache::Bytes model) { return model.empty(); };
    if (std::any_of(packed.models_.begin(), packed.models_.end(), nothing)) return std::nullopt;
    cache::Writer writer;
    writer(told);
    packed.told_ = writer.bytes();
    // Its length last, where a reader finds it.
    const std::uint64_t size = packed.told_.size();
    const auto* const from = reinterpret_cast<const std::byte*>(&size);
    packed.told_.insert(packed.told_.end(), from, from + sizeof size);
    return packed;
}

std::vector<cache::Bytes> Packed::pieces() const {
    std::vector<cache::Bytes> pieces;
    for (const cache::Bytes model : models_) {
        pieces.push_back(model);
        pieces.push_back(cache::Bytes(kPadding).first(padded(model.size()) - model.size()));
    }
    pieces.emplace_back(told_);
    return pieces;
}

std::optional<Loaded> unpack(std::shared_ptr<const cache::Kept> kept, const ort::Options& options) {
    const cache::Bytes content = kept->content();
    std::uint64_t size = 0;
    if (content.size() < sizeof size) return std::nullopt;
    const cache::Bytes before = content.first(content.size() - sizeof size);
    std::memcpy(&size, content.data() + before.size(), sizeof size);
    if (size > before.size()) return std::nullopt;
    cache::Reader reader(before.last(static_cast<std::size_t>(size)));
    Told told;
    reader(told);
    if (!reader.complete() || told.heads.size() != told.loaded.quantized.size()) {
        return std::nullopt;
    }
    Loaded& loaded = told.loaded;
    loaded.checked.timeout_s = time_limit(loaded.checked.may_loop, options.timeout_s);
    try {
        Models models(kept, before.first(before.size() - size), options);
        loaded.core = models.next(told.core);
        if (told.rest) loaded.rest = models.next(*told.rest);
        if (loaded.core == nullptr || told.rest.has_value() != (loaded.rest != nullptr)) {
            return std::nullopt;
        }
        for (std::size_t i = 0; i < told.heads.size(); ++i) {
            if (!told.heads[i]) continue;
            loaded.quantized[i].quantize = models.next(*told.heads[i]);
            if (loaded.quantized[i].quantize == nullptr) return std::nullopt;
        }
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::model) throw;
        return std::nullopt;  // the runtime saved what it does not read
    }
    // Weights that the runtime has packed anew are read no more; the others come back from the page
    // cache. For a classifier whose last layer is packed that is a tenth of the process.
    kept->let_go();
    return std::move(loaded);
}

}  // namespace flow
}  // namespace ei
