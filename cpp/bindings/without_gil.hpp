#pragma once
// The interpreter lock, given back for the length of a call.

#include <pybind11/pybind11.h>

namespace ei::bindings {

// Releases the lock in this scope. Unlike pybind11's own class it survives the end of the program:
// CPython before 3.14 ends a daemon thread that asks for the lock then by unwinding its stack, and
// a stack with a C++ destructor on it aborts the process instead. Such a thread waits here until
// the process is gone.
class WithoutGil {
  public:
    WithoutGil() : state_(PyEval_SaveThread()) {}
    ~WithoutGil();
    WithoutGil(const WithoutGil&) = delete;
    WithoutGil& operator=(const WithoutGil&) = delete;

    // Makes the interpreter tell us when it ends; called once, when the module is made.
    static void watch_the_end();
    // Keeps a thread that may never run Python again from going on.
    [[noreturn]] static void wait_for_the_end();

    // While one lives, the interpreter's end waits, 10 seconds at most: the process would take the
    // runtime's objects down while another thread builds on them. Made with the lock held; where
    // the end has begun, only the thread that ends the interpreter gets past that. Any thread may
    // destroy it.
    class HoldsTheEnd {
      public:
        HoldsTheEnd();
        ~HoldsTheEnd();
        HoldsTheEnd(const HoldsTheEnd&) = delete;
        HoldsTheEnd& operator=(const HoldsTheEnd&) = delete;
    };

  private:
    PyThreadState* state_;
};

}  // namespace ei::bindings
