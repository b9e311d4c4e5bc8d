#pragma once
// C++ exceptions as Python's.

#include <exception>

namespace ei::bindings {

// Sets Python's error from what was thrown: ours, Python's own on its way through, or the standard
// library's.
void raise(std::exception_ptr thrown) noexcept;

}  // namespace ei::bindings
