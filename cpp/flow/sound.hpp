#pragma once
// What has to hold of a file before the runtime sees it.

#include <string>
#include <string_view>
#include <vector>

#include "graph/model.hpp"
#include "graph/problems.hpp"

namespace ei::flow {

// Error(model) for what the runtime at hand must not see; else what was found beside that.
// `folder`: where external data may lie; empty: nowhere.
std::vector<graph::Problem> expect_sound(const graph::Model& model, const std::string& folder,
                                         const graph::SizeLimits& sizes);

// Those of one verdict with their remedies, `before` put before each but the first.
std::string told(const std::vector<graph::Problem>& problems, graph::Verdict verdict,
                 std::string_view before);

}  // namespace ei::flow
