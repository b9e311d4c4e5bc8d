// The check that `doctor` runs: does it see a variant that is wrong?

#include "plan/self_check.hpp"

#include <cstdint>

#include "tests/proof.hpp"

namespace ei::check {
namespace {

using Fn = void (*)(std::span<std::byte> out) noexcept;

void right(std::span<std::byte> out) noexcept {
    for (std::byte& byte : out) byte = std::byte{7};
}
void one_bit_off(std::span<std::byte> out) noexcept {
    right(out);
    out.back() ^= std::byte{1};
}
void leaves_the_last_out(std::span<std::byte> out) noexcept {
    right(out.first(out.size() - 1));
}

constexpr cpu::Features kMissing = 1u << 31;
constexpr Variant<Fn> kBroken[] = {
    {"of another CPU", kMissing, &one_bit_off},
    {"one bit off", cpu::kNone, &one_bit_off},
    {"leaves the last out", cpu::kNone, &leaves_the_last_out},
    {"right", cpu::kNone, &right},
    {"scalar", cpu::kNone, &right},
};

void prove(Fn, Fn, Proof& proof) {
    const std::vector<plan::Trial> trials = {
        plan::make_trial("broken", kBroken, 100, [](Fn fn, std::span<std::byte> out) { fn(out); })};
    const auto results = plan::check_variants(trials, cpu::kNone);
    proof.next({{"variants", static_cast<long long>(results.size())}});
    proof.expect(results.size() == 4, "what the CPU lacks was run, or another was not");
    proof.expect(!results[0].equal, "one wrong bit was not seen");
    proof.expect(!results[1].equal, "an element left unwritten was not seen");
    proof.expect(results[2].equal && results[3].equal, "a right variant was called wrong");

    for (const plan::VariantResult& found : plan::check_variants(cpu::enabled())) {
        proof.next({});
        proof.expect(found.equal, found.operation);
    }
}

constexpr Variant<Fn> kVariants[] = {{"scalar", cpu::kNone, &right}};
const Registration registered{"self_check", kVariants, &prove, {}};

}  // namespace
}  // namespace ei::check
