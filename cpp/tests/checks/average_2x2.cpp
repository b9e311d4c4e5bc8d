#include "kernels/average_2x2/average_2x2.hpp"

#include <cstdint>

#include "tests/proof.hpp"

namespace ei::check {
namespace {

using namespace average_2x2;

constexpr std::size_t kMost = 1100;

void prove(Fn variant, Fn scalar, Proof& proof) {
    Guarded<std::uint8_t> upper(8 * kMost), lower(8 * kMost);
    Output<std::uint8_t> found(4 * kMost, 0xA5), wanted(4 * kMost, 0x5A);

    for (const std::size_t pixel_bytes : {1u, 2u, 3u, 4u}) {
        const auto compare = [&](std::span<std::uint8_t> above, std::span<std::uint8_t> below,
                                 std::size_t outputs, std::size_t shift) {
            fill_random<std::uint8_t>(above, static_cast<std::uint32_t>(shift), 0, 255);
            fill_random<std::uint8_t>(below, static_cast<std::uint32_t>(shift + 1), 0, 255);
            const std::size_t made = outputs * (pixel_bytes == 1 ? 1 : 4);
            variant(above.data(), below.data(), pixel_bytes, outputs,
                    found.prepare(made, shift % 64).data());
            scalar(above.data(), below.data(), pixel_bytes, outputs, wanted.prepare(made).data());
            proof.equal("row", found.elements(), wanted.elements());
            proof.intact("row", found);
        };
        for (const std::size_t outputs : sizes_around_vectors()) {
            const auto fact = [&](const char* place, std::size_t value) {
                proof.next({{"outputs", static_cast<long long>(outputs)},
                            {"pixel_bytes", static_cast<long long>(pixel_bytes)},
                            {place, static_cast<long long>(value)}});
            };
            const std::size_t bytes = 2 * outputs * pixel_bytes;
            fact("page_start", 1);
            compare(upper.against_start(bytes), lower.against_start(bytes), outputs, outputs);
            fact("page_end", 1);
            compare(upper.against_end(bytes), lower.against_end(bytes), outputs, outputs);
            for (std::size_t shift = 0; shift < 64; ++shift) {
                fact("offset", shift);
                compare(upper.at(shift, bytes), lower.at((shift + 9) % 64, bytes), outputs, shift);
            }
        }
    }
}

template <std::size_t kPixelBytes>
double time_row(Fn fn) {
    constexpr std::size_t kOutputs = 512;
    static const std::vector<std::uint8_t> rows(4 * kPixelBytes * kOutputs, 77);
    static std::vector<std::uint8_t> made(4 * kOutputs);
    return ns_per_pixel(kOutputs, [&] {
        fn(rows.data(), rows.data() + 2 * kPixelBytes * kOutputs, kPixelBytes, kOutputs,
           made.data());
    });
}

const Registration registered{"average_2x2",
                              kVariants,
                              &prove,
                              {{"1024 to 512 RGB", &time_row<3>},
                               {"1024 to 512 chroma", &time_row<2>},
                               {"1024 to 512 gray", &time_row<1>}}};

}  // namespace
}  // namespace ei::check
