#include "plan/preprocess.hpp"

#include <cmath>
#include <limits>
#include <utility>

#include "base/error.hpp"
#include "plan/rows/variant_names.hpp"

namespace ei::plan {

// Tables for frames of one size and format.
struct PreprocessGeometry {
    int frame_width = 0, frame_height = 0;
    PixelFormat format = PixelFormat::rgb;
    std::unique_ptr<const Resampler> resampler;
};

// What one running call writes to on its way.
struct PreprocessScratch {
    std::shared_ptr<const PreprocessGeometry> geometry;  // its tables are read by the rows
    std::unique_ptr<RowSource> rows;
};

namespace {

std::size_t index(int value) {
    return static_cast<std::size_t>(value);
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
    const auto [data, stride_bytes] = frame.planes[0];
    if (data == nullptr) refuse("frame: found no pixels (null data)");
    if (frame.width < 1 || frame.height < 1 || frame.width > kMaxSide || frame.height > kMaxSide) {
        refuse("frame: found " + by(frame.width, frame.height) +
               " pixels (width x height); wanted sides within 1.." + std::to_string(kMaxSide));
    }
    const std::ptrdiff_t row =
        std::ptrdiff_t{frame.width} * plane_shape(frame.format, 0).pixel_bytes;
    if (frame.height > 1 && std::abs(stride_bytes) < row) {
        refuse("frame: found a stride of " + std::to_string(stride_bytes) +
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
      features_(features),
      affine_(fold(recipe)),
      pack_planar_(best(pack_planar::kVariants, features)) {}

Preprocess::~Preprocess() = default;

std::string Preprocess::variants() const {
    std::string text = method_of(recipe_.resize).variants(features_);
    name_variant(text, "pack_planar", pack_planar::kVariants, features_);
    return text;
}

std::shared_ptr<const PreprocessGeometry> Preprocess::geometry_for(const FrameView& frame) const {
    const auto fits = [&](const PreprocessGeometry& geometry) {
        return geometry.frame_width == frame.width && geometry.frame_height == frame.height &&
               geometry.format == frame.format;
    };
    {
        const std::lock_guard lock(mutex_);
        if (latest_ && fits(*latest_)) return latest_;
    }
    auto made = std::make_shared<PreprocessGeometry>();
    made->frame_width = frame.width;
    made->frame_height = frame.height;
    made->format = frame.format;
    const PlaneSpan span{{frame.width, recipe_.width, 0, recipe_.width},
                         {frame.height, recipe_.height, 0, recipe_.height},
                         index(plane_shape(frame.format, 0).pixel_bytes)};
    made->resampler = make_resampler(recipe_.resize, span, features_);
    const std::lock_guard lock(mutex_);
    latest_ = made;
    return made;
}

std::unique_ptr<PreprocessScratch> Preprocess::scratch_for(
    std::shared_ptr<const PreprocessGeometry> geometry) const {
    {
        const std::lock_guard lock(mutex_);
        while (!idle_.empty()) {
            std::unique_ptr<PreprocessScratch> scratch = std::move(idle_.back());
            idle_.pop_back();
            if (scratch->geometry == geometry) return scratch;
        }
    }
    auto scratch = std::make_unique<PreprocessScratch>();
    scratch->rows = geometry->resampler->rows();
    scratch->geometry = std::move(geometry);
    return scratch;
}

// Calls emit(y, row, pixel_bytes) for every row of the resized frame, from top to bottom. The row
// is valid during the call only.
template <class Emit>
void Preprocess::each_row(const FrameView& frame, const Emit& emit) const {
    check(frame);
    std::unique_ptr<PreprocessScratch> scratch = scratch_for(geometry_for(frame));
    RowSource& rows = *scratch->rows;
    rows.start({frame.planes[0].data, frame.planes[0].stride_bytes});
    for (int y = 0; y < recipe_.height; ++y) emit(y, rows.row(y), rows.pixel_bytes());
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(scratch));
}

Placement Preprocess::run(const FrameView& frame, float* out) const {
    // Bytes and tensor may order their channels differently: then planes and affine change places.
    const bool frame_is_bgr = frame.format == PixelFormat::bgr || frame.format == PixelFormat::bgra;
    const bool swap =
        frame.format != PixelFormat::gray && frame_is_bgr != (recipe_.order == ChannelOrder::bgr);
    pack_planar::Affine3 affine = affine_;
    const std::size_t width = index(recipe_.width);
    const std::size_t plane = width * index(recipe_.height);
    const pack_planar::Fn pack = pack_planar_.fn;
    float* planes[3] = {out, out + plane, out + 2 * plane};
    if (swap) {
        std::swap(affine.scale[0], affine.scale[2]);
        std::swap(affine.bias[0], affine.bias[2]);
        std::swap(planes[0], planes[2]);
    }
    each_row(frame, [&](int y, const std::uint8_t* row, std::size_t pixel_bytes) {
        const std::size_t at = index(y) * width;
        pack(row, pixel_bytes, width, affine, planes[0] + at, planes[1] + at, planes[2] + at);
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
