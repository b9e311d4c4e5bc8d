#include "graph/more_outputs.hpp"

#include <set>
#include <string_view>

#include "base/error.hpp"
#include "graph/editor.hpp"
#include "graph/links.hpp"
#include "graph/shapes.hpp"

namespace ei::graph {

std::vector<std::byte> with_outputs(const Model& model, std::span<const std::string> names) {
    const Links links(model);
    Shapes shapes(model, links);
    GraphEdit edit;
    std::set<std::string_view> added;
    for (const std::string& name : names) {
        const bool given = links.is_input(name) && !links.initializer(name);
        if (name.empty() || (!given && !links.maker(name))) {
            throw Error(ErrorKind::input, "tensors: found '" + name +
                                              "', wanted an input of the model or a tensor that a "
                                              "node of its main graph makes");
        }
        const ElementType type = shapes.of(name).type;
        if (type != ElementType::undefined && type != ElementType::float32) {
            throw Error(ErrorKind::input, "tensors: found '" + name + "' of " + name_of(type) +
                                              ", wanted float32; leave it out");
        }
        if (given || links.is_output(name) || !added.insert(name).second) continue;
        // Its shape is the runtime's to infer.
        edit.outputs.add.push_back(tensor_value(name, ElementType::float32, std::nullopt));
    }
    return rebuild(model, edit);
}

}  // namespace ei::graph
