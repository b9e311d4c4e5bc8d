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
// Growing, shrinking, halving, one axis kept, both kept, rows first, single pixels and lines.
constexpr Size kFrames[] = {{1, 1}, {2, 1}, {1, 9}, {37, 50}, {64, 64}, {130, 97}, {40, 120}};
constexpr Size kModels[] = {{1, 1}, {37, 25}, {18, 25}, {32, 32}, {64, 64}, {65, 97}, {130, 20}};

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

void prove(Fn variant, Fn scalar, Proof& proof) {
    Guarded<std::uint8_t> memory(kMostBytes);
    Output<float> found(3 * kMostPixels, 0xA5), wanted(3 * kMostPixels, 0x5A);
    Output<std::uint8_t> found_bytes(3 * kMostPixels, 0xA5), wanted_bytes(3 * kMostPixels, 0x5A);

    const auto compare = [&](const Preprocess& one, const Preprocess& other, FrameView frame,
                             bool page_end, int padding) {
        proof.next({{"resize", static_cast<long long>(one.recipe().resize)},
                    {"format", static_cast<long long>(frame.format)},
                    {"width", frame.width},
                    {"height", frame.height},
                    {"model_width", one.recipe().width},
                    {"model_height", one.recipe().height},
                    {"padding", padding},
                    {"page_end", page_end}});
        const std::ptrdiff_t row =
            std::ptrdiff_t{frame.width} * plane_shape(frame.format, 0).pixel_bytes;
        const std::ptrdiff_t stride = row + padding;
        // The last row has no padding behind it.
        const auto bytes = static_cast<std::size_t>((frame.height - 1) * stride + row);
        const auto pixels = page_end ? memory.against_end(bytes) : memory.against_start(bytes);
        fill_random<std::uint8_t>(pixels, static_cast<std::uint32_t>(bytes), 0, 255);
        frame.planes[0] = {pixels.data(), stride};

        const std::size_t area = static_cast<std::size_t>(one.recipe().width) *
                                 static_cast<std::size_t>(one.recipe().height);
        one.run(frame, found.prepare(3 * area, 5).data());
        other.run(frame, wanted.prepare(3 * area).data());
        proof.equal("tensor", found.elements(), wanted.elements());
        proof.intact("tensor", found);
        const auto kept = static_cast<std::size_t>(plan::resized_bytes_per_pixel(frame.format));
        one.resize(frame, found_bytes.prepare(kept * area, 7).data());
        other.resize(frame, wanted_bytes.prepare(kept * area).data());
        proof.equal("bytes", found_bytes.elements(), wanted_bytes.elements());
        proof.intact("bytes", found_bytes);

        float* again = found.prepare(3 * area, 3).data();
        const long long before = allocations;
        one.run(frame, again);
        proof.expect(allocations == before, "a known frame size allocates");
    };
    for (const auto resize :
         {plan::Resize::pil_bilinear, plan::Resize::cv2_linear, plan::Resize::cv2_area}) {
        for (const Size& model : kModels) {
            const Preprocess one(recipe_for(model, resize), variant());
            const Preprocess other(recipe_for(model, resize), scalar());
            for (const Size& size : kFrames) {
                for (const PixelFormat format :
                     {PixelFormat::rgb, PixelFormat::bgr, PixelFormat::rgba, PixelFormat::bgra,
                      PixelFormat::gray}) {
                    for (const bool page_end : {false, true}) {
                        for (const int padding : {0, 5}) {
                            FrameView frame;
                            frame.width = size.width;
                            frame.height = size.height;
                            frame.format = format;
                            compare(one, other, frame, page_end, padding);
                        }
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
