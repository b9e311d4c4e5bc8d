// A recipe and a frame from the input: every set of CPU features gives what scalar gives, inside
// the range that the recipe implies, reading no byte that the frame does not own.

#include <cmath>

#include "base/error.hpp"
#include "cpu/features.hpp"
#include "fuzz/draws.hpp"
#include "plan/preprocess.hpp"

namespace ei::fuzz {
namespace {

using plan::Preprocess;
using plan::Recipe;

double moderate(Draws& draws) {
    return static_cast<double>(draws.raw<std::int16_t>()) / 128;
}

Recipe draw_recipe(Draws& draws) {
    Recipe recipe;
    recipe.height = draws.within(1, 48);
    recipe.width = draws.within(1, 80);
    recipe.resize = draws.coin() ? plan::Resize::cv2_linear : plan::Resize::pil_bilinear;
    recipe.order = draws.coin() ? plan::ChannelOrder::bgr : plan::ChannelOrder::rgb;
    const bool any = draws.within(0, 7) == 7;  // any bit pattern, or numbers as recipes have them
    const auto number = [&] { return any ? draws.raw<double>() : moderate(draws); };
    recipe.scale = any ? draws.raw<double>() : draws.coin() ? 1.0 / 255 : moderate(draws);
    for (std::size_t c = 0; c < 3; ++c) {
        recipe.mean[c] = number();
        recipe.std[c] = number();
    }
    return recipe;
}

struct Picture {
    std::vector<std::uint8_t> planes[3];  // each in memory of its own, ending with its last sample
    FrameView view;
};

Picture draw_picture(Draws& draws) {
    constexpr PixelFormat kFormats[] = {PixelFormat::rgb, PixelFormat::bgr, PixelFormat::rgba,
                                        PixelFormat::gray};
    Picture picture;
    FrameView& view = picture.view;
    view.format = draws.one_of(kFormats);
    view.height = draws.within(1, 100);
    view.width = draws.within(1, 140);
    if (is_yuv(view.format)) {
        view.matrix = draws.coin() ? Matrix::bt709 : Matrix::bt601;
        view.full_range = draws.coin();
    }
    for (int p = 0; p < plane_count(view.format); ++p) {
        const PlaneShape shape = plane_shape(view.format, p);
        const int width = shape.half_width ? (view.width + 1) / 2 : view.width;
        const int height = shape.half_height ? (view.height + 1) / 2 : view.height;
        const std::ptrdiff_t row = std::ptrdiff_t{width} * shape.pixel_bytes;
        const std::ptrdiff_t stride = row + draws.within(0, 40);
        const bool upwards = draws.within(0, 3) == 3;  // the last row first
        const std::ptrdiff_t last = stride * (height - 1);
        std::vector<std::uint8_t>& bytes = picture.planes[p];
        bytes = draws.fill<std::uint8_t>(static_cast<std::size_t>(last + row));
        view.planes[p] = {bytes.data() + (upwards ? last : 0), upwards ? -stride : stride};
    }
    return picture;
}

// What a byte from 0 to 255 becomes; each of the two steps in float may round.
void expect_range(const Recipe& recipe, const std::vector<float>& tensor) {
    const std::size_t plane = tensor.size() / 3;
    for (std::size_t c = 0; c < 3; ++c) {
        const double a = -recipe.mean[c] / recipe.std[c];
        const double b = (255 * recipe.scale - recipe.mean[c]) / recipe.std[c];
        const double slack = 1e-6 * (std::abs(a) + std::abs(255 * recipe.scale / recipe.std[c]));
        for (std::size_t i = 0; i < plane; ++i) {
            const auto value = static_cast<double>(tensor[c * plane + i]);
            expect(value >= std::min(a, b) - slack && value <= std::max(a, b) + slack,
                   "a value lies between those of black and of white");
        }
    }
}

void run(Draws& draws) {
    const Recipe recipe = draw_recipe(draws);
    const Picture picture = draw_picture(draws);
    const auto pixels =
        static_cast<std::size_t>(recipe.height) * static_cast<std::size_t>(recipe.width);
    std::vector<float> wanted;
    std::vector<std::uint8_t> wanted_bytes;
    const bool moderate_values =
        std::all_of(recipe.std.begin(), recipe.std.end(),
                    [&](double s) { return std::abs(s) > 1e-3 && std::abs(s) < 1e6; }) &&
        std::abs(recipe.scale) < 1e6 &&
        std::all_of(
            recipe.mean.begin(), recipe.mean.end(), [](double m) { return std::abs(m) < 1e6; });
    const cpu::Features all = cpu::detected();
    for (const cpu::Features features : {cpu::kNone, cpu::kAvx2 & all, cpu::kNeon & all, all}) {
        if (features == cpu::kNone && !wanted.empty()) continue;
        const Preprocess plan(recipe, features);
        std::vector<float> tensor(3 * pixels, std::nanf(""));
        const Placement placement = plan.run(picture.view, tensor.data());
        expect(placement.frame_width == picture.view.width &&
                   placement.frame_height == picture.view.height &&
                   placement.model_width == recipe.width &&
                   placement.model_height == recipe.height && placement.scale_x > 0 &&
                   placement.scale_y > 0,
               "the placement holds both sizes");
        std::vector<std::uint8_t> bytes(
            pixels * static_cast<std::size_t>(plan::resized_bytes_per_pixel(picture.view.format)));
        plan.resize(picture.view, bytes.data());
        if (moderate_values) expect_range(recipe, tensor);
        if (wanted.empty()) {
            wanted = tensor;
            wanted_bytes = bytes;
        }
        expect(std::memcmp(tensor.data(), wanted.data(), tensor.size() * sizeof(float)) == 0 &&
                   bytes == wanted_bytes,
               plan.variants() + " equals scalar");
    }
}

}  // namespace
}  // namespace ei::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ei::fuzz::Draws draws({data, size});
    try {
        ei::fuzz::run(draws);
    } catch (const ei::Error& error) {
        ei::fuzz::expect(error.kind() == ei::ErrorKind::input, "a recipe raises input errors only");
    }
    return 0;
}
