#pragma once
// From a camera frame to a tensor: resize as Pillow or OpenCV does to the last bit, luma and chroma
// to RGB, then (x * scale - mean) / std in the tensor's layout and type. Rows are resized and
// packed as they are made, a few of them in cache at a time; nothing the size of a frame is stored.

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/frame.hpp"
#include "cpu/features.hpp"
#include "cpu/side_by_side.hpp"
#include "plan/frame_rows.hpp"
#include "plan/pack.hpp"
#include "plan/recipe.hpp"

namespace ei::plan {

// Bytes of one pixel of Preprocess::resize() for frames of this format: alpha is dropped.
constexpr int resized_bytes_per_pixel(PixelFormat format) noexcept {
    return format == PixelFormat::gray ? 1 : 3;
}

// Fixed but for a cache: the coefficient tables of the latest frame size and format. run() and
// resize() are safe from several threads at once. After the first frame of a size and format they
// allocate nothing, as long as no more threads meet inside than before; but frames of more than
// 1920 x 1080 pixels may begin threads, which end with the call.
class Preprocess {
  public:
    // Raises Error(input) for values that check(Recipe) or Pack refuses.
    // A call takes `most_threads` at most, and more than its own for large frames only.
    explicit Preprocess(const Recipe& recipe, cpu::Features features = cpu::enabled(),
                        int most_threads = cpu::SideBySide::kMost);

    const Recipe& recipe() const noexcept { return recipe_; }

    // Writes 3 * height * width elements of recipe().dtype. Raises Error(input) for a frame that
    // check(FrameView) or fit_frame refuses.
    Placement run(const FrameView& frame, void* out) const;

    // Writes height * width pixels of resized_bytes_per_pixel(format), channels in frame order or
    // R, G, B for a YUV format: the bytes that run() scales.
    void resize(const FrameView& frame, std::uint8_t* out) const;

    // "resize_columns=avx2 resize_rows=avx2 ...": the variants chosen, those for YUV last.
    std::string variants() const;

  private:
    template <class Emit>
    FrameFit each_row(const FrameView& frame, const Emit& emit) const;
    std::shared_ptr<const FrameTables> tables_for(const FrameView& frame) const;
    std::unique_ptr<FrameRows> rows_for(const std::shared_ptr<const FrameTables>& tables) const;

    Recipe recipe_;
    cpu::Features features_;
    int most_threads_;
    Pack pack_;
    std::vector<std::uint8_t> pad_row_;  // gray; empty where no fit needs it

    mutable std::mutex mutex_;  // guards the two below
    mutable std::shared_ptr<const FrameTables> latest_;
    mutable std::vector<std::unique_ptr<FrameRows>> idle_;
};

}  // namespace ei::plan
