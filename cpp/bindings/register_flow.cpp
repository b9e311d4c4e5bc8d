#include "bindings/register.hpp"

namespace ei::bindings {

void register_flow(pybind11::module_&) {}

}  // namespace ei::bindings
