#include "bindings/register.hpp"

namespace ei::bindings {

void register_ort(pybind11::module_&) {}

}  // namespace ei::bindings
