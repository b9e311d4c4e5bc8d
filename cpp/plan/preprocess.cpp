#include "plan/preprocess.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "base/aligned_buffer.hpp"
#include "base/error.hpp"
#include "plan/preprocess_axis.hpp"

namespace ei::plan {

// Tables for frames of one size; those of the other resize stay empty.
struct PreprocessGeometry {
    int frame_width = 0, frame_height = 0;
    std::optional<PillowAxis> pillow_columns, pillow_rows;
    std::optional<Cv2Axis> cv2_columns, cv2_rows;
};

// Intermediate rows of one running call. Buffers only grow.
struct PreprocessScratch {
    std::uint8_t* row_cache(std::size_t bytes) { return room(cache, bytes); }
    std::uint8_t* row_made(std::size_t bytes) { return room(made, bytes); }

    std::vector<const std::uint8_t*> pointers;

  private:
    static std::uint8_t* room(AlignedBuffer& buffer, std::size_t bytes) {
        if (buffer.size() < bytes) buffer = AlignedBuffer(bytes);
        return buffer.as<std::uint8_t>().data();
    }
    AlignedBuffer cache, made;
};

namespace {

// Rows a horizontal pass takes per call, so that its variants share the loading of weights.
constexpr std::size_t kRowBatch = 4;

std::size_t index(int value) {
    return static_cast<std::size_t>(value);
}

const std::uint8_t* row_of(const FrameView& frame, int y) {
    return frame.data + y * frame.stride_bytes;
}

// Bytes of a pixel behind a horizontal pass: see the kernels' contracts.
std::size_t lanes(std::size_t pixel_bytes) {
    return pixel_bytes == 1 ? 1 : 4;
}

// Each pass rounds to bytes, so their order shows. Pillow 13 takes rows first where the height
// loses more than twice the pixels the width does; older ones always take columns first and differ
// there by at most 1.
bool pillow_takes_rows_first(int frame_width, int frame_height, int width, int height) {
    return height < frame_height && frame_height - height > 2 * (frame_width - width);
}

std::string by(int width, int height) {
    return std::to_string(width) + "x" + std::to_string(height);
}

void check(const Recipe& recipe) {
    const auto refuse = [](const std::string& text) { throw Error(ErrorKind::input, text); };
    if (recipe.height < 1 || recipe.width < 1 || recipe.height > kMaxSide ||
        recipe.width > kMaxSide) {
        refuse("size: found height " + std::to_string(recipe.height) + ", width " +
               std::to_string(recipe.width) + "; wanted both within 1.." +
               std::to_string(kMaxSide));
    }
    if (!std::isfinite(recipe.scale)) refuse("scale: wanted a finite number");
    for (std::size_t c = 0; c < 3; ++c) {
        if (!std::isfinite(recipe.mean[c])) refuse("mean: wanted three finite numbers");
        if (!std::isfinite(recipe.std[c]) || recipe.std[c] == 0) {
            refuse("std: found " + std::to_string(recipe.std[c]) + " for channel " +
                   std::to_string(c) + "; wanted finite numbers other than 0");
        }
        constexpr double kMost = std::numeric_limits<float>::max();
        if (std::abs(recipe.scale / recipe.std[c]) > kMost ||
            std::abs(recipe.mean[c] / recipe.std[c]) > kMost) {
            refuse("scale, mean, std: scale / std or mean / std of channel " + std::to_string(c) +
                   " is beyond float32; wanted values that it can hold");
        }
    }
}

void check(const FrameView& frame) {
    const auto refuse = [](const std::string& text) { throw Error(ErrorKind::input, text); };
    if (frame.data == nullptr) refuse("frame: found no pixels (null data)");
    if (frame.width < 1 || frame.height < 1 || frame.width > kMaxSide || frame.height > kMaxSide) {
        refuse("frame: found " + by(frame.width, frame.height) +
               " pixels (width x height); wanted sides within 1.." + std::to_string(kMaxSide));
    }
    const std::ptrdiff_t row = std::ptrdiff_t{frame.width} * bytes_per_pixel(frame.format);
    if (frame.height > 1 && std::abs(frame.stride_bytes) < row) {
        refuse("frame: found a stride of " + std::to_string(frame.stride_bytes) +
               " bytes; wanted at least " + std::to_string(row) + ", the bytes of a row of " +
               std::to_string(frame.width) + " pixels");
    }
}

pack_planar::Affine3 fold(const Recipe& recipe) {
    pack_planar::Affine3 affine{};
    for (std::size_t c = 0; c < 3; ++c) {
        affine.scale[c] = static_cast<float>(recipe.scale / recipe.std[c]);
        affine.bias[c] = static_cast<float>(-recipe.mean[c] / recipe.std[c]);
    }
    return affine;
}

}  // namespace

Preprocess::Preprocess(const Recipe& recipe, cpu::Features features)
    : recipe_((check(recipe), recipe)),
      affine_(fold(recipe)),
      resize_columns_(best(resize_columns::kVariants, features)),
      resize_rows_(best(resize_rows::kVariants, features)),
      lerp_columns_(best(lerp_columns::kVariants, features)),
      lerp_rows_(best(lerp_rows::kVariants, features)),
      average_2x2_(best(average_2x2::kVariants, features)),
      pack_planar_(best(pack_planar::kVariants, features)) {}

Preprocess::~Preprocess() = default;

std::string Preprocess::variants() const {
    std::string text;
    const auto add = [&text](const char* operation, const char* variant) {
        if (!text.empty()) text += ' ';
        text.append(operation).append("=").append(variant);
    };
    if (recipe_.resize == Resize::pil_bilinear) {
        add("resize_columns", resize_columns_.name);
        add("resize_rows", resize_rows_.name);
    } else {
        add("lerp_columns", lerp_columns_.name);
        add("lerp_rows", lerp_rows_.name);
        add("average_2x2", average_2x2_.name);
    }
    add("pack_planar", pack_planar_.name);
    return text;
}

std::shared_ptr<const PreprocessGeometry> Preprocess::geometry_for(const FrameView& frame) const {
    const auto fits = [&](const PreprocessGeometry& geometry) {
        return geometry.frame_width == frame.width && geometry.frame_height == frame.height;
    };
    {
        const std::lock_guard lock(mutex_);
        if (latest_ && fits(*latest_)) return latest_;
    }
    auto made = std::make_shared<PreprocessGeometry>();
    made->frame_width = frame.width;
    made->frame_height = frame.height;
    if (recipe_.resize == Resize::pil_bilinear) {
        if (frame.width != recipe_.width) made->pillow_columns.emplace(frame.width, recipe_.width);
        if (frame.height != recipe_.height) {
            made->pillow_rows.emplace(frame.height, recipe_.height);
        }
    } else {
        made->cv2_columns.emplace(frame.width, recipe_.width, Cv2Axis::Border::reweight);
        made->cv2_rows.emplace(frame.height, recipe_.height, Cv2Axis::Border::repeat);
    }
    const std::lock_guard lock(mutex_);
    latest_ = made;
    return made;
}

// Calls emit(y, row, pixel_bytes) for every row of the resized frame, from top to bottom. The row
// is valid during the call only.
template <class Emit>
void Preprocess::each_row(const FrameView& frame, const Emit& emit) const {
    check(frame);
    if (frame.width == recipe_.width && frame.height == recipe_.height) {
        for (int y = 0; y < recipe_.height; ++y) {
            emit(y, row_of(frame, y), index(bytes_per_pixel(frame.format)));
        }
        return;
    }
    const auto geometry = geometry_for(frame);
    std::unique_ptr<PreprocessScratch> scratch;
    {
        const std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            scratch = std::move(idle_.back());
            idle_.pop_back();
        }
    }
    if (!scratch) scratch = std::make_unique<PreprocessScratch>();
    if (recipe_.resize == Resize::pil_bilinear) {
        if (geometry->pillow_columns && geometry->pillow_rows &&
            pillow_takes_rows_first(frame.width, frame.height, recipe_.width, recipe_.height)) {
            pillow_rows_first(frame, *geometry, *scratch, emit);
        } else {
            pillow_rows(frame, *geometry, *scratch, emit);
        }
    } else if (frame.width == 2 * recipe_.width && frame.height == 2 * recipe_.height) {
        halved_rows(frame, *scratch, emit);
    } else {
        cv2_rows(frame, *geometry, *scratch, emit);
    }
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(scratch));
}

template <class Emit>
void Preprocess::pillow_rows(const FrameView& frame, const PreprocessGeometry& geometry,
                             PreprocessScratch& scratch, const Emit& emit) const {
    const std::size_t source_bytes = index(bytes_per_pixel(frame.format));
    const std::size_t pixel_bytes = geometry.pillow_columns ? lanes(source_bytes) : source_bytes;
    const std::size_t row_bytes = index(recipe_.width) * pixel_bytes;
    const std::size_t most_taps = geometry.pillow_rows ? geometry.pillow_rows->most_taps() : 1;

    // A ring of horizontally resized rows. It holds the rows one output row needs and those a batch
    // may run ahead.
    const std::size_t slots = most_taps + kRowBatch - 1;
    std::uint8_t* ring = geometry.pillow_columns ? scratch.row_cache(slots * row_bytes) : nullptr;
    int ready = geometry.pillow_rows ? geometry.pillow_rows->first(0) : 0;
    const auto slot = [&](int y) { return ring + index(y) % slots * row_bytes; };
    const auto resized_row = [&](int y) -> const std::uint8_t* {
        if (!geometry.pillow_columns) return row_of(frame, y);
        if (y >= ready) {
            const std::uint8_t* sources[kRowBatch];
            std::uint8_t* targets[kRowBatch];
            std::size_t count = 0;
            ready = y;  // rows that no output row needs are left out
            for (; count < kRowBatch && ready < frame.height; ++count, ++ready) {
                sources[count] = row_of(frame, ready);
                targets[count] = slot(ready);
            }
            resize_columns_.fn(sources, count, source_bytes, index(frame.width),
                               geometry.pillow_columns->taps(), targets);
        }
        return slot(y);
    };

    if (!geometry.pillow_rows) {
        for (int y = 0; y < recipe_.height; ++y) emit(y, resized_row(y), pixel_bytes);
        return;
    }
    std::uint8_t* made = scratch.row_made(row_bytes);
    scratch.pointers.resize(std::max(scratch.pointers.size(), most_taps));
    for (int y = 0; y < recipe_.height; ++y) {
        const int first = geometry.pillow_rows->first(y);
        const int count = geometry.pillow_rows->count(y);
        for (int t = 0; t < count; ++t) scratch.pointers[index(t)] = resized_row(first + t);
        resize_rows_.fn(scratch.pointers.data(), geometry.pillow_rows->weights(y), index(count),
                        row_bytes, made);
        emit(y, made, pixel_bytes);
    }
}

// Rows first, then columns, a batch of rows at a time, and no ring, since no row is needed twice.
template <class Emit>
void Preprocess::pillow_rows_first(const FrameView& frame, const PreprocessGeometry& geometry,
                                   PreprocessScratch& scratch, const Emit& emit) const {
    const std::size_t source_bytes = index(bytes_per_pixel(frame.format));
    const std::size_t pixel_bytes = lanes(source_bytes);
    const std::size_t source_row_bytes = index(frame.width) * source_bytes;
    const std::size_t row_bytes = index(recipe_.width) * pixel_bytes;
    std::uint8_t* shrunk = scratch.row_cache(kRowBatch * source_row_bytes);
    std::uint8_t* made = scratch.row_made(kRowBatch * row_bytes);
    const PillowAxis& rows = *geometry.pillow_rows;
    scratch.pointers.resize(std::max(scratch.pointers.size(), rows.most_taps()));

    for (int y = 0; y < recipe_.height;) {
        const std::uint8_t* sources[kRowBatch];
        std::uint8_t* targets[kRowBatch];
        std::size_t count = 0;
        for (; count < kRowBatch && y + static_cast<int>(count) < recipe_.height; ++count) {
            const int output = y + static_cast<int>(count);
            for (int t = 0; t < rows.count(output); ++t) {
                scratch.pointers[index(t)] = row_of(frame, rows.first(output) + t);
            }
            std::uint8_t* target = shrunk + count * source_row_bytes;
            resize_rows_.fn(scratch.pointers.data(), rows.weights(output),
                            index(rows.count(output)), source_row_bytes, target);
            sources[count] = target;
            targets[count] = made + count * row_bytes;
        }
        resize_columns_.fn(sources, count, source_bytes, index(frame.width),
                           geometry.pillow_columns->taps(), targets);
        for (std::size_t i = 0; i < count; ++i, ++y) emit(y, targets[i], pixel_bytes);
    }
}

template <class Emit>
void Preprocess::cv2_rows(const FrameView& frame, const PreprocessGeometry& geometry,
                          PreprocessScratch& scratch, const Emit& emit) const {
    const std::size_t source_bytes = index(bytes_per_pixel(frame.format));
    const std::size_t pixel_bytes = lanes(source_bytes);
    const std::size_t row_values = index(recipe_.width) * pixel_bytes;

    // Two interpolated source rows; when the image grows, both serve several output rows.
    std::int16_t* slots[2];
    slots[0] =
        reinterpret_cast<std::int16_t*>(scratch.row_cache(2 * row_values * sizeof(std::int16_t)));
    slots[1] = slots[0] + row_values;
    int held[2] = {-1, -1};
    std::uint8_t doubled[8];
    const auto fill = [&](int slot, int y) {
        const std::uint8_t* source = row_of(frame, y);
        std::size_t width = index(frame.width);
        if (width == 1) {  // the kernel mixes pairs
            std::memcpy(doubled, source, source_bytes);
            std::memcpy(doubled + source_bytes, source, source_bytes);
            source = doubled;
            width = 2;
        }
        lerp_columns_.fn(source, source_bytes, width, geometry.cv2_columns->lerp(), slots[slot]);
        held[slot] = y;
    };

    std::uint8_t* made = scratch.row_made(row_values);
    for (int y = 0; y < recipe_.height; ++y) {
        const int above = geometry.cv2_rows->left(y);
        const int below = geometry.cv2_rows->right(y);
        if (held[0] != above) {
            if (held[1] == above) {
                std::swap(slots[0], slots[1]);
                std::swap(held[0], held[1]);
            } else {
                fill(0, above);
            }
        }
        if (below != above && held[1] != below) fill(1, below);
        const std::int16_t* weights = geometry.cv2_rows->weights(y);
        lerp_rows_.fn(slots[0], below == above ? slots[0] : slots[1], weights[0], weights[1],
                      row_values, made);
        emit(y, made, pixel_bytes);
    }
}

template <class Emit>
void Preprocess::halved_rows(const FrameView& frame, PreprocessScratch& scratch,
                             const Emit& emit) const {
    const std::size_t source_bytes = index(bytes_per_pixel(frame.format));
    const std::size_t pixel_bytes = lanes(source_bytes);
    std::uint8_t* made = scratch.row_made(index(recipe_.width) * pixel_bytes);
    for (int y = 0; y < recipe_.height; ++y) {
        average_2x2_.fn(row_of(frame, 2 * y), row_of(frame, 2 * y + 1), source_bytes,
                        index(recipe_.width), made);
        emit(y, made, pixel_bytes);
    }
}

Placement Preprocess::run(const FrameView& frame, float* out) const {
    // Bytes and tensor may order their channels differently: then planes and affine change places.
    const bool frame_is_bgr = frame.format == PixelFormat::bgr;
    const bool swap =
        frame.format != PixelFormat::gray && frame_is_bgr != (recipe_.order == ChannelOrder::bgr);
    pack_planar::Affine3 affine = affine_;
    const std::size_t width = index(recipe_.width);
    const std::size_t plane = width * index(recipe_.height);
    float* planes[3] = {out, out + plane, out + 2 * plane};
    if (swap) {
        std::swap(affine.scale[0], affine.scale[2]);
        std::swap(affine.bias[0], affine.bias[2]);
        std::swap(planes[0], planes[2]);
    }
    each_row(frame, [&](int y, const std::uint8_t* row, std::size_t pixel_bytes) {
        const std::size_t at = index(y) * width;
        pack_planar_.fn(row, pixel_bytes, width, affine, planes[0] + at, planes[1] + at,
                        planes[2] + at);
    });

    Placement placement;
    placement.scale_x = static_cast<double>(recipe_.width) / frame.width;
    placement.scale_y = static_cast<double>(recipe_.height) / frame.height;
    placement.frame_width = frame.width;
    placement.frame_height = frame.height;
    placement.model_width = recipe_.width;
    placement.model_height = recipe_.height;
    return placement;
}

void Preprocess::resize(const FrameView& frame, std::uint8_t* out) const {
    const std::size_t width = index(recipe_.width);
    const std::size_t kept = index(resized_bytes_per_pixel(frame.format));
    each_row(frame, [&](int y, const std::uint8_t* row, std::size_t pixel_bytes) {
        std::uint8_t* target = out + index(y) * width * kept;
        for (std::size_t x = 0; x < width; ++x) {
            for (std::size_t c = 0; c < kept; ++c) target[x * kept + c] = row[x * pixel_bytes + c];
        }
    });
}

}  // namespace ei::plan
