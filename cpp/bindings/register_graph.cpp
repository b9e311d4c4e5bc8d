#include "bindings/register.hpp"

namespace ei::bindings {

void register_graph(pybind11::module_&) {}

}  // namespace ei::bindings
