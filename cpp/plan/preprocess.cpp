#include "plan/preprocess.hpp"

#include <utility>

namespace ei::plan {
namespace {

std::size_t index(int value) {
    return static_cast<std::size_t>(value);
}

bool is_bgr(PixelFormat format) {
    return format == PixelFormat::bgr || format == PixelFormat::bgra;
}

}  // namespace

Preprocess::Preprocess(const Recipe& recipe, cpu::Features features)
    : recipe_((check(recipe), recipe)),
      features_(features),
      pack_(recipe, features),
      pad_row_(recipe.fit == Fit::letterbox ? index(recipe.width) : 0, recipe.pad) {}

std::string Preprocess::variants() const {
    return method_of(recipe_.resize).variants(features_) + " " + pack_.variants(features_) + " " +
           yuv_variants(features_);
}

std::shared_ptr<const FrameTables> Preprocess::tables_for(const FrameView& frame) const {
    {
        const std::lock_guard lock(mutex_);
        if (latest_ && latest_->made_for(frame)) return latest_;
    }
    const FrameFit fit =
        fit_frame(recipe_.fit, frame.width, frame.height, recipe_.width, recipe_.height);
    auto made = std::make_shared<const FrameTables>(frame, fit, recipe_.resize, features_);
    const std::lock_guard lock(mutex_);
    latest_ = made;
    return made;
}

std::unique_ptr<FrameRows> Preprocess::rows_for(const FrameView& frame) const {
    std::shared_ptr<const FrameTables> tables = tables_for(frame);
    {
        const std::lock_guard lock(mutex_);
        while (!idle_.empty()) {
            std::unique_ptr<FrameRows> rows = std::move(idle_.back());
            idle_.pop_back();
            if (rows->tables() == tables) return rows;
        }
    }
    return std::make_unique<FrameRows>(std::move(tables));
}

// Calls emit(y, x, pixels, pixel_bytes, count, is_pad) for every run of pixels of the model's
// input, from top to bottom; those of the pad are gray. Pixels are valid during the call only.
template <class Emit>
FrameFit Preprocess::each_row(const FrameView& frame, const Emit& emit) const {
    check(frame);
    std::unique_ptr<FrameRows> rows = rows_for(frame);
    const FrameFit fit = rows->tables()->fit();
    rows->start(frame);
    const auto pad = [&](int y, int from, int to) {
        if (from < to) emit(y, from, pad_row_.data(), std::size_t{1}, index(to - from), true);
    };
    const int bottom = fit.y.pad + fit.y.count;
    const int right = fit.x.pad + fit.x.count;
    for (int y = 0; y < fit.y.pad; ++y) pad(y, 0, recipe_.width);
    for (int y = fit.y.pad; y < bottom; ++y) {
        pad(y, 0, fit.x.pad);
        emit(y, fit.x.pad, rows->row(y - fit.y.pad), rows->pixel_bytes(), index(fit.x.count),
             false);
        pad(y, right, recipe_.width);
    }
    for (int y = bottom; y < recipe_.height; ++y) pad(y, 0, recipe_.width);
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(rows));
    return fit;
}

Placement Preprocess::run(const FrameView& frame, void* out) const {
    const bool swap = frame.format != PixelFormat::gray &&
                      is_bgr(frame.format) != (recipe_.order == ChannelOrder::bgr);
    const FrameFit fit =
        each_row(frame, [&](int y, int x, const std::uint8_t* pixels, std::size_t pixel_bytes,
                            std::size_t count, bool is_pad) {
            const auto bytes = swap && !is_pad ? Pack::Bytes::swapped : Pack::Bytes::in_order;
            pack_(pixels, pixel_bytes, count, bytes, y, x, out);
        });
    return placement_of(fit, frame.width, frame.height, recipe_.width, recipe_.height);
}

void Preprocess::resize(const FrameView& frame, std::uint8_t* out) const {
    const std::size_t kept = index(resized_bytes_per_pixel(frame.format));
    each_row(frame, [&](int y, int x, const std::uint8_t* pixels, std::size_t pixel_bytes,
                        std::size_t count, bool) {
        std::uint8_t* target = out + (index(y) * index(recipe_.width) + index(x)) * kept;
        for (std::size_t i = 0; i < count; ++i) {
            for (std::size_t c = 0; c < kept; ++c) {
                target[i * kept + c] = pixels[i * pixel_bytes + (pixel_bytes == 1 ? 0 : c)];
            }
        }
    });
}

}  // namespace ei::plan
