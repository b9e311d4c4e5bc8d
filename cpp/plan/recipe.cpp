#include "plan/recipe.hpp"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

#include "base/error.hpp"

namespace ei::plan {
namespace {

[[noreturn]] void refuse(const std::string& text) {
    throw Error(ErrorKind::input, text);
}

std::string by(int width, int height) {
    return std::to_string(width) + "x" + std::to_string(height);
}

void check_quant(const Recipe& recipe) {
    const bool is_float = recipe.dtype == ElementType::float32;
    if (!is_float && recipe.dtype != ElementType::uint8 && recipe.dtype != ElementType::int8) {
        refuse(std::string("dtype: found ") + name_of(recipe.dtype) +
               "; wanted float32, uint8 or int8");
    }
    if (!recipe.quant) return;
    if (is_float) {
        refuse(
            "quant: found a scale and a zero point for dtype float32; wanted none: quant is "
            "for uint8 and int8");
    }
    const auto scale = static_cast<float>(recipe.quant->scale);
    if (!std::isfinite(scale) || scale <= 0) {
        refuse("quant: found a scale of " + std::to_string(recipe.quant->scale) +
               "; wanted a finite float32 above 0");
    }
    const int least = recipe.dtype == ElementType::uint8 ? 0 : -128;
    const int most = recipe.dtype == ElementType::uint8 ? 255 : 127;
    if (recipe.quant->zero_point < least || recipe.quant->zero_point > most) {
        refuse("quant: found a zero point of " + std::to_string(recipe.quant->zero_point) +
               "; wanted one within " + std::to_string(least) + ".." + std::to_string(most) +
               " for dtype " + name_of(recipe.dtype));
    }
}

}  // namespace

void check(const Recipe& recipe) {
    if (recipe.height < 1 || recipe.width < 1 || recipe.height > kMaxSide ||
        recipe.width > kMaxSide) {
        refuse("size: found height " + std::to_string(recipe.height) + ", width " +
               std::to_string(recipe.width) + "; wanted both within 1.." +
               std::to_string(kMaxSide));
    }
    if (!std::isfinite(recipe.scale)) {
        refuse("scale: found " + std::to_string(recipe.scale) + "; wanted a finite number");
    }
    for (std::size_t c = 0; c < 3; ++c) {
        if (!std::isfinite(recipe.mean[c])) {
            refuse("mean: found " + std::to_string(recipe.mean[c]) + " for channel " +
                   std::to_string(c) + "; wanted three finite numbers");
        }
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
    check_quant(recipe);
}

void check_sides(const FrameView& frame) {
    if (frame.width < 1 || frame.height < 1 || frame.width > kMaxSide || frame.height > kMaxSide) {
        refuse("frame: found " + by(frame.width, frame.height) +
               " pixels (width x height); wanted sides within 1.." + std::to_string(kMaxSide));
    }
    const bool half_width =
        frame.format == PixelFormat::yuyv || plane_shape(frame.format, 1).half_width;
    const bool half_height = plane_shape(frame.format, 1).half_height;
    if ((half_width && frame.width % 2 != 0) || (half_height && frame.height % 2 != 0)) {
        refuse("frame: found " + by(frame.width, frame.height) +
               " pixels (width x height) of a format whose chroma has half the " +
               (half_height ? "width and height; wanted both even" : "width; wanted it even") +
               "; leave the last column or row out");
    }
}

void check(const FrameView& frame) {
    check_sides(frame);
    for (int p = 0; p < plane_count(frame.format); ++p) {
        const auto [data, stride_bytes] = frame.planes[p];
        if (data == nullptr) refuse("frame: found no pixels (null data)");
        const PlaneShape shape = plane_shape(frame.format, p);
        const int width = shape.half_width ? frame.width / 2 : frame.width;
        const int height = shape.half_height ? frame.height / 2 : frame.height;
        const std::ptrdiff_t row = std::ptrdiff_t{width} * shape.pixel_bytes;
        if (height > 1 && std::abs(stride_bytes) < row) {
            refuse("frame: found a stride of " + std::to_string(stride_bytes) +
                   " bytes; wanted at least " + std::to_string(row) + ", the bytes of a row of " +
                   std::to_string(width) + " pixels");
        }
    }
}

}  // namespace ei::plan
