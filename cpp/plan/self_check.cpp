#include "plan/self_check.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>

#include "base/aligned_buffer.hpp"

namespace ei::plan {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr int kRounds = 7;
constexpr Seconds kTurn = std::chrono::microseconds(200);

// Until the clock's own cost is lost in it.
Seconds time_turn(const Trial::Entry& variant, std::span<std::byte> out) {
    const auto start = Clock::now();
    int runs = 0;
    Seconds spent{};
    do {
        variant.run(out);
        ++runs;
        spent = Clock::now() - start;
    } while (spent < kTurn);
    return spent / runs;
}

struct Tried {
    const Trial::Entry* variant;
    AlignedBuffer out;
    Seconds best{std::numeric_limits<double>::infinity()};

    Tried(const Trial::Entry& entry, std::size_t bytes) : variant(&entry), out(bytes) {}

    // Different fills, so that what a variant leaves unwritten is seen.
    void run(int fill) {
        std::memset(out.data(), fill, out.size());
        variant->run(span());
    }
    std::span<std::byte> span() noexcept { return out.as<std::byte>(); }
};

}  // namespace

std::vector<VariantFacts> list_variants(cpu::Features features) {
    std::vector<VariantFacts> facts;
    for (const Trial& trial : make_trials()) {
        bool chosen = false;
        for (const Trial::Entry& variant : trial.variants) {
            const bool available = (variant.needs & features) == variant.needs;
            facts.push_back(
                {trial.operation, variant.name, variant.needs, available, available && !chosen});
            chosen = chosen || available;
        }
    }
    return facts;
}

std::vector<VariantResult> check_variants(const std::vector<Trial>& trials,
                                          cpu::Features features) {
    std::vector<VariantResult> results;
    for (const Trial& trial : trials) {
        std::vector<Tried> tried;
        for (const Trial::Entry& variant : trial.variants) {
            if ((variant.needs & features) == variant.needs) {
                tried.emplace_back(variant, trial.out_bytes);
            }
        }
        Tried& scalar = tried.back();
        for (Tried& one : tried) one.run(&one == &scalar ? 0x5A : 0xA5);
        std::vector<bool> equal;
        for (const Tried& one : tried) {
            equal.push_back(std::memcmp(one.out.data(), scalar.out.data(), trial.out_bytes) == 0);
        }
        for (int round = 0; round < kRounds; ++round) {
            for (Tried& one : tried) {
                one.best = std::min(one.best, time_turn(*one.variant, one.span()));
            }
        }
        for (std::size_t i = 0; i < tried.size(); ++i) {
            results.push_back(
                {trial.operation, tried[i].variant->name, equal[i], scalar.best / tried[i].best});
        }
    }
    return results;
}

std::vector<VariantResult> check_variants(cpu::Features features) {
    return check_variants(make_trials(), features);
}

}  // namespace ei::plan
