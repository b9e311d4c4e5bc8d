#pragma once

#include <cstddef>

namespace ei {

// Makes the calling thread's heap this large at once. GNU's C library grows the heap of any thread
// but the first by a page a time, each with a call of the system that locks the process's memory
// and stops its other cores: opening the runtime took 1,500 of them beside NumPy's import. Memory
// stays untouched until it is used. `bytes`: at most 32 MB of the 64 that such a heap can have.
// Another C library is left to itself; so is a heap that cannot grow.
void grow_thread_heap(std::size_t bytes) noexcept;

}  // namespace ei
