#include "kernels/upsample_argmax/upsample_argmax.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "plan/segment.hpp"
#include "tests/proof.hpp"

namespace ei::check {
namespace {

using namespace upsample_argmax;

// What the logits look like. Vector variants leave classes out that cannot win, so every kind that
// could mislead them is here.
enum Kind {
    noise,      // nothing can be left out
    regions,    // as a trained network gives: one class rules, another beyond the border
    ties,       // few distinct numbers: equal values everywhere
    near_ties,  // all values a few roundings apart
    one_value,
    wild,    // every magnitude, NaN, infinities
    masked,  // some classes minus infinity everywhere
    subnormal,
    kKinds,
};

float regions_logit(int c, int y, int x, int height, int width, std::uint32_t draw) {
    const auto hash = static_cast<std::uint32_t>(c) * 2654435761u;
    const auto cy = static_cast<float>(hash >> 8 & 255) / 255 * static_cast<float>(height);
    const auto cx = static_cast<float>(hash >> 16 & 255) / 255 * static_cast<float>(width);
    const float distance = std::hypot(static_cast<float>(y) - cy, static_cast<float>(x) - cx);
    return 10 - 40 * distance / static_cast<float>(height + width) +
           static_cast<float>(draw & 1023) / 2048;
}

float float_logit(Kind kind, int c, int y, int x, int height, int width, std::mt19937& bits) {
    const auto draw = static_cast<std::uint32_t>(bits());
    const float unit = static_cast<float>(draw) * 0x1p-31f - 1;
    switch (kind) {
        case noise:
            return 5 * unit;
        case regions:
            return regions_logit(c, y, x, height, width, draw);
        case ties:
            return static_cast<float>(draw % 3);
        case near_ties:
            return 3 + static_cast<float>(draw % 9) * 0x1p-22f;
        case one_value:
            return 0.1f;
        case wild: {
            constexpr float kOdd[] = {std::numeric_limits<float>::quiet_NaN(),
                                      std::numeric_limits<float>::infinity(),
                                      -std::numeric_limits<float>::infinity(),
                                      std::numeric_limits<float>::max(),
                                      std::numeric_limits<float>::lowest(),
                                      kLimit,
                                      -kLimit,
                                      0.0f,
                                      -0.0f};
            return draw % 4 == 0 ? kOdd[bits() % std::size(kOdd)]
                                 : std::ldexp(unit, static_cast<int>(bits() % 250) - 125);
        }
        case masked:
            return c % 3 == 1 ? -std::numeric_limits<float>::infinity() : 5 * unit;
        default:
            return unit * 0x1p-140f;
    }
}

template <class T>
T logit(Kind kind, int c, int y, int x, int height, int width, std::mt19937& bits) {
    if constexpr (std::is_same_v<T, float>) {
        return float_logit(kind, c, y, x, height, width, bits);
    } else {
        float value = float_logit(kind == wild || kind == subnormal ? ties : kind, c, y, x, height,
                                  width, bits);
        if (!std::isfinite(value)) value = -100;
        return static_cast<T>(std::clamp(value * 8 + (std::is_signed_v<T> ? 0 : 90),
                                         std::is_signed_v<T> ? -128.0f : 0.0f,
                                         std::is_signed_v<T> ? 127.0f : 255.0f));
    }
}

struct Case {
    int classes, height, width, out_height, out_width;
    plan::Corners corners;
    Kind kind;
    int pad;     // elements between rows, between classes, and between rows of the mask
    int offset;  // elements; 64 and 65: input against the first and the last page
};

constexpr std::size_t kInput = 1u << 16;
constexpr std::size_t kOutput = 1u << 16;
constexpr std::size_t kClasses = 700;
constexpr std::size_t kScratch = 1u << 20;

template <class In, class Out>
class Prover {
  public:
    Prover(Fn variant, Fn scalar, Proof& proof)
        : variant_(variant), scalar_(scalar), proof_(proof) {}

    void operator()(const Case& c) {
        const auto pad = static_cast<std::size_t>(c.pad);
        const std::size_t row_stride = static_cast<std::size_t>(c.width) + pad;
        const std::size_t class_stride = static_cast<std::size_t>(c.height) * row_stride + pad;
        const std::size_t mask_stride = static_cast<std::size_t>(c.out_width) + pad;
        const auto rows = static_cast<std::size_t>(c.out_height);
        const std::size_t needed = static_cast<std::size_t>(c.classes - 1) * class_stride +
                                   static_cast<std::size_t>(c.height - 1) * row_stride +
                                   static_cast<std::size_t>(c.width);
        const std::size_t written =
            (rows - 1) * mask_stride + static_cast<std::size_t>(c.out_width);
        const plan::Segment plan(c.classes, c.height, c.width, c.out_height, c.out_width, c.corners,
                                 cpu::kNone);
        const Geometry geometry = plan.geometry();
        const std::size_t scratch = scratch_bytes(geometry);
        if (needed > kInput || written > kOutput || scratch > kScratch) return;

        proof_.next({{"bytes_in", sizeof(In)},
                     {"classes", c.classes},
                     {"height", c.height},
                     {"width", c.width},
                     {"out_height", c.out_height},
                     {"out_width", c.out_width},
                     {"align_corners", c.corners == plan::Corners::align_corners},
                     {"kind", c.kind},
                     {"pad", c.pad},
                     {"offset", c.offset}});
        const auto offset = static_cast<std::size_t>(c.offset);
        const std::span<In> logits = offset == 64   ? input_.against_start(needed)
                                     : offset == 65 ? input_.against_end(needed)
                                                    : input_.at(offset, needed);
        bits_.seed(static_cast<std::uint32_t>(proof_.cases()));
        std::fill(logits.begin(), logits.end(), In{});
        for (int k = 0; k < c.classes; ++k) {
            for (int y = 0; y < c.height; ++y) {
                for (int x = 0; x < c.width; ++x) {
                    logits[static_cast<std::size_t>(k) * class_stride +
                           static_cast<std::size_t>(y) * row_stride + static_cast<std::size_t>(x)] =
                        logit<In>(c.kind, k, y, x, c.height, c.width, bits_);
                }
            }
        }

        const auto classes = static_cast<std::size_t>(c.classes);
        const auto run = [&](Fn fn, Output<Out>& mask, Output<std::int64_t>& areas) {
            Out* const pixels = mask.prepare(written, offset % 37).data();
            fn(geometry,
               {logits.data(),
                std::is_same_v<In, float>          ? ElementType::float32
                : std::is_same_v<In, std::uint8_t> ? ElementType::uint8
                                                   : ElementType::int8,
                class_stride, row_stride},
               {pixels, mask_stride, areas.prepare(classes).data()},
               scratch_.prepare(scratch).data());
        };
        run(scalar_, wanted_, wanted_areas_);
        run(variant_, found_, found_areas_);
        // Both fills are equal, so this also finds a write between two rows.
        proof_.equal("mask", found_.elements(), wanted_.elements());
        proof_.equal("areas", found_areas_.elements(), wanted_areas_.elements());
        proof_.intact("mask", found_);
        proof_.intact("areas", found_areas_);
        proof_.intact("scratch", scratch_);
        std::int64_t sum = 0;
        for (const std::int64_t area : found_areas_.elements()) sum += area;
        proof_.expect(sum == std::int64_t{c.out_height} * c.out_width, "areas do not sum up");
    }

  private:
    Fn variant_, scalar_;
    Proof& proof_;
    std::mt19937 bits_;
    Guarded<In> input_{kInput};
    Output<Out> found_{kOutput, 0xA5}, wanted_{kOutput, 0xA5};
    Output<std::int64_t> found_areas_{kClasses, 0xA5}, wanted_areas_{kClasses, 0xA5};
    Output<std::byte> scratch_{kScratch, 0xFF};  // as floats: NaN
};

template <class In>
void prove_type(Fn variant, Fn scalar, Proof& proof) {
    Prover<In, std::uint8_t> narrow(variant, scalar, proof);
    Prover<In, std::uint16_t> wide(variant, scalar, proof);
    const auto check = [&](const Case& c) { c.classes > 256 ? wide(c) : narrow(c); };
    using enum plan::Corners;

    // Every output width around the vectors, from columns around them.
    for (const int width : {1, 2, 3, 7, 8, 9, 17, 40}) {
        for (int out_width = 1; out_width <= 70; ++out_width) {
            const auto kind = static_cast<Kind>(out_width % kKinds);
            check({11, 3, width, 5, out_width, half_pixel, kind, 0, 65});
            check({5, 2, width, 9, out_width, align_corners, kind, 3, 64});
        }
    }
    // Every count of classes around the vectors, and the change to 16 bits.
    for (const int classes :
         {2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 21, 31, 33, 64, 150, 255, 256, 257, 258, 300, 600}) {
        for (int kind = 0; kind < kKinds; ++kind) {
            check({classes, 4, 5, 19, 37, half_pixel, static_cast<Kind>(kind), 0, 65});
            check({classes, 3, 6, 24, 48, align_corners, static_cast<Kind>(kind), 1, kind});
        }
    }
    // Every offset of the input and of the mask.
    for (int offset = 0; offset < 64; ++offset) {
        for (const Kind kind : {noise, regions, near_ties}) {
            check({21, 5, 9, 40, 72, half_pixel, kind, offset % 5, offset});
        }
    }
    // Anything with anything.
    std::mt19937 bits(11);
    const auto draw = [&](int most) {
        return 1 + static_cast<int>(bits() % static_cast<std::uint32_t>(most));
    };
    for (int i = 0; i < 4000; ++i) {
        const int height = draw(12);
        const int width = draw(24);
        check({1 + draw(30), height, width, draw(6) == 1 ? draw(60) : height * draw(9),
               draw(4) == 1 ? draw(200) : width * draw(9),
               draw(2) == 1 ? half_pixel : align_corners, static_cast<Kind>(i % kKinds),
               draw(3) - 1, draw(66) - 1});
    }
}

void prove(Fn variant, Fn scalar, Proof& proof) {
    prove_type<float>(variant, scalar, proof);
    prove_type<std::uint8_t>(variant, scalar, proof);
    prove_type<std::int8_t>(variant, scalar, proof);
}

template <class In, Kind kKind>
double time_mask(Fn fn, int classes, int low, int high) {
    const plan::Segment plan(classes, low, low, high, high, plan::Corners::half_pixel);
    const Geometry geometry = plan.geometry();
    const auto side = static_cast<std::size_t>(low);
    const auto pixels = static_cast<std::size_t>(high) * static_cast<std::size_t>(high);
    std::vector<In> logits;
    std::mt19937 bits(5);
    for (int c = 0; c < classes; ++c) {
        for (int y = 0; y < low; ++y) {
            for (int x = 0; x < low; ++x) {
                logits.push_back(logit<In>(kKind, c, y, x, low, low, bits));
            }
        }
    }
    std::vector<std::uint8_t> mask(pixels);
    std::vector<std::int64_t> areas(static_cast<std::size_t>(classes));
    AlignedBuffer scratch(scratch_bytes(geometry));
    return ns_per_pixel(pixels, [&] {
        fn(geometry,
           {logits.data(), sizeof(In) == 1 ? ElementType::int8 : ElementType::float32, side * side,
            side},
           {mask.data(), static_cast<std::size_t>(high), areas.data()}, scratch.data());
    });
}

const Registration registered{
    "upsample_argmax",
    kVariants,
    &prove,
    {{"21 x 64 x 64 to 512 x 512, regions",
      [](Fn fn) { return time_mask<float, regions>(fn, 21, 64, 512); }},
     {"21 x 64 x 64 to 512 x 512, regions of int8",
      [](Fn fn) { return time_mask<std::int8_t, regions>(fn, 21, 64, 512); }},
     {"21 x 64 x 64 to 512 x 512, noise",
      [](Fn fn) { return time_mask<float, noise>(fn, 21, 64, 512); }},
     {"150 x 128 x 128 to 512 x 512, regions",
      [](Fn fn) { return time_mask<float, regions>(fn, 150, 128, 512); }},
     {"21 x 256 x 256 to 256 x 256, regions",
      [](Fn fn) { return time_mask<float, regions>(fn, 21, 256, 256); }}}};

}  // namespace
}  // namespace ei::check
