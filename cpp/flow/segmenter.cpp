#include <limits>

#include "flow/network.hpp"
#include "plan/class_map.hpp"

namespace ei::flow {
namespace {

std::string shape_text(const std::vector<std::int64_t>& shape) {
    std::string text = "(";
    for (std::size_t i = 0; i < shape.size(); ++i) {
        text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
    }
    return text + ")";
}

bool fits_int(std::int64_t value) {
    return value > 0 && value <= std::numeric_limits<int>::max();
}

// Integers on one plane are class ids; several planes are the scores of as many classes.
bool holds_ids(ElementType type, const std::vector<std::int64_t>& shape) {
    return type != ElementType::float32 && (shape.size() == 3 || shape[1] == 1);
}

// Class ids that the graph computed itself: (1, H, W) or (1, 1, H, W).
Segmentation from_ids(const ort::Value& ids, const std::string& name,
                      const std::vector<std::int64_t>& shape, std::optional<SizeHw> size) {
    Segmentation result;
    result.height = static_cast<int>(shape[shape.size() - 2]);
    result.width = static_cast<int>(shape[shape.size() - 1]);
    if (size && *size != SizeHw{result.height, result.width}) {
        throw Error(ErrorKind::input,
                    "segment: output '" + name + "' holds class ids of " +
                        std::to_string(result.height) + " x " + std::to_string(result.width) +
                        ", which cannot be interpolated to " + std::to_string((*size)[0]) + " x " +
                        std::to_string((*size)[1]) +
                        "; leave size out, or load with fuse_tail=True");
    }
    const plan::ClassMap map(
        ids.data(), ids.type(),
        static_cast<std::size_t>(result.height) * static_cast<std::size_t>(result.width));
    result.wide = map.wide();
    result.classes = std::make_unique_for_overwrite<std::uint8_t[]>(map.bytes());
    result.areas.resize(static_cast<std::size_t>(map.classes()));
    map.write(result.classes.get(), result.areas.data());
    return result;
}

}  // namespace

std::shared_ptr<const Segmenter::Geometry> Segmenter::geometry(
    const std::array<int, 6>& key) const {
    const std::lock_guard lock(mutex_);
    if (latest_ == nullptr || latest_->key != key) {
        latest_ = std::make_shared<const Geometry>(
            Geometry{key, plan::Segment(key[0], key[1], key[2], key[3], key[4],
                                        static_cast<plan::Corners>(key[5]))});
    }
    return latest_;
}

Segmentation Segmenter::run(const ort::Value& scores, const std::string& name,
                            plan::Corners corners, std::optional<SizeHw> size) const {
    const std::vector<std::int64_t> shape = scores.shape();
    const ElementType type = scores.type();
    // A graph may give another rank than the file declares; the runtime lets it pass.
    if (shape.size() != 4 && !(shape.size() == 3 && type != ElementType::float32)) {
        throw Error(ErrorKind::input, "segment: output '" + name + "' came out as " +
                                          shape_text(shape) +
                                          ", wanted (1, C, H, W) logits or (1, H, W) class ids; "
                                          "use run() and edgeinfer.segment() on what you mean");
    }
    for (const std::int64_t axis : shape) {
        if (!fits_int(axis)) {
            throw Error(ErrorKind::input, "segment: output '" + name + "' came out as " +
                                              shape_text(shape) +
                                              ", wanted no axis of size 0; check the input size");
        }
    }
    if (shape[0] != 1) {
        throw Error(ErrorKind::input, "segment: output '" + name + "' holds " +
                                          std::to_string(shape[0]) +
                                          " frames, wanted 1; call segment() frame by frame, or "
                                          "run() and edgeinfer.segment() on each");
    }
    if (holds_ids(type, shape)) return from_ids(scores, name, shape, size);

    const int classes = static_cast<int>(shape[1]);
    const int height = static_cast<int>(shape[2]);
    const int width = static_cast<int>(shape[3]);
    const SizeHw out = size.value_or(SizeHw{height, width});
    const auto tables =
        geometry({classes, height, width, out[0], out[1], static_cast<int>(corners)});
    Segmentation result;
    result.height = out[0];
    result.width = out[1];
    result.wide = tables->plan.wide();
    const auto pixels = static_cast<std::size_t>(out[0]) * static_cast<std::size_t>(out[1]);
    result.classes = std::make_unique_for_overwrite<std::uint8_t[]>(pixels * (result.wide ? 2 : 1));
    result.areas.resize(static_cast<std::size_t>(classes));
    tables->plan.run({scores.data(), type, classes, height, width}, result.classes.get(),
                     result.areas.data());
    return result;
}

}  // namespace ei::flow
