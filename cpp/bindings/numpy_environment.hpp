#pragma once
// The process's environment while NumPy is imported beside work that reads it.

#include <pybind11/pybind11.h>

namespace ei::bindings {

// Holds the variables that NumPy sets while it is imported and removes behind it. Where they are
// there already it leaves the environment alone, as it has to while another thread may look at it:
// setenv moves the memory that getenv reads (glibc before 2.41). Those of an owner's own stay.
class NumpyEnvironment {
  public:
    NumpyEnvironment();
    ~NumpyEnvironment();
    NumpyEnvironment(const NumpyEnvironment&) = delete;
    NumpyEnvironment& operator=(const NumpyEnvironment&) = delete;

  private:
    pybind11::object environment_;
    pybind11::list added_;
};

}  // namespace ei::bindings
