#include "bindings/register.hpp"

namespace ei::bindings {

void register_preprocess(pybind11::module_&) {}

}  // namespace ei::bindings
