#pragma once
// How a plan names the kernels it uses: "operation=variant operation=variant".

#include <string>

#include "kernels/variant.hpp"

namespace ei::plan {

template <class Fn, std::size_t N>
void name_variant(std::string& text, const char* operation, const Variant<Fn> (&table)[N],
                  cpu::Features features) {
    if (!text.empty()) text += ' ';
    text.append(operation).append("=").append(best(table, features).name);
}

}  // namespace ei::plan
