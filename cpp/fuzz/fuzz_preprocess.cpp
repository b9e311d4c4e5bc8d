// A recipe and frames from the input: every set of CPU features gives what scalar gives, reading no
// byte that the frame does not own. Scalar itself is held to what the recipe says: where the frame
// lies in the model's input, that its pixels are those of the frame resized alone, that the rest is
// gray, and what every byte becomes.

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

std::size_t index(int value) {
    return static_cast<std::size_t>(value);
}

// One axis of a placement: `resized` pixels of the frame, the first of them at `pad`.
struct Axis {
    int frame, model, resized, pad;
};

Axis axis_of(int frame, int model, double scale, double pad) {
    const double resized = scale * frame;
    expect(std::abs(resized - std::round(resized)) < 1e-6 * std::max(resized, 1.0) &&
               resized > 0.5 && pad == std::round(pad),
           "a placement is in whole pixels");
    return {frame, model, static_cast<int>(std::lround(resized)), static_cast<int>(pad)};
}

// `exact`: the length that the other axis' ratio asks for.
void expect_axis(plan::Fit fit, const Axis& axis, double exact) {
    const int free = axis.model - axis.resized;
    const double slack = 1e-9 * exact;
    switch (fit) {
        case plan::Fit::stretch:
            expect(free == 0 && axis.pad == 0, "a stretched frame fills the input");
            return;
        case plan::Fit::letterbox:
            expect(free >= 0 && (std::abs(axis.resized - exact) <= 0.5 + slack ||
                                 (axis.resized == 1 && exact < 1)),
                   "a letterboxed frame keeps its shape and lies inside");
            expect(free - 2 * axis.pad == free % 2, "a letterboxed frame is centred");
            return;
        case plan::Fit::crop:
            expect(free <= 0 && axis.resized <= exact + slack && axis.resized > exact - 1 - slack,
                   "a cropped frame keeps its shape and covers the input");
            expect(axis.pad == -std::lrint(-free / 2.0), "the middle of a cropped frame is kept");
    }
}

struct Axes {
    Axis x, y;
};

Axes expect_placement(const Recipe& recipe, const FrameView& frame, const Placement& found) {
    expect(found.frame_width == frame.width && found.frame_height == frame.height &&
               found.model_width == recipe.width && found.model_height == recipe.height,
           "the placement holds both sizes");
    const Axis x = axis_of(frame.width, recipe.width, found.scale_x, found.pad_x);
    const Axis y = axis_of(frame.height, recipe.height, found.scale_y, found.pad_y);
    const double by_x = static_cast<double>(recipe.width) / frame.width;
    const double by_y = static_cast<double>(recipe.height) / frame.height;
    const double ratio =
        recipe.fit == plan::Fit::letterbox ? std::min(by_x, by_y) : std::max(by_x, by_y);
    expect_axis(recipe.fit, x, ratio * frame.width);
    expect_axis(recipe.fit, y, ratio * frame.height);
    return {x, y};
}

// What byte `x` becomes in the tensor's channel c, before it is rounded to the type.
struct Mapped {
    double value, slack;  // each of the steps in float may round
};

Mapped mapped(const Recipe& recipe, std::size_t c, int x) {
    const double bias = -recipe.mean[c] / recipe.std[c], step = recipe.scale / recipe.std[c];
    const Mapped real{x * step + bias, 1e-6 * (std::abs(bias) + std::abs(x * step)) + 1e-40};
    if (recipe.dtype == ElementType::float32) return real;
    const plan::Quant quant = recipe.quant.value_or(plan::Quant{});
    const double least = recipe.dtype == ElementType::uint8 ? 0 : -128;
    return {std::clamp(real.value / quant.scale + quant.zero_point, least, least + 255),
            0.5 + 1e-6 + 2 * real.slack / quant.scale};
}

double element(const Recipe& recipe, const Buffer& tensor, std::size_t i) {
    if (recipe.dtype == ElementType::uint8) return tensor[i];
    if (recipe.dtype == ElementType::int8) return static_cast<std::int8_t>(tensor[i]);
    float value = 0;
    std::memcpy(&value, &tensor[i * sizeof(float)], sizeof(float));
    return value;
}

// Every element of the tensor is made of its own byte of `bytes`, the output of resize().
void expect_values(const Recipe& recipe, PixelFormat format, const Buffer& bytes,
                   const Buffer& tensor) {
    const std::size_t area = index(recipe.height) * index(recipe.width);
    const std::size_t kept = bytes.size() / area, size = tensor.size() / area / 3;
    const bool bgr = format == PixelFormat::bgr || format == PixelFormat::bgra;
    const bool swap = bgr != (recipe.order == plan::ChannelOrder::bgr);
    const bool moderate = is_moderate(recipe);
    const std::uint8_t* same[3][256] = {};  // the first element of each byte
    for (std::size_t i = 0; i < area; ++i) {
        for (std::size_t c = 0; c < 3; ++c) {
            const std::size_t from = kept == 1 ? 0 : swap ? 2 - c : c;
            const std::uint8_t byte = bytes[i * kept + from];
            const std::size_t at = recipe.layout == plan::Layout::nchw ? c * area + i : 3 * i + c;
            const std::uint8_t*& first = same[c][byte];
            if (first == nullptr) {
                first = &tensor[at * size];
                if (!moderate) continue;
                const Mapped wanted = mapped(recipe, c, byte);
                expect(std::abs(element(recipe, tensor, at) - wanted.value) <= wanted.slack,
                       "a byte becomes what the recipe says");
            }
            expect(std::memcmp(first, &tensor[at * size], size) == 0,
                   "equal bytes of a channel become equal elements");
        }
    }
}

struct Output {
    Buffer tensor;
    Axes axes;
};

Output run(const Preprocess& plan, const FrameView& frame, std::uint8_t before) {
    const Recipe& recipe = plan.recipe();
    const std::size_t size = recipe.dtype == ElementType::float32 ? sizeof(float) : 1;
    Buffer tensor(3 * index(recipe.height) * index(recipe.width) * size, before);
    const Placement placement = plan.run(frame, tensor.data());
    return {std::move(tensor), expect_placement(recipe, frame, placement)};
}

// The pixels before they are scaled.
Buffer resized(const Preprocess& plan, const FrameView& frame) {
    Buffer bytes(index(plan.recipe().height) * index(plan.recipe().width) *
                 index(plan::resized_bytes_per_pixel(frame.format)));
    plan.resize(frame, bytes.data());
    return bytes;
}

// The input holds the pixels of the whole frame resized alone, where the placement says, and gray
// around them; a frame that keeps its size keeps its pixels.
void expect_pixels(const Recipe& recipe, const FrameView& frame, const Axes& axes,
                   const Buffer& found) {
    constexpr long long kMostPixels = 1 << 15;  // a crop can make millions of a narrow frame
    const Axis& x = axes.x;
    const Axis& y = axes.y;
    if (static_cast<long long>(x.resized) * y.resized > kMostPixels) return;
    Recipe alone = recipe;
    alone.fit = plan::Fit::stretch;
    alone.width = x.resized;
    alone.height = y.resized;
    const Buffer whole = resized(Preprocess(alone, cpu::kNone), frame);
    const std::size_t kept = index(plan::resized_bytes_per_pixel(frame.format));
    for (int row = 0; row < recipe.height; ++row) {
        for (int column = 0; column < recipe.width; ++column) {
            const int from_row = row - y.pad, from_column = column - x.pad;
            const bool inside = from_row >= 0 && from_row < y.resized && from_column >= 0 &&
                                from_column < x.resized;
            const auto* pixel = &found[(index(row) * index(recipe.width) + index(column)) * kept];
            if (!inside) {
                expect(std::all_of(pixel, pixel + kept,
                                   [&](std::uint8_t byte) { return byte == recipe.pad; }),
                       "around the frame lies gray");
                continue;
            }
            const std::size_t at = index(from_row) * index(x.resized) + index(from_column);
            expect(std::equal(pixel, pixel + kept, &whole[at * kept]),
                   "inside lie the pixels of the resized frame");
        }
    }
    if (is_yuv(frame.format) || x.resized != x.frame || y.resized != y.frame) return;
    const std::size_t bytes = index(plane_shape(frame.format, 0).pixel_bytes);
    for (int row = 0; row < y.frame; ++row) {
        const std::uint8_t* line = frame.planes[0].data + row * frame.planes[0].stride_bytes;
        for (std::size_t i = 0; i < index(x.frame); ++i) {
            expect(std::equal(line + i * bytes, line + i * bytes + kept,
                              &whole[(index(row) * index(x.frame) + i) * kept]),
                   "a frame that keeps its size keeps its pixels");
        }
    }
}

void check(Draws& draws) {
    const Recipe recipe = draw_recipe(draws);
    const Picture picture = draw_picture(draws), other = draw_picture(draws);

    const Preprocess scalar(recipe, cpu::kNone);
    const auto [wanted, axes] = run(scalar, picture.view, 0x00);
    const Buffer wanted_bytes = resized(scalar, picture.view);
    expect(run(scalar, picture.view, 0xff).tensor == wanted,
           "every element is written, each time alike");
    expect_pixels(recipe, picture.view, axes, wanted_bytes);
    expect_values(recipe, picture.view.format, wanted_bytes, wanted);

    const cpu::Features all = cpu::detected();
    for (const cpu::Features features : {cpu::kAvx2 & all, cpu::kNeon & all, all}) {
        if (features == cpu::kNone) continue;
        const Preprocess plan(recipe, features);
        expect(run(plan, picture.view, 0x00).tensor == wanted, plan.variants() + " equals scalar");
        expect(resized(plan, picture.view) == wanted_bytes, plan.variants() + " equals scalar");
        try {
            run(plan, other.view, 0x00);
        } catch (const Error&) {
            continue;
        }
        expect(run(plan, picture.view, 0x00).tensor == wanted, "a frame leaves nothing behind");
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
