#include "base/thread_heap.hpp"

#include <array>
#include <cstdlib>

namespace ei {
namespace {

#if defined(__GLIBC__)
// Below what the library maps apart from any heap, 128 KB unless told.
constexpr std::size_t kBlock = std::size_t{120} << 10;
constexpr std::size_t kMostBlocks = (std::size_t{32} << 20) / kBlock;
#endif

}  // namespace

void grow_thread_heap([[maybe_unused]] std::size_t bytes) noexcept {
#if defined(__GLIBC__)
    std::array<void*, kMostBlocks> blocks{};
    const std::size_t count = bytes / kBlock < kMostBlocks ? bytes / kBlock : kMostBlocks;
    for (std::size_t i = 0; i < count; ++i) blocks[i] = std::malloc(kBlock);
    // In this order the heap's end stays where it is until the last one.
    for (void* const block : blocks) std::free(block);
#endif
}

}  // namespace ei
