#pragma once
// An operation ready to be tried: all variants of its table on the same inputs.

#include <cstddef>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "kernels/variant.hpp"

namespace ei::plan {

struct Trial {
    struct Entry {
        const char* name;
        cpu::Features needs;
        // Writes all of `out`, which starts at a cache line.
        std::function<void(std::span<std::byte> out)> run;
    };
    const char* operation;
    std::size_t out_bytes;
    std::vector<Entry> variants;  // as in the table: scalar is the last
};

// call(fn, out) runs one variant, and keeps the inputs.
template <class Fn, std::size_t N, class Call>
Trial make_trial(const char* operation, const Variant<Fn> (&table)[N], std::size_t out_bytes,
                 Call call) {
    Trial trial{operation, out_bytes, {}};
    for (const Variant<Fn>& variant : table) {
        trial.variants.push_back(
            {variant.name, variant.needs,
             [call, fn = variant.fn](std::span<std::byte> out) { call(fn, out); }});
    }
    return trial;
}

// Every operation of cpp/kernels, on seeded inputs. Sizes end within a vector, so that the ends of
// loops are tried, too.
std::vector<Trial> make_trials();

}  // namespace ei::plan
