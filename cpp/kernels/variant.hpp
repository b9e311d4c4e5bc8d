#pragma once
// One table of variants per operation, best first, scalar last. Dispatch, check_kernels, benchmarks
// and self-checks all walk that table, so a new variant cannot be forgotten in one of them.

#include <cstddef>

#include "cpu/features.hpp"

namespace ei {

template <class Fn>
struct Variant {
    const char* name;
    cpu::Features needs;
    Fn fn;
};

template <class Fn>
constexpr bool available(const Variant<Fn>& variant, cpu::Features features) noexcept {
    return (variant.needs & features) == variant.needs;
}

// The first variant whose needs are met. Call it when a plan is built, never per row.
template <class Fn, std::size_t N>
constexpr const Variant<Fn>& best(const Variant<Fn> (&table)[N], cpu::Features features) noexcept {
    for (const Variant<Fn>& variant : table) {
        if (available(variant, features)) return variant;
    }
    return table[N - 1];  // scalar needs nothing
}

}  // namespace ei
