#pragma once
// Initialisers that an edit adds, and those that it leaves without a reader.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "graph/editor.hpp"
#include "graph/links.hpp"
#include "graph/model.hpp"

namespace ei::graph {

// Payload of a TensorProto; `values` as the format stores them, little-endian.
std::vector<std::byte> raw_tensor(std::string_view name, ElementType type,
                                  const std::vector<std::int64_t>& dims, Bytes values);

// Adds an initialiser, and before IR version 4 the input that has to declare it.
void add_initializer(const Model& model, GraphEdit& edit, std::string_view name, ElementType type,
                     const std::vector<std::int64_t>& dims, Bytes values);

// How many reads of an initialiser an edit ends, by its name.
using Released = std::map<std::string_view, std::size_t>;

// Drops those of them that nothing reads any more: the runtime warns of each.
void drop_unread(const Model& model, const Links& links, const Released& released, GraphEdit& edit);

}  // namespace ei::graph
