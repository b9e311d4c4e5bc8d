#pragma once
// From a camera frame to a float tensor: resize as Pillow or OpenCV does to the last bit, then
// (x * scale - mean) / std into three planes. Rows are resized and packed as they are made, a few
// of them in cache at a time; nothing the size of a frame is stored.

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/frame.hpp"
#include "cpu/features.hpp"
#include "kernels/pack_planar/pack_planar.hpp"
#include "plan/rows/methods.hpp"

namespace ei::plan {

enum class ChannelOrder { rgb, bgr };

// Longest side of a frame or of the model's input, pixels.
inline constexpr int kMaxSide = 65535;

struct Recipe {
    int height = 0, width = 0;  // of the model's input
    Resize resize = Resize::pil_bilinear;
    ChannelOrder order = ChannelOrder::rgb;  // of the tensor's channels
    double scale = 1.0;
    // Per channel of the tensor, in `order`.
    std::array<double, 3> mean{0, 0, 0};
    std::array<double, 3> std{1, 1, 1};
};

struct PreprocessGeometry;
struct PreprocessScratch;

// Bytes of one pixel of Preprocess::resize() for frames of this format: RGBA loses its alpha.
constexpr int resized_bytes_per_pixel(PixelFormat format) noexcept {
    return format == PixelFormat::gray ? 1 : 3;
}

// Fixed but for a cache: the coefficient tables of the latest frame size. run() and resize() are
// safe from several threads at once. After the first frame of a size they allocate nothing, as long
// as no more threads meet inside than before.
class Preprocess {
  public:
    // Raises Error(input) for sides outside 1..kMaxSide, values that are not finite or a zero std.
    explicit Preprocess(const Recipe& recipe, cpu::Features features = cpu::enabled());
    ~Preprocess();
    Preprocess(const Preprocess&) = delete;
    Preprocess& operator=(const Preprocess&) = delete;

    const Recipe& recipe() const noexcept { return recipe_; }

    // Writes 3 * height * width floats, plane by plane. Raises Error(input) for a frame without
    // pixels, with a side over kMaxSide, or with rows closer than their own length.
    Placement run(const FrameView& frame, float* out) const;

    // Writes height * width pixels of resized_bytes_per_pixel(format), channels in frame order: the
    // bytes that run() scales.
    void resize(const FrameView& frame, std::uint8_t* out) const;

    // "resize_columns=avx2 resize_rows=avx2 ...": the variants chosen.
    std::string variants() const;

  private:
    template <class Emit>
    void each_row(const FrameView& frame, const Emit& emit) const;
    std::shared_ptr<const PreprocessGeometry> geometry_for(const FrameView& frame) const;
    std::unique_ptr<PreprocessScratch> scratch_for(
        std::shared_ptr<const PreprocessGeometry> geometry) const;

    Recipe recipe_;
    cpu::Features features_;
    pack_planar::Affine3 affine_;  // per channel of the tensor
    const Variant<pack_planar::Fn>& pack_planar_;

    mutable std::mutex mutex_;  // guards the two below
    mutable std::shared_ptr<const PreprocessGeometry> latest_;
    mutable std::vector<std::unique_ptr<PreprocessScratch>> idle_;
};

}  // namespace ei::plan
