#include "bindings/register.hpp"

namespace ei::bindings {

void register_tail(pybind11::module_&) {}

}  // namespace ei::bindings
