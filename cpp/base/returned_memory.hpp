#pragma once

namespace ei {

// Gives memory that was freed back to the system. The C library keeps what lies below memory in
// use, after a session tens of megabytes. Cost: some milliseconds; a C library other than GNU's is
// left to itself.
void return_freed_memory() noexcept;

}  // namespace ei
