#pragma once
// Which tensors between the operators of a float network a quantiser needs the values of.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "graph/model.hpp"

namespace ei::graph {

// A float32 tensor that is no constant, made or read by an operator that quantisers know.
struct Activation {
    std::string name;
    std::string layer;  // "Conv 'features.0'": what makes it; "input" for an input of the graph
    std::optional<std::int64_t> channel_axis;  // from the front; none where no axis holds channels
    std::optional<std::int64_t> channels;      // none where the file does not tell
    // Not to be observed: what is known of this tensor holds for it.
    //   Behind it stands nothing but a Relu or Clip, which a quantiser folds into the range.
    //   Or it holds the values of that tensor in another shape or order.
    // Empty: to be observed.
    std::string same_range_as;
};

// In the order of the graph: its inputs first, then what its nodes make. Subgraphs are left out,
// and names that are not UTF-8. `also`: tensors that are wanted whatever makes and reads them.
std::vector<Activation> find_activations(const Model& model,
                                         const std::set<std::string_view>& also = {});

}  // namespace ei::graph
