#pragma once
// Weights kept beside the model file. Their place is text in an untrusted file, so it may only
// lead to a regular file inside the model's own folder.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "graph/model.hpp"

namespace ei::graph {

struct ExternalData {
    std::string location;
    std::int64_t offset = 0;
    std::optional<std::int64_t> length;
};

// Reads the external_data entries. Error(model) when the location is missing or a number is none.
ExternalData external_data(const Tensor& tensor);

// The file a location names, all links followed. Error(model) when the location is empty, absolute
// or leaves `folder` (by "..", or by a link), or when there is no regular file.
std::filesystem::path resolve(const std::filesystem::path& folder, const std::string& location);

// Resolves, and checks that the file is long enough for what the tensor's dims announce.
void check_external(const std::filesystem::path& folder, const Tensor& tensor);

}  // namespace ei::graph
