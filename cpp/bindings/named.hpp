#pragma once
// Names that Python passes for values of an enum of ours.

#include <cstddef>
#include <string>

#include "base/error.hpp"

namespace ei::bindings {

template <class Value>
struct Named {
    const char* name;
    Value value;
};

// The value of `name` in a table. Raises Error(input) with all names of the table.
template <class Value, std::size_t N>
Value named(const std::string& what, const std::string& name, const Named<Value> (&table)[N]) {
    std::string wanted;
    for (const Named<Value>& entry : table) {
        if (name == entry.name) return entry.value;
        if (!wanted.empty()) wanted += ", ";
        wanted += entry.name;
    }
    throw Error(ErrorKind::input, what + ": found '" + name + "'; wanted one of " + wanted);
}

}  // namespace ei::bindings
