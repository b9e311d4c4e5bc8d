#pragma once
// Where the elements of one case lie in guarded memory: against the page before them, against the
// page behind them, and at every offset that a vector can be off by.

#include <cstddef>
#include <span>
#include <vector>

#include "tests/guarded.hpp"
#include "tests/proof.hpp"

namespace ei::check {

struct Place {
    const char* name;
    std::size_t shift;  // the offset; for the pages a number that varies with the case

    Fact fact() const { return {name, static_cast<long long>(shift)}; }

    template <class T>
    std::span<T> of(Guarded<T>& memory, std::size_t count) const {
        if (name == kPageStart) return memory.against_start(count);
        if (name == kPageEnd) return memory.against_end(count);
        return memory.at(shift, count);
    }

    static constexpr char kPageStart[] = "page_start", kPageEnd[] = "page_end";
};

inline std::vector<Place> places(std::size_t varies, std::size_t offsets) {
    std::vector<Place> all{{Place::kPageStart, varies}, {Place::kPageEnd, varies + 1}};
    for (std::size_t shift = 0; shift < offsets; ++shift) all.push_back({"offset", shift});
    return all;
}

}  // namespace ei::check
