// The whole way from a frame to a tensor, with the variants a plan would choose: frames that end at
// a page, rows apart, canaries around the tensor, and no allocation once a frame size is known.

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "plan/preprocess.hpp"
#include "tests/proof.hpp"

namespace {
std::atomic<long long> allocations{0};
}

// Replaced for the whole program, so that allocations can be counted; AddressSanitizer has its own.
#if defined(__has_feature)
    #if __has_feature(address_sanitizer)
        #define EDGEINFER_ASAN 1
    #endif
#elif defined(__SANITIZE_ADDRESS__)
    #define EDGEINFER_ASAN 1
#endif
#if !defined(EDGEINFER_ASAN)
void* operator new(std::size_t bytes) {
    ++allocations;
    if (void* memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
    throw std::bad_alloc();
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    ++allocations;
    const auto step = static_cast<std::size_t>(alignment);
    if (void* memory = std::aligned_alloc(step, (bytes + step - 1) / step * step)) return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    std::free(memory);
}
#endif

namespace ei::check {
namespace {

using plan::Preprocess;
using plan::Recipe;

// A variant of the plan is the set of features it may use.
using Fn = cpu::Features (*)();
cpu::Features none() {
    return cpu::kNone;
}
#if defined(EDGEINFER_X86_64)
cpu::Features fastest() {
    return cpu::kAvx2;
}
#elif defined(EDGEINFER_ARM64)
cpu::Features fastest() {
    return cpu::kNeon;
}
#endif

constexpr Variant<Fn> kVariants[] = {
#if defined(EDGEINFER_X86_64)
    {"avx2", cpu::kAvx2, &fastest},
#elif defined(EDGEINFER_ARM64)
    {"neon", cpu::kNeon, &fastest},
#endif
    {"scalar", cpu::kNone, &none},
};

constexpr std::size_t kMostBytes = 4 * 130 * 150;
constexpr std::size_t kMostPixels = 130 * 130;

struct Size {
    int width, height;
};
// Growing, shrinking, halving, one axis kept, both kept, rows first, single pixels and lines. YUV
// frames are as large, or larger by the row or column that makes a side even.
constexpr Size kFrames[] = {{1, 1}, {2, 1}, {1, 9}, {37, 50}, {64, 64}, {130, 97}, {40, 120}};
constexpr Size kModels[] = {{1, 1}, {37, 25}, {18, 25}, {32, 32}, {64, 64}, {130, 20}};
constexpr PixelFormat kFormats[] = {PixelFormat::rgb,  PixelFormat::bgr,  PixelFormat::rgba,
                                    PixelFormat::bgra, PixelFormat::gray, PixelFormat::nv12,
                                    PixelFormat::nv21, PixelFormat::i420, PixelFormat::yuyv};

Recipe recipe_for(const Size& model, plan::Resize resize) {
    Recipe recipe;
    recipe.width = model.width;
    recipe.height = model.height;
    recipe.resize = resize;
    recipe.scale = 1.0 / 255;
    recipe.mean = {0.485, 0.456, 0.406};
    recipe.std = {0.229, 0.224, 0.225};
    return recipe;
}

// A plan of the variant and one of scalar.
struct Plans {
    Plans(const Recipe& recipe, Fn variant, Fn scalar)
        : one(recipe, variant()), other(recipe, scalar()) {}
    Preprocess one, other;
};

// The memory of frames, a plane each: no plane's neighbour hides a read outside of it.
struct Memory {
    Guarded<std::uint8_t> planes[3]{Guarded<std::uint8_t>(kMostBytes),
                                    Guarded<std::uint8_t>(kMostBytes),
                                    Guarded<std::uint8_t>(kMostBytes)};

    FrameView frame(const Size& size, PixelFormat format, bool page_end, int padding) {
        FrameView view;
        view.format = format;
        const bool half_height = plane_shape(format, 1).half_height;
        const bool half_width = half_height || format == PixelFormat::yuyv;
        view.width = size.width + (half_width ? size.width % 2 : 0);
        view.height = size.height + (half_height ? size.height % 2 : 0);
        for (int p = 0; p < plane_count(format); ++p) {
            const PlaneShape shape = plane_shape(format, p);
            const int width = shape.half_width ? view.width / 2 : view.width;
            const int height = shape.half_height ? view.height / 2 : view.height;
            const std::ptrdiff_t row = std::ptrdiff_t{width} * shape.pixel_bytes;
            const std::ptrdiff_t stride = row + padding;
            // The last row has no padding behind it.
            const auto bytes = static_cast<std::size_t>((height - 1) * stride + row);
            const auto pixels =
                page_end ? planes[p].against_end(bytes) : planes[p].against_start(bytes);
            fill_random<std::uint8_t>(pixels, static_cast<std::uint32_t>(bytes), 0, 255);
            view.planes[p] = {pixels.data(), stride};
        }
        view.matrix = page_end ? Matrix::bt709 : Matrix::bt601;
        view.full_range = padding > 0;
        return view;
    }
};

template <class Element>
struct Tensors {
    Output<Element> found{3 * kMostPixels, 0xA5}, wanted{3 * kMostPixels, 0x5A};

    void compare(const Plans& plans, const FrameView& frame, Proof& proof) {
        const Recipe& recipe = plans.one.recipe();
        const std::size_t elements =
            3 * static_cast<std::size_t>(recipe.width) * static_cast<std::size_t>(recipe.height);
        plans.one.run(frame, found.prepare(elements, 5).data());
        plans.other.run(frame, wanted.prepare(elements).data());
        proof.equal("tensor", found.elements(), wanted.elements());
        proof.intact("tensor", found);

        Element* again = found.prepare(elements, 3).data();
        const long long before = allocations;
        plans.one.run(frame, again);
        proof.expect(allocations == before, "a known frame size allocates");
    }
};

struct Comparison {
    Memory memory;
    Tensors<float> floats;
    Tensors<std::uint8_t> bytes;

    void each_frame(const Plans& plans, Proof& proof) {
        const Recipe& recipe = plans.one.recipe();
        for (const Size& size : kFrames) {
            for (const PixelFormat format : kFormats) {
                for (const bool page_end : {false, true}) {
                    const int padding = page_end ? 5 : 0;
                    proof.next({{"resize", static_cast<long long>(recipe.resize)},
                                {"fit", static_cast<long long>(recipe.fit)},
                                {"layout", static_cast<long long>(recipe.layout)},
                                {"dtype", static_cast<long long>(recipe.dtype)},
                                {"format", static_cast<long long>(format)},
                                {"width", size.width},
                                {"height", size.height},
                                {"model_width", recipe.width},
                                {"model_height", recipe.height},
                                {"padding", padding},
                                {"page_end", page_end}});
                    const FrameView frame = memory.frame(size, format, page_end, padding);
                    if (recipe.dtype == ElementType::float32) {
                        floats.compare(plans, frame, proof);
                    } else {
                        bytes.compare(plans, frame, proof);
                    }
                }
            }
        }
    }
};

// Every format x resize x fit x layout x type.
void prove(Fn variant, Fn scalar, Proof& proof) {
    Comparison comparison;
    for (const plan::Method& method : plan::kMethods) {
        for (const auto fit : {plan::Fit::stretch, plan::Fit::letterbox, plan::Fit::crop}) {
            for (const auto layout : {plan::Layout::nchw, plan::Layout::nhwc}) {
                for (const auto type :
                     {ElementType::float32, ElementType::uint8, ElementType::int8}) {
                    for (const Size& model : kModels) {
                        Recipe recipe = recipe_for(model, method.resize);
                        recipe.fit = fit;
                        recipe.layout = layout;
                        recipe.dtype = type;
                        recipe.order = layout == plan::Layout::nchw ? plan::ChannelOrder::rgb
                                                                    : plan::ChannelOrder::bgr;
                        if (type != ElementType::float32) recipe.quant = plan::Quant{0.0187, 11};
                        comparison.each_frame(Plans(recipe, variant, scalar), proof);
                    }
                }
            }
        }
    }
}

template <plan::Resize kResize>
double time_full_hd(Fn features) {
    constexpr Size kFrame{1920, 1080}, kModel{512, 512};
    static const std::vector<std::uint8_t> pixels(3 * kFrame.width * kFrame.height, 77);
    static std::vector<float> tensor(3 * kModel.width * kModel.height);
    const Preprocess plan(recipe_for(kModel, kResize), features());
    const FrameView frame =
        one_plane(pixels.data(), kFrame.width, kFrame.height, 3 * kFrame.width, PixelFormat::rgb);
    return ns_per_pixel(kModel.width * kModel.height, [&] { plan.run(frame, tensor.data()); });
}

const Registration registered{
    "preprocess",
    kVariants,
    &prove,
    {{"1080p RGB to 512x512 PIL_BILINEAR", &time_full_hd<plan::Resize::pil_bilinear>},
     {"1080p RGB to 512x512 CV2_LINEAR", &time_full_hd<plan::Resize::cv2_linear>},
     {"1080p RGB to 512x512 CV2_AREA", &time_full_hd<plan::Resize::cv2_area>}}};

}  // namespace
}  // namespace ei::check
