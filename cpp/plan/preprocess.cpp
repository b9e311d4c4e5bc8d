#include "plan/preprocess.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace ei::plan {
namespace {

// Bytes of a frame that a call looks at, from which on threads for bands of it pay: more than 1920
// x 1080 pixels of any format (docs/threads-and-memory.md).
constexpr std::int64_t kWorthSplitting = 8 << 20;

std::size_t index(int value) {
    return static_cast<std::size_t>(value);
}

bool is_bgr(PixelFormat format) {
    return format == PixelFormat::bgr || format == PixelFormat::bgra;
}

}  // namespace

Preprocess::Preprocess(const Recipe& recipe, cpu::Features features, int most_threads)
    : recipe_((check(recipe), recipe)),
      features_(features),
      most_threads_(most_threads),
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

std::unique_ptr<FrameRows> Preprocess::rows_for(
    const std::shared_ptr<const FrameTables>& tables) const {
    {
        const std::lock_guard lock(mutex_);
        while (!idle_.empty()) {
            std::unique_ptr<FrameRows> rows = std::move(idle_.back());
            idle_.pop_back();
            if (rows->tables() == tables) return rows;
        }
    }
    return std::make_unique<FrameRows>(tables);
}

// Calls emit(y, x, pixels, pixel_bytes, count, is_pad) for every run of pixels of the model's
// input, row by row; those of the pad are gray. Pixels are valid during the call only. A large
// frame is made in bands of rows, each from top to bottom, in several threads at once.
template <class Emit>
FrameFit Preprocess::each_row(const FrameView& frame, const Emit& emit) const {
    check(frame);
    const std::shared_ptr<const FrameTables> tables = tables_for(frame);
    const FrameFit fit = tables->fit();
    const auto pad = [&](int y, int from, int to) {
        if (from < to) emit(y, from, pad_row_.data(), std::size_t{1}, index(to - from), true);
    };
    const int bottom = fit.y.pad + fit.y.count;
    const int right = fit.x.pad + fit.x.count;
    for (int y = 0; y < fit.y.pad; ++y) pad(y, 0, recipe_.width);
    const auto make = [&](FrameRows& rows, int from, int to) {
        rows.start(frame);
        for (int y = from; y < to; ++y) {
            pad(fit.y.pad + y, 0, fit.x.pad);
            emit(fit.y.pad + y, fit.x.pad, rows.row(y), rows.pixel_bytes(), index(fit.x.count),
                 false);
            pad(fit.y.pad + y, right, recipe_.width);
        }
    };
    const bool worth_it = tables->bytes_read() >= kWorthSplitting;
    const cpu::SideBySide split(worth_it ? std::min(most_threads_, fit.y.count) : 1);
    const int parts = split.parts();
    std::array<std::unique_ptr<FrameRows>, cpu::SideBySide::kMost> rows;
    for (int part = 0; part < parts; ++part) rows[index(part)] = rows_for(tables);
    if (parts == 1) {
        make(*rows[0], 0, fit.y.count);
    } else {
        split.run([&](int part) {
            make(*rows[index(part)], fit.y.count * part / parts, fit.y.count * (part + 1) / parts);
        });
    }
    for (int y = bottom; y < recipe_.height; ++y) pad(y, 0, recipe_.width);
    const std::lock_guard lock(mutex_);
    for (int part = 0; part < parts; ++part) idle_.push_back(std::move(rows[index(part)]));
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
