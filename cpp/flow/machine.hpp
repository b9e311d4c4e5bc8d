#pragma once
// What a kept result depends on besides the model: this core, the runtime and the CPU.

#include "base/digest.hpp"

namespace ei::flow {

// Adds the file of our own code and the runtime's (size and time, so that a rebuilt one counts as
// another), the runtime's version, and all that the CPU says of itself.
void add_machine(Digester& digester);

}  // namespace ei::flow
