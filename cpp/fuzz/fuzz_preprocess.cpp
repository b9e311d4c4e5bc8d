// A recipe and frames from the input: every set of CPU features gives what scalar gives, inside the
// range that the recipe implies, reading no byte that the frame does not own.

#include <cmath>
#include <optional>

#include "base/error.hpp"
#include "cpu/features.hpp"
#include "fuzz/draws.hpp"
#include "plan/preprocess.hpp"

namespace ei::fuzz {
namespace {

using plan::Preprocess;
using plan::Recipe;
using Buffer = std::vector<std::uint8_t>;

double moderate(Draws& draws) {
    return static_cast<double>(draws.raw<std::int16_t>()) / 128;
}

Recipe draw_recipe(Draws& draws) {
    constexpr plan::Resize kResizes[] = {plan::Resize::pil_bilinear, plan::Resize::cv2_linear,
                                         plan::Resize::cv2_area, plan::Resize::nearest};
    constexpr plan::Fit kFits[] = {plan::Fit::stretch, plan::Fit::letterbox, plan::Fit::crop};
    constexpr ElementType kTypes[] = {ElementType::float32, ElementType::uint8, ElementType::int8};
    Recipe recipe;
    recipe.height = draws.within(1, 32);
    recipe.width = draws.within(1, 56);
    recipe.resize = draws.one_of(kResizes);
    recipe.fit = draws.one_of(kFits);
    recipe.order = draws.coin() ? plan::ChannelOrder::bgr : plan::ChannelOrder::rgb;
    recipe.layout = draws.coin() ? plan::Layout::nhwc : plan::Layout::nchw;
    recipe.dtype = draws.one_of(kTypes);
    recipe.pad = draws.raw<std::uint8_t>();
    if (recipe.dtype != ElementType::float32 && draws.coin()) {
        recipe.quant = {.scale = std::abs(moderate(draws)) / 64,
                        .zero_point = draws.raw<std::int8_t>()};
        if (recipe.dtype == ElementType::uint8) recipe.quant->zero_point &= 0xff;
    }
    switch (draws.within(0, 7)) {
        case 0:  // any bit pattern
            recipe.scale = draws.raw<double>();
            for (double& mean : recipe.mean) mean = draws.raw<double>();
            for (double& std : recipe.std) std = draws.raw<double>();
            break;
        case 1:
        case 2:  // the bytes themselves
            break;
        default:
            recipe.scale = draws.coin() ? 1.0 / 255 : moderate(draws);
            for (double& mean : recipe.mean) mean = moderate(draws);
            for (double& std : recipe.std) std = moderate(draws);
    }
    return recipe;
}

struct Picture {
    Buffer planes[3];  // each in memory of its own, ending with its last sample
    FrameView view;
};

Picture draw_picture(Draws& draws) {
    constexpr PixelFormat kFormats[] = {PixelFormat::rgb,  PixelFormat::bgr,  PixelFormat::rgba,
                                        PixelFormat::gray, PixelFormat::bgra, PixelFormat::nv12,
                                        PixelFormat::nv21, PixelFormat::i420, PixelFormat::yuyv};
    Picture picture;
    FrameView& view = picture.view;
    view.format = draws.one_of(kFormats);
    view.height = draws.within(1, 72);
    view.width = draws.within(1, 100);
    if (draws.within(0, 15) == 15) {  // as long as narrow
        (draws.coin() ? view.height : view.width) = draws.within(1, 2'000);
    }
    if (is_yuv(view.format)) {
        view.matrix = draws.coin() ? Matrix::bt709 : Matrix::bt601;
        view.full_range = draws.coin();
        if (draws.within(0, 7) != 7) {  // odd sides are refused
            view.height += view.height % 2;
            view.width += view.width % 2;
        }
    }
    for (int p = 0; p < plane_count(view.format); ++p) {
        const PlaneShape shape = plane_shape(view.format, p);
        const int width = shape.half_width ? view.width / 2 : view.width;
        const int height = shape.half_height ? view.height / 2 : view.height;
        const std::ptrdiff_t row = std::ptrdiff_t{width} * shape.pixel_bytes;
        const std::ptrdiff_t stride = row + draws.within(0, 40);
        const bool upwards = draws.within(0, 3) == 3;  // the last row first
        const std::ptrdiff_t last = height == 0 ? 0 : stride * (height - 1);
        Buffer& bytes = picture.planes[p];
        bytes = draws.fill<std::uint8_t>(static_cast<std::size_t>(last + row));
        view.planes[p] = {bytes.data() + (upwards ? last : 0), upwards ? -stride : stride};
    }
    return picture;
}

bool is_moderate(const Recipe& recipe) {
    const auto within = [](double value, double least) {
        return std::abs(value) >= least && std::abs(value) < 1e6;
    };
    return within(recipe.scale, 0) &&
           std::all_of(recipe.mean.begin(), recipe.mean.end(),
                       [&](double mean) { return within(mean, 0); }) &&
           std::all_of(recipe.std.begin(), recipe.std.end(),
                       [&](double std) { return within(std, 1e-3); });
}

// What a byte from 0 to 255 becomes; each of the two steps in float may round.
void expect_range(const Recipe& recipe, const Buffer& tensor) {
    const std::size_t plane = tensor.size() / sizeof(float) / 3;
    const bool planar = recipe.layout == plan::Layout::nchw;
    for (std::size_t i = 0; i < 3 * plane; ++i) {
        const std::size_t c = planar ? i / plane : i % 3;
        const double a = -recipe.mean[c] / recipe.std[c];
        const double step = 255 * recipe.scale / recipe.std[c];
        const double slack = 1e-6 * (std::abs(a) + std::abs(step));
        float value = 0;
        std::memcpy(&value, &tensor[i * sizeof(float)], sizeof(float));
        expect(value >= std::min(a, a + step) - slack && value <= std::max(a, a + step) + slack,
               "a value lies between those of black and of white");
    }
}

void expect_placement(const Recipe& recipe, const FrameView& frame, const Placement& found) {
    expect(found.frame_width == frame.width && found.frame_height == frame.height &&
               found.model_width == recipe.width && found.model_height == recipe.height &&
               found.scale_x > 0 && found.scale_y > 0,
           "the placement holds both sizes");
    if (recipe.fit == plan::Fit::letterbox) {
        expect(found.pad_x >= 0 && found.pad_y >= 0, "a letterboxed frame lies inside");
    } else {
        expect(found.pad_x <= 0 && found.pad_y <= 0, "the frame covers the whole input");
    }
}

Buffer run(const Preprocess& plan, const FrameView& frame, std::uint8_t before) {
    const Recipe& recipe = plan.recipe();
    const std::size_t element = recipe.dtype == ElementType::float32 ? sizeof(float) : 1;
    Buffer tensor(3 * static_cast<std::size_t>(recipe.height) *
                      static_cast<std::size_t>(recipe.width) * element,
                  before);
    expect_placement(recipe, frame, plan.run(frame, tensor.data()));
    return tensor;
}

// The pixels before they are scaled.
Buffer resized(const Preprocess& plan, const FrameView& frame) {
    Buffer bytes(static_cast<std::size_t>(plan.recipe().height) *
                 static_cast<std::size_t>(plan.recipe().width) *
                 static_cast<std::size_t>(plan::resized_bytes_per_pixel(frame.format)));
    plan.resize(frame, bytes.data());
    return bytes;
}

void check(Draws& draws) {
    const Recipe recipe = draw_recipe(draws);
    const Picture picture = draw_picture(draws), other = draw_picture(draws);

    const Preprocess scalar(recipe, cpu::kNone);
    const Buffer wanted = run(scalar, picture.view, 0x00);
    const Buffer wanted_bytes = resized(scalar, picture.view);
    expect(run(scalar, picture.view, 0xff) == wanted, "every element is written, each time alike");
    if (recipe.dtype == ElementType::float32 && is_moderate(recipe)) expect_range(recipe, wanted);

    const cpu::Features all = cpu::detected();
    for (const cpu::Features features : {cpu::kAvx2 & all, cpu::kNeon & all, all}) {
        if (features == cpu::kNone) continue;
        const Preprocess plan(recipe, features);
        expect(run(plan, picture.view, 0x00) == wanted, plan.variants() + " equals scalar");
        expect(resized(plan, picture.view) == wanted_bytes, plan.variants() + " equals scalar");
        try {
            run(plan, other.view, 0x00);
        } catch (const Error&) {
            continue;
        }
        expect(run(plan, picture.view, 0x00) == wanted, "a frame leaves nothing behind");
    }
}

}  // namespace
}  // namespace ei::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ei::fuzz::Draws draws({data, size});
    try {
        ei::fuzz::check(draws);
    } catch (const ei::Error& error) {
        ei::fuzz::expect(error.kind() == ei::ErrorKind::input, "a recipe raises input errors only");
    }
    return 0;
}
