// Class scores of any geometry, type and value through the end of a network: the fused mask, the
// best classes, and ids that a graph's own ArgMax left.

#include <cmath>
#include <limits>
#include <numeric>
#include <type_traits>

#include "base/error.hpp"
#include "cpu/features.hpp"
#include "fuzz/draws.hpp"
#include "plan/class_map.hpp"
#include "plan/classify.hpp"
#include "plan/segment.hpp"

namespace ei::fuzz {
namespace {

template <class T>
constexpr ElementType kTypeOf = std::is_same_v<T, float>          ? ElementType::float32
                                : std::is_same_v<T, std::uint8_t> ? ElementType::uint8
                                                                  : ElementType::int8;

// NaN lowest, infinities at the limits, as the kernel's contract says.
double limited(double logit) {
    constexpr double kLimit = upsample_argmax::kLimit;
    return std::isnan(logit) ? -kLimit : std::clamp(logit, -kLimit, kLimit);
}

// An output pixel on every sample: the mask is the argmax of the logits, computed here the plain
// way.
template <class In, class Out>
void expect_argmax(const std::vector<In>& logits, std::size_t classes, std::size_t pixels,
                   const std::vector<Out>& mask) {
    for (std::size_t at = 0; at < pixels; ++at) {
        std::size_t best = 0;
        for (std::size_t c = 1; c < classes; ++c) {
            if (limited(logits[c * pixels + at]) > limited(logits[best * pixels + at])) best = c;
        }
        expect(mask[at] == best, "without a change of size the mask is the argmax");
    }
}

template <class Out>
void expect_areas(const std::vector<Out>& mask, const std::vector<std::int64_t>& areas) {
    std::vector<std::int64_t> counted(areas.size());
    for (const Out id : mask) {
        expect(id < areas.size(), "a mask holds class ids only");
        ++counted[id];
    }
    expect(counted == areas, "areas count the mask's pixels");
}

template <class In, class Out>
void segment(Draws& draws, int classes, plan::Corners corners) {
    const int height = draws.within(1, 12), width = draws.within(1, 24);
    const int out_height = draws.coin() ? draws.within(1, 64) : height;
    const int out_width = draws.coin() ? draws.within(1, 100) : width;
    const auto pixels = static_cast<std::size_t>(out_height) * static_cast<std::size_t>(out_width);
    const auto samples = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
    const std::vector<In> logits = draws.fill<In>(static_cast<std::size_t>(classes) * samples);
    std::vector<Out> wanted;
    std::vector<std::int64_t> wanted_areas;
    // Scalar first; then each variant that this CPU has.
    for (std::size_t v = std::size(upsample_argmax::kVariants); v-- > 0;) {
        const auto& variant = upsample_argmax::kVariants[v];
        if (!available(variant, cpu::detected())) continue;
        const plan::Segment plan(classes, height, width, out_height, out_width, corners,
                                 variant.needs);
        expect(plan.variant() == variant.name, "features choose the variant");
        expect(plan.wide() == (sizeof(Out) == 2), "more than 256 classes make a wide mask");
        std::vector<Out> mask(pixels, static_cast<Out>(-1));
        std::vector<std::int64_t> areas(static_cast<std::size_t>(classes), -1);
        plan.run({logits.data(), kTypeOf<In>, classes, height, width}, mask.data(), areas.data());
        expect_areas(mask, areas);
        if (wanted.empty()) {
            wanted = mask;
            wanted_areas = areas;
        }
        expect(mask == wanted && areas == wanted_areas, plan.variant() + " equals scalar");
    }
    if (out_height == height && out_width == width) {
        expect_argmax(logits, static_cast<std::size_t>(classes), samples, wanted);
    }
}

template <class In>
void segment(Draws& draws) {
    const plan::Corners corners =
        draws.coin() ? plan::Corners::align_corners : plan::Corners::half_pixel;
    if (draws.within(0, 15) == 15) {
        segment<In, std::uint16_t>(draws, draws.within(257, 700), corners);
    } else {
        segment<In, std::uint8_t>(draws, draws.within(1, 40), corners);
    }
}

void classify(Draws& draws) {
    const bool softmax = draws.coin(), wide = draws.coin();
    const std::int64_t k = draws.raw<std::int8_t>();
    const auto count = static_cast<std::size_t>(draws.within(0, 70));
    std::vector<double> scores = draws.fill<double>(count);
    if (!wide) {  // neighbours that softmax can tell apart, and ties
        const std::vector<std::int8_t> small = draws.fill<std::int8_t>(count);
        std::copy(small.begin(), small.end(), scores.begin());
    }
    const bool answered = std::any_of(scores.begin(), scores.end(), [&](double score) {
        return softmax ? score > -std::numeric_limits<double>::infinity() : !std::isnan(score);
    });
    plan::TopClasses top;
    try {
        top = plan::classify(scores, k, softmax);
    } catch (const Error& error) {
        expect(error.kind() == ErrorKind::input, "classify raises input errors only");
        expect(k < 1 || !answered, "classify refuses only what has no answer");
        return;
    }
    expect(k >= 1 && answered, "classify refuses what has no answer");
    const std::size_t found = std::min(count, static_cast<std::size_t>(k));
    expect(top.indices.size() == found && top.scores.size() == found, "the k best");
    std::vector<bool> seen(count);
    double sum = 0;
    for (std::size_t i = 0; i < found; ++i) {
        const auto index = static_cast<std::size_t>(top.indices[i]);
        expect(index < count && !seen[index], "indices are classes, each once");
        seen[index] = true;
        const double score = scores[index];
        if (i > 0) {
            const auto last = static_cast<std::size_t>(top.indices[i - 1]);
            expect(score < scores[last] || (score == scores[last] && index > last) ||
                       (std::isnan(score) && (!std::isnan(scores[last]) || index > last)),
                   "best first, the lower index first among equals, NaN last");
        }
        if (softmax) {
            expect(top.scores[i] >= 0 && top.scores[i] <= 1, "a probability");
            sum += static_cast<double>(top.scores[i]);
        }
    }
    if (softmax) expect(sum <= 1 + 1e-6, "probabilities sum up to at most 1");
    const double least = found == 0 ? 0 : scores[static_cast<std::size_t>(top.indices.back())];
    for (std::size_t i = 0; i < count; ++i) {
        expect(seen[i] || std::isnan(scores[i]) || scores[i] <= least, "nothing better is left");
    }
}

template <class Id>
void class_map(Draws& draws, ElementType type) {
    const auto pixels = static_cast<std::size_t>(draws.within(1, 90));
    std::vector<Id> ids = draws.fill<Id>(pixels);
    if (draws.coin()) {  // ids that a class map can hold
        for (Id& id : ids) id = static_cast<Id>(id & 0x7f);
    }
    const bool holds = std::all_of(ids.begin(), ids.end(), [](Id id) {
        return id >= 0 && static_cast<std::uint64_t>(id) <= 65535;
    });
    try {
        const plan::ClassMap map(ids.data(), type, pixels);
        expect(holds, "ids outside 0..65535 are refused");
        std::vector<std::uint8_t> mask(map.bytes());
        std::vector<std::int64_t> areas(static_cast<std::size_t>(map.classes()));
        map.write(mask.data(), areas.data());
        for (std::size_t i = 0; i < pixels; ++i) {
            std::uint64_t found = mask[map.wide() ? 2 * i : i];
            if (map.wide()) found |= std::uint64_t{mask[2 * i + 1]} << 8;
            expect(found == static_cast<std::uint64_t>(ids[i]), "ids are kept");
        }
        expect(std::accumulate(areas.begin(), areas.end(), std::int64_t{0}) ==
                   static_cast<std::int64_t>(pixels),
               "areas sum up to the pixels");
    } catch (const Error& error) {
        expect(error.kind() == ErrorKind::input && !holds, "ids within 0..65535 are taken");
    }
}

void class_map(Draws& draws) {
    switch (draws.within(0, 7)) {
        case 0:
            return class_map<std::int8_t>(draws, ElementType::int8);
        case 1:
            return class_map<std::uint8_t>(draws, ElementType::uint8);
        case 2:
            return class_map<std::int16_t>(draws, ElementType::int16);
        case 3:
            return class_map<std::uint16_t>(draws, ElementType::uint16);
        case 4:
            return class_map<std::int32_t>(draws, ElementType::int32);
        case 5:
            return class_map<std::uint32_t>(draws, ElementType::uint32);
        case 6:
            return class_map<std::int64_t>(draws, ElementType::int64);
        default:
            return class_map<std::uint64_t>(draws, ElementType::uint64);
    }
}

}  // namespace
}  // namespace ei::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ei::fuzz;
    Draws draws({data, size});
    switch (draws.within(0, 7)) {
        case 0:
            classify(draws);
            break;
        case 1:
            class_map(draws);
            break;
        case 2:
        case 3:
            segment<std::uint8_t>(draws);
            break;
        case 4:
        case 5:
            segment<std::int8_t>(draws);
            break;
        default:
            segment<float>(draws);
    }
    return 0;
}
