#pragma once
// What a file of tests/checks/ provides for its operation: a proof that a variant equals scalar,
// and the timings of one run. Walking the operation's table is done here, so a variant added to a
// table is proven and timed without another line.
//
//   void prove(Fn variant, Fn scalar, Proof& proof);      // both are called on equal inputs
//   double row_1080p(Fn variant);                         // ns per pixel of one short run
//   const Registration registered{"pack_planar", kVariants, &prove, {{"1920 pixels", &row_1080p}}};

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <random>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cpu/features.hpp"
#include "kernels/variant.hpp"
#include "tests/guarded.hpp"

namespace ei::check {

struct Fact {
    const char* name;
    long long value;
};

// Counts the cases of one variant and keeps the first few that failed.
class Proof {
  public:
    // Begins a case; the facts name it if it fails or faults.
    void next(std::initializer_list<Fact> facts) {
        ++cases_;
        facts_.assign(facts);
    }
    // Equal to the last bit, for every element type.
    template <class T>
    void equal(const char* what, std::span<T> found, std::span<T> wanted) {
        if (found.size_bytes() == wanted.size_bytes() &&
            std::memcmp(found.data(), wanted.data(), found.size_bytes()) == 0) {
            return;
        }
        std::size_t at = 0;
        while (at < found.size() && at < wanted.size() &&
               std::memcmp(&found[at], &wanted[at], sizeof(T)) == 0) {
            ++at;
        }
        const bool inside = at < found.size() && at < wanted.size();
        fail(std::string(what) + " differs from element " + std::to_string(at) +
             (inside ? ": found " + std::to_string(found[at]) + ", wanted " +
                           std::to_string(wanted[at])
                     : ""));
    }
    template <class T>
    void intact(const char* what, const Output<T>& output) {
        if (!output.intact()) fail(std::string(what) + ": wrote outside of its elements");
    }
    void expect(bool holds, const char* what) {
        if (!holds) fail(what);
    }

    std::string case_name() const {
        std::string text;
        for (const Fact& fact : facts_) {
            if (!text.empty()) text += ' ';
            text.append(fact.name).append("=").append(std::to_string(fact.value));
        }
        return text;
    }
    long long cases() const noexcept { return cases_; }
    long long failed() const noexcept { return failed_; }
    const std::vector<std::string>& failures() const noexcept { return failures_; }

  private:
    void fail(const std::string& what) {
        ++failed_;
        if (failures_.size() < 5) failures_.push_back(case_name() + ": " + what);
    }

    long long cases_ = 0;
    long long failed_ = 0;
    std::vector<Fact> facts_;
    std::vector<std::string> failures_;
};

// One row of a table with its proof and timings, the function type forgotten.
struct VariantCheck {
    std::string operation;
    std::string variant;
    cpu::Features needs;
    std::function<void(Proof&)> prove;
    struct Timing {
        std::string name;
        std::function<double()> ns_per_pixel;
    };
    std::vector<Timing> timings;
};

inline std::vector<VariantCheck>& registered_checks() {
    static std::vector<VariantCheck> checks;
    return checks;
}

template <class Fn>
struct Timed {
    const char* name;
    double (*ns_per_pixel)(Fn);
};

struct Registration {
    template <class Fn, std::size_t N>
    Registration(const char* operation, const Variant<Fn> (&table)[N],
                 void (*prove)(Fn, Fn, Proof&),
                 std::initializer_list<Timed<std::type_identity_t<Fn>>> timings) {
        const Fn scalar = table[N - 1].fn;
        for (const Variant<Fn>& variant : table) {
            VariantCheck check{operation, variant.name, variant.needs, {}, {}};
            check.prove = [prove, fn = variant.fn, scalar](Proof& proof) {
                prove(fn, scalar, proof);
            };
            for (const Timed<Fn>& timing : timings) {
                check.timings.push_back({timing.name, [run = timing.ns_per_pixel, fn = variant.fn] {
                                             return run(fn);
                                         }});
            }
            registered_checks().push_back(std::move(check));
        }
    }
};

// Nanoseconds per pixel of `work`: the best of a few milliseconds. Each measurement repeats the
// work until the clock's own cost is lost in it, and no longer, since another process may interrupt
// it.
template <class Work>
double ns_per_pixel(std::size_t pixels, const Work& work) {
    using Clock = std::chrono::steady_clock;
    using Nanoseconds = std::chrono::duration<double, std::nano>;
    constexpr Nanoseconds kBatch = std::chrono::microseconds(50);
    constexpr Nanoseconds kTotal = std::chrono::milliseconds(3);
    const auto time = [&](long long rounds) {
        const auto start = Clock::now();
        for (long long i = 0; i < rounds; ++i) work();
        return Nanoseconds(Clock::now() - start);
    };
    long long rounds = 1;
    while (time(rounds) < kBatch) rounds *= 2;
    Nanoseconds best = time(rounds);
    for (Nanoseconds spent = best; spent < kTotal;) {
        const Nanoseconds taken = time(rounds);
        spent += taken;
        if (taken < best) best = taken;
    }
    return best.count() / (static_cast<double>(rounds) * static_cast<double>(pixels));
}

// Sizes where vector loops end: everything up to `dense`, then around multiples of wider steps.
inline std::vector<std::size_t> sizes_around_vectors(std::size_t dense = 130) {
    std::vector<std::size_t> sizes;
    for (std::size_t n = 1; n <= dense; ++n) sizes.push_back(n);
    for (const std::size_t n : {224u, 255u, 256u, 257u, 511u, 512u, 513u, 1000u, 1023u}) {
        if (n > dense) sizes.push_back(n);
    }
    return sizes;
}

// Seeded, so that a failing case can be repeated.
template <class T>
void fill_random(std::span<T> values, std::uint32_t seed, T low, T high) {
    std::mt19937 bits(seed);
    if constexpr (std::is_floating_point_v<T>) {
        std::uniform_real_distribution<T> draw(low, high);
        for (T& value : values) value = draw(bits);
    } else {
        std::uniform_int_distribution<long long> draw(low, high);
        for (T& value : values) value = static_cast<T>(draw(bits));
    }
}

}  // namespace ei::check
