#include "base/returned_memory.hpp"

#include <cstdlib>

#if defined(__GLIBC__)
    #include <malloc.h>
#endif

namespace ei {

void return_freed_memory() noexcept {
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
}

}  // namespace ei
