// Eight threads on one plan give what one thread gives. Meant for ThreadSanitizer: the plans share
// their latest tables and their scratch between threads, and frames of several sizes and formats
// make them replace both all the time.

#include <atomic>
#include <cstdio>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "plan/preprocess.hpp"
#include "plan/segment.hpp"

namespace {

using ei::plan::Resize;

constexpr int kThreads = 8;
constexpr int kRounds = 40;
constexpr int kSide = 48;

struct Picture {
    int width, height;
    ei::PixelFormat format;
    std::vector<std::uint8_t> bytes;

    ei::FrameView view() const {
        const std::ptrdiff_t stride =
            std::ptrdiff_t{width} * ei::plane_shape(format, 0).pixel_bytes;
        ei::FrameView view = ei::one_plane(bytes.data(), width, height, stride, format);
        if (format == ei::PixelFormat::nv12) {
            view.planes[1] = {bytes.data() + height * stride, stride};
        }
        return view;
    }
};

Picture make_picture(int width, int height, std::mt19937& random,
                     ei::PixelFormat format = ei::PixelFormat::rgb) {
    Picture picture{width, height, format, {}};
    picture.bytes.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
    for (std::uint8_t& byte : picture.bytes) byte = static_cast<std::uint8_t>(random());
    return picture;
}

// Runs work(k) from every thread, k going round; true if it always returned true.
template <class Work>
bool together(const Work& work) {
    std::atomic<bool> right{true};
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&, t] {
            for (int k = 0; k < kRounds; ++k) {
                if (!work(static_cast<std::size_t>(t + k))) right = false;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    return right;
}

bool preprocess(Resize resize) {
    std::mt19937 random(1);
    const std::vector<Picture> pictures = {make_picture(100, 70, random),
                                           make_picture(31, 90, random),
                                           make_picture(kSide, kSide, random),
                                           make_picture(2 * kSide, 2 * kSide, random),
                                           make_picture(100, 70, random, ei::PixelFormat::yuyv),
                                           make_picture(100, 70, random, ei::PixelFormat::nv12),
                                           make_picture(4056, 720, random)};  // made in bands
    ei::plan::Recipe recipe;
    recipe.height = recipe.width = kSide;
    recipe.resize = resize;
    recipe.fit = ei::plan::Fit::letterbox;
    const ei::plan::Preprocess plan(recipe);
    constexpr std::size_t kFloats = std::size_t{3} * kSide * kSide;
    std::vector<std::vector<float>> wanted;
    for (const Picture& picture : pictures) {
        wanted.emplace_back(kFloats);
        plan.run(picture.view(), wanted.back().data());
    }
    return together([&](std::size_t k) {
        const std::size_t at = k % pictures.size();
        std::vector<float> found(kFloats);
        plan.run(pictures[at].view(), found.data());
        return found == wanted[at];
    });
}

bool segment() {
    constexpr int kClasses = 7, kIn = 9, kOut = 64;
    std::mt19937 random(2);
    std::normal_distribution<float> normal;
    std::vector<float> logits(std::size_t{kClasses} * kIn * kIn);
    for (float& value : logits) value = normal(random);
    const ei::plan::Segment plan(kClasses, kIn, kIn, kOut, kOut, ei::plan::Corners::half_pixel);
    const ei::plan::LogitsView view{logits.data(), ei::ElementType::float32, kClasses, kIn, kIn};
    std::vector<std::uint8_t> wanted(std::size_t{kOut} * kOut);
    std::vector<std::int64_t> areas(kClasses);
    plan.run(view, wanted.data(), areas.data());
    return together([&](std::size_t) {
        std::vector<std::uint8_t> found(wanted.size());
        std::vector<std::int64_t> counted(kClasses);
        plan.run(view, found.data(), counted.data());
        return found == wanted && counted == areas;
    });
}

bool say(const char* name, bool right) {
    std::printf("%s, %d threads: %s\n", name, kThreads,
                right ? "as serial" : "DIFFERS from serial");
    return right;
}

}  // namespace

int main() {
    bool right = say("segment", segment());
    for (const ei::plan::Method& method : ei::plan::kMethods) {
        const std::string name = std::string("preprocess ") + method.name;
        right = say(name.c_str(), preprocess(method.resize)) && right;
    }
    return right ? 0 : 1;
}
