#pragma once
// Logits of low resolution to a class mask of any size, in one pass.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/element_type.hpp"
#include "kernels/upsample_argmax/upsample_argmax.hpp"

namespace ei::plan {

// Where sample positions lie. half_pixel: (X + 0.5) * in / out - 0.5, limited to 0 .. in - 1
// (PyTorch align_corners=False, ONNX Resize half_pixel and pytorch_half_pixel, the latter but for
// an output of one pixel). align_corners: X * (in - 1) / (out - 1), 0 when out is 1.
enum class Corners { half_pixel, align_corners };

// Contiguous classes x height x width.
struct LogitsView {
    const void* data = nullptr;
    ElementType type = ElementType::float32;  // float32, uint8 or int8
    int classes = 0, height = 0, width = 0;
};

// Tables for one pair of sizes, made once. run() is safe from several threads and allocates only
// when a thread meets a larger geometry than it has seen. The arithmetic, and what becomes of NaN
// and infinity, is stated in kernels/upsample_argmax/upsample_argmax.hpp.
class Segment {
  public:
    // Error(input) when a size is below 1 or there are more than 65536 classes.
    Segment(int classes, int height, int width, int out_height, int out_width, Corners corners,
            cpu::Features features = cpu::enabled());

    // mask: out_height * out_width class ids, uint8 or, when wide(), uint16.
    // areas: `classes` counts of pixels. Error(input) when `logits` is of another shape or type.
    void run(const LogitsView& logits, void* mask, std::int64_t* areas) const;

    bool wide() const noexcept { return upsample_argmax::is_wide(classes_); }
    int out_height() const noexcept { return y_.out; }
    int out_width() const noexcept { return x_.out; }
    std::string variant() const { return variant_->name; }

    // The tables as the kernel reads them; valid while the plan lives.
    upsample_argmax::Geometry geometry() const noexcept {
        return {classes_, y_.view(), x_.view(), groups_.data(), static_cast<int>(groups_.size())};
    }

  private:
    struct Axis {
        int in = 0, out = 0;
        std::vector<std::int32_t> first;
        std::vector<float> near, far;

        upsample_argmax::Axis view() const noexcept {
            return {in, out, first.data(), near.data(), far.data()};
        }
    };
    static Axis make_axis(int in, int out, Corners corners);
    static std::vector<upsample_argmax::Group> make_groups(const Axis& x);

    int classes_;
    Axis y_, x_;
    std::vector<upsample_argmax::Group> groups_;
    const Variant<upsample_argmax::Fn>* variant_;
};

}  // namespace ei::plan
