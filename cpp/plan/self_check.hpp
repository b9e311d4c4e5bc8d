#pragma once
// Which variant of every kernel this machine uses, and whether all of them agree here.

#include <vector>

#include "cpu/features.hpp"
#include "plan/trial.hpp"

namespace ei::plan {

// One row of a table of variants.
struct VariantFacts {
    const char* operation;
    const char* variant;
    cpu::Features needs;
    bool available;  // its needs are met
    bool chosen;     // the first such: what plans use
};
std::vector<VariantFacts> list_variants(cpu::Features features = cpu::enabled());

// A variant that ran here.
struct VariantResult {
    const char* operation;
    const char* variant;
    bool equal;           // to scalar, to the last bit
    double times_scalar;  // scalar's time over its own; 1 for scalar
};
// Runs all available variants of the trials, taking turns: the best time of each counts.
std::vector<VariantResult> check_variants(const std::vector<Trial>& trials, cpu::Features features);

// The same for every operation; about 50 ms.
std::vector<VariantResult> check_variants(cpu::Features features = cpu::enabled());

}  // namespace ei::plan
