#include "flow/load.hpp"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>

#include "base/mapped_file.hpp"
#include "flow/declared.hpp"
#include "flow/keeping.hpp"
#include "flow/sound.hpp"
#include "graph/head.hpp"
#include "graph/loops.hpp"
#include "graph/reader.hpp"
#include "graph/tail.hpp"

namespace ei::flow {
namespace {

constexpr const char* kFormatKey = "session.load_model_format";

// Files in ONNX Runtime's own format carry this mark behind a 4-byte offset. They are optimised
// already and cannot be cut. A session entry decides before the mark.
bool is_ort_format(std::span<const std::byte> model, const ort::Options& options) {
    for (const auto& [key, value] : options.config) {
        if (key == kFormatKey && !value.empty()) return value == "ORT";
    }
    constexpr std::string_view kMark = "ORTM";
    return model.size() >= 8 &&
           std::string_view(reinterpret_cast<const char*>(model.data()) + 4, 4) == kMark;
}

// The runtime judges bytes by the mark and files by their ending. Told the format, it reads the
// file as what it was taken for here: an ONNX file with a forged mark would pass no check at all.
void tell_format(ort::Options& options, bool own) {
    std::erase_if(options.config, [](const auto& entry) { return entry.first == kFormatKey; });
    options.config.emplace_back(kFormatKey, own ? "ORT" : "ONNX");
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

// The parts of a cut file run as sessions of their own, with threads that wait while the core's
// compute.
ort::Options part_options(ort::Options options) {
    if (options.spin == ort::Spin::automatic) options.spin = ort::Spin::off;
    return options;
}

ort::Options rest_options(ort::Options options) {
    options = part_options(std::move(options));
    // Both start within the second that names the file of timings.
    if (!options.profile.empty()) options.profile += "_rest";
    return options;
}

// One model file on its way into the runtime; `path` is empty for a model given as bytes.
class Loading {
  public:
    Loading(std::span<const std::byte> bytes, std::string path, std::string folder,
            LoadOptions options, Keeping& keeping)
        : bytes_(bytes),
          path_(std::move(path)),
          folder_(std::move(folder)),
          options_(std::move(options)),
          keeping_(keeping) {}

    Loaded run();

  private:
    std::shared_ptr<ort::Session> whole(std::span<const std::byte> bytes) const {
        return path_.empty() || bytes.data() != bytes_.data()
                   ? ort::Session::from_bytes(bytes, folder_, options_.session)
                   : ort::Session::from_file(path_, options_.session);
    }
    std::shared_ptr<ort::Session> network(const graph::Model& model,
                                          std::span<const std::byte> bytes);
    void own_format();
    void onnx(const graph::Model& model);
    void confirm(Uint8Choice& uint8, const graph::Model& model) const;
    bool uint8_sessions(const std::vector<std::byte>& moved);
    void check(const graph::Model& model);
    void sessions(const graph::Model& model, std::span<const std::byte> bytes);
    void sessions_and_heads(const graph::Model& model);
    bool cut_sessions(const graph::Model& model, graph::HeadsCut& cut);
    void head_sessions(const graph::Model& model, std::vector<graph::HeadCut> cuts);
    void integer_inputs(const graph::Model& model, const std::vector<graph::Head>& heads);
    void name_inputs();
    void declarations(const std::vector<graph::ValueInfo>& inputs,
                      const std::vector<graph::ValueInfo>& outputs);

    std::span<const std::byte> bytes_;
    std::string path_, folder_;
    LoadOptions options_;
    Keeping& keeping_;
    std::vector<graph::Problem> problems_;
    std::shared_ptr<ort::Session> core_, rest_;
    Loaded loaded_;
};

void Loading::own_format() {
    if (!options_.session.free_dimensions.empty()) {
        throw Error(ErrorKind::input,
                    "free_dimensions: found a file in ONNX Runtime's own format, wanted an "
                    ".onnx file; fix the dimensions before it is converted");
    }
    loaded_.checked.loops = "not known: the file is in ONNX Runtime's own format";
    loaded_.checked.timeout_s = time_limit(true, options_.session.timeout_s);
    core_ = whole(bytes_);
    loaded_.head_why = loaded_.stem.why = "the file is in ONNX Runtime's own format";
    loaded_.tail.why = "the file is in ONNX Runtime's own format, which is left as it is";
    declarations({}, {});
    for (const auto& spec : core_->outputs()) loaded_.outputs.push_back(spec.name);
}

void Loading::check(const graph::Model& model) {
    problems_ = expect_sound(model, folder_, options_.sizes);
    const graph::Loops loops = graph::find_loops(model);
    Checked& checked = loaded_.checked;
    checked.looked = true;
    checked.may_loop = !loops.bounded;
    checked.loops = loops.why;
    std::copy_if(problems_.begin(), problems_.end(), std::back_inserter(checked.warnings),
                 [](const graph::Problem& one) { return one.verdict == graph::Verdict::warning; });
    checked.timeout_s = time_limit(checked.may_loop, options_.session.timeout_s);
}

// A file that the runtime takes as it is stays loadable, should it not take the widened one.
std::shared_ptr<ort::Session> Loading::network(const graph::Model& model,
                                               std::span<const std::byte> bytes) {
    StemChoice stem = choose_stem(model, options_.session);
    loaded_.stem = std::move(stem.told);
    if (stem.model.empty()) return whole(bytes);
    try {
        return ort::Session::from_bytes(stem.model, folder_, options_.session);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::model) throw;
        loaded_.stem = {
            0, "the runtime would not load the widened file: " + std::string(error.what())};
        return whole(bytes);
    }
}

void Loading::sessions(const graph::Model& model, std::span<const std::byte> bytes) {
    const graph::TailSearch search = graph::find_tail(model);
    loaded_.tail = describe(search, options_.fuse_tail);
    if (!loaded_.tail.cut) {
        core_ = network(model, bytes);
        return;
    }
    const graph::Cut cut = graph::cut(model, *search.tail);
    core_ = network(graph::read(cut.core), cut.core);
    rest_ = ort::Session::from_bytes(cut.rest, folder_, rest_options(options_.session));
}

// Whether the runtime moves pairs of int8 QuantizeLinear and DequantizeLinear to uint8: its default
// everywhere but on Arm, and a session entry.
bool int8_becomes_uint8(const ort::Options& options) {
    for (const auto& [key, value] : options.config) {
        if (key == "session.qdqisint8allowed") return value != "1";
    }
#if defined(__arm__) || defined(__aarch64__)
    return false;
#else
    return true;
#endif
}

void Loading::sessions_and_heads(const graph::Model& model) {
    const std::vector<graph::Head> heads = graph::find_heads(model);
    const auto quantizing = std::count_if(heads.begin(), heads.end(),
                                          [](const graph::Head& one) { return one.quantizes; });
    loaded_.head_why = quantizing == 0 ? "no float input feeds one QuantizeLinear only"
                       : !options_.cut_head
                           ? "cut_head is off; an input feeds one QuantizeLinear only"
                           : "";
    if (!options_.session.providers.empty() && quantizing > 0 && options_.cut_head) {
        loaded_.head_why = "not cut for other providers than the CPU";
    }
    graph::HeadsCut cut;
    if (loaded_.head_why.empty()) {
        cut = graph::cut_heads(model, heads, int8_becomes_uint8(options_.session));
        loaded_.head_why = cut.heads.empty() ? "not cut: the runtime would move its int8 to uint8 "
                                               "in ways that a cut prevents"
                                             : "a QuantizeLinear was cut off";
    }
    if (cut.heads.empty() || !cut_sessions(model, cut)) sessions(model, bytes_);
    integer_inputs(model, heads);
}

void Loading::confirm(Uint8Choice& uint8, const graph::Model& model) const {
    const cache::Folder kept = cache::Folder::users();
    std::optional<Notes> notes;
    std::optional<Digest> digest;
    if (options_.cache && kept.why_not().empty())
        notes.emplace(kept, digest.emplace(model_for_notes(kept, path_, bytes_)));
    confirm_uint8(uint8, model, options_.to_uint8, folder_, options_.session,
                  notes ? &*notes : nullptr);
}

// A file that the runtime takes as it is stays loadable, should it not take the moved one.
bool Loading::uint8_sessions(const std::vector<std::byte>& moved) {
    const auto bytes = std::exchange(bytes_, moved);
    std::string path = std::exchange(path_, "");
    try {
        sessions_and_heads(graph::read(moved));
        return true;
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::model) throw;
        bytes_ = bytes;
        path_ = std::move(path);
        core_ = rest_ = nullptr;
        loaded_.quantized.clear();
        loaded_.uint8.stay("the runtime would not load the moved file: " +
                           std::string(error.what()));
        return false;
    }
}

// A file that the runtime takes whole stays loadable, should it not take a part.
bool Loading::cut_sessions(const graph::Model& model, graph::HeadsCut& cut) {
    try {
        sessions(graph::read(cut.core), cut.core);
        head_sessions(model, std::move(cut.heads));
        return true;
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::model) throw;
        core_ = rest_ = nullptr;
        loaded_.quantized.clear();
        loaded_.head_why = std::string("not cut: a part would not load: ") + error.what();
        return false;
    }
}

void Loading::head_sessions(const graph::Model& model, std::vector<graph::HeadCut> cuts) {
    ort::Options options = part_options(options_.session);
    options.profile.clear();
    for (graph::HeadCut& cut : cuts) {
        QuantizedInput quantized;
        quantized.spec.name = model.graph.inputs[cut.head.input].name;
        quantized.spec.type = cut.head.type;
        quantized.scale = cut.head.scale;
        quantized.zero_point = cut.head.zero_point;
        quantized.quantize = ort::Session::from_bytes(cut.quantize, folder_, options);
        quantized.core_name = cut.head.integers;
        loaded_.quantized.push_back(std::move(quantized));
    }
}

void Loading::integer_inputs(const graph::Model& model, const std::vector<graph::Head>& heads) {
    for (const graph::Head& head : heads) {
        if (head.quantizes) continue;
        QuantizedInput quantized;
        quantized.spec.name = model.graph.inputs[head.input].name;
        quantized.spec.type = head.type;
        quantized.scale = head.scale;
        quantized.zero_point = head.zero_point;
        quantized.core_name = quantized.spec.name;
        loaded_.quantized.push_back(std::move(quantized));
    }
}

// The core's inputs under the file's names, float where a head was cut.
void Loading::name_inputs() {
    loaded_.given_inputs = core_->inputs();
    for (QuantizedInput& quantized : loaded_.quantized) {
        for (std::size_t i = 0; i < loaded_.given_inputs.size(); ++i) {
            ort::TensorSpec& given = loaded_.given_inputs[i];
            if (given.name != quantized.core_name) continue;
            quantized.input = i;
            quantized.spec.shape = given.shape;
            if (quantized.quantize != nullptr) given.type = ElementType::float32;
            given.name = quantized.spec.name;
            break;
        }
    }
}

void Loading::onnx(const graph::Model& model) {
    for (const auto& output : model.graph.outputs) loaded_.outputs.emplace_back(output.name);
    check(model);
    for (const auto& [name, size] : options_.session.free_dimensions) {
        expect_free_dimension(model, name);
    }
    Uint8Choice uint8 = choose_uint8(model, options_.to_uint8, options_.session);
    if (!uint8.model.empty()) confirm(uint8, model);
    loaded_.uint8 = std::move(uint8.told);
    try {
        if (uint8.model.empty() || !uint8_sessions(uint8.model)) sessions_and_heads(model);
    } catch (const Error& error) {
        const std::string hints = told(problems_, graph::Verdict::unsupported, "\n  ");
        if (error.kind() != ErrorKind::model || hints.empty()) throw;
        throw Error(ErrorKind::model, std::string(error.what()) + "\n  " + hints);
    }
    core_->accept(optional_inputs(model));
    // Only fixed dimensions make a difference, and without them the runtime may know more.
    if (options_.session.free_dimensions.empty()) {
        declarations({}, {});
    } else {
        declarations(model.graph.inputs, model.graph.outputs);
    }
}

void Loading::declarations(const std::vector<graph::ValueInfo>& inputs,
                           const std::vector<graph::ValueInfo>& outputs) {
    name_inputs();
    loaded_.inputs = as_declared(loaded_.given_inputs, inputs);
    loaded_.core_outputs = as_declared(core_->outputs(), outputs);
    if (rest_ != nullptr) loaded_.rest_outputs = as_declared(rest_->outputs(), outputs);
}

Loaded Loading::run() {
    const bool own = is_ort_format(bytes_, options_.session);
    tell_format(options_.session, own);
    if (own) {
        keeping_.skip("the file is in ONNX Runtime's own format");
        own_format();
    } else {
        const graph::Model model = graph::read(bytes_);
        if (std::optional<Loaded> kept = keeping_.by_content(bytes_, model))
            return std::move(*kept);
        options_.session.save = keeping_.wanted();
        onnx(model);
    }
    loaded_.core = std::move(core_);
    loaded_.rest = std::move(rest_);
    return std::move(loaded_);
}

}  // namespace

Loaded load_file(const std::string& path, const LoadOptions& options) {
    const auto slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    Keeping keeping(options, path, folder);
    if (std::optional<Loaded> kept = keeping.by_stamp()) return std::move(*kept);
    const MappedFile file(path);
    return keeping.keep(
        file.bytes(), [&] { return Loading(file.bytes(), path, folder, options, keeping).run(); });
}

Loaded load_bytes(std::span<const std::byte> model, const std::string& folder,
                  const LoadOptions& options) {
    Keeping keeping(options, "", folder);
    return keeping.keep(model, [&] { return Loading(model, "", folder, options, keeping).run(); });
}

}  // namespace ei::flow
