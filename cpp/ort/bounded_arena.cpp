#include "ort/bounded_arena.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <new>
#include <utility>

#include "ort/library.hpp"

namespace ei::ort {
namespace {

constexpr std::size_t kAlignment = 64;  // the runtime's own for tensors
// Smaller blocks are the C library's: small results that somebody holds would else lie about the
// region and leave no room for large ones.
constexpr std::size_t kSmall = 64 << 10;

thread_local BoundedArena::Run* t_run = nullptr;
thread_local const BoundedArena* t_loading = nullptr;

std::mutex& registering() {
    static std::mutex mutex;
    return mutex;
}

std::size_t rounded(std::size_t size, std::size_t step) {
    return (size + step - 1) / step * step;
}

}  // namespace

// Stands before the bytes that the runtime gets.
struct alignas(kAlignment) BoundedArena::Block {
    std::size_t size;  // with this header
    bool counted;
    bool in_region;
    Ranges::node_type range;  // to enter what becomes free, which then allocates nothing

    void* data() noexcept { return this + 1; }
    static Block* of(void* data) noexcept { return static_cast<Block*>(data) - 1; }
};

BoundedArena::BoundedArena(std::size_t bound, bool keep)
    : bound_(bound), keep_(keep), page_(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))) {
    // Address space only: pages are the system's until somebody writes to them.
    void* const region = ::mmap(nullptr, bound, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region == MAP_FAILED) {
        throw Error(ErrorKind::run,
                    "arena_mb: found no address space for " + std::to_string(bound) +
                        " bytes, wanted it in one piece; choose a smaller bound",
                    "memory");
    }
    region_ = static_cast<std::byte*>(region);
    free_.emplace(0, region_size());
    interface_.version = kMinimumApi;
    interface_.Alloc = [](OrtAllocator* self, std::size_t bytes) {
        BoundedArena& arena = *static_cast<Interface*>(self)->arena;
        return arena.take(bytes, t_loading != &arena);
    };
    interface_.Reserve = [](OrtAllocator* self, std::size_t bytes) {
        return static_cast<Interface*>(self)->arena->take(bytes, false);
    };
    interface_.Free = [](OrtAllocator* self, void* data) {
        static_cast<Interface*>(self)->arena->free(data);
    };
    interface_.Info = [](const OrtAllocator*) { return Library::get().cpu_memory(); };
    interface_.arena = this;
}

std::shared_ptr<BoundedArena> BoundedArena::make(std::size_t bound, bool keep) {
    return std::shared_ptr<BoundedArena>(new BoundedArena(bound, keep));
}

BoundedArena::~BoundedArena() {
    ::munmap(region_, bound_);
}

BoundedArena::Told BoundedArena::told() const {
    const std::lock_guard lock(mutex_);
    const bool waits = keep_ && touched_ > region_used_;
    return {bound_, in_use_, waits ? touched_ - region_used_ : 0, most_};
}

void BoundedArena::give_back() noexcept {
    const std::lock_guard lock(mutex_);
    for (const auto& [offset, size] : free_) {
        if (offset < touched_) {
            ::madvise(region_ + offset, std::min(size, touched_ - offset), MADV_DONTNEED);
        }
    }
    if (free_.empty()) return;
    const auto& [last, size] = *free_.rbegin();
    if (last + size == region_size()) touched_ = std::min(touched_, last);
}

// The lowest place with room for `size`, which is a multiple of the page; null: there is none.
void* BoundedArena::room(std::size_t size) noexcept {
    const auto found = std::find_if(free_.begin(), free_.end(),
                                    [&](const auto& range) { return range.second >= size; });
    if (found == free_.end()) return nullptr;
    const std::size_t offset = found->first;
    auto range = free_.extract(found);  // its node serves the rest: nothing is allocated
    if (range.mapped() > size) {
        range.key() = offset + size;
        range.mapped() -= size;
        free_.insert(std::move(range));
    }
    touched_ = std::max(touched_, offset + size);
    region_used_ += size;
    return region_ + offset;
}

void BoundedArena::give_room(std::size_t offset, std::size_t size,
                             Ranges::node_type range) noexcept {
    region_used_ -= size;
    if (!keep_) ::madvise(region_ + offset, size, MADV_DONTNEED);
    const auto next = free_.lower_bound(offset);
    if (next != free_.end() && offset + size == next->first) {
        size += next->second;
        free_.erase(next);
    }
    const auto after = free_.lower_bound(offset);
    if (after != free_.begin()) {
        const auto before = std::prev(after);
        if (before->first + before->second == offset) {
            before->second += size;
            return;
        }
    }
    range.key() = offset;
    range.mapped() = size;
    free_.insert(after, std::move(range));
}

// What does not fit is told by an exception, as the runtime's own allocators do: not all of its
// releases look whether a pointer is null.
void* BoundedArena::take(std::size_t bytes, bool counted) {
    if (bytes == 0) return nullptr;
    if (bytes > std::numeric_limits<std::size_t>::max() / 4) throw std::bad_alloc();
    std::size_t size = rounded(bytes + sizeof(Block), kAlignment);
    const bool large = counted && size >= kSmall;
    if (large) size = rounded(size, page_);
    Ranges spare;
    if (large) spare.emplace(0, 0);
    const std::lock_guard lock(mutex_);
    void* memory = nullptr;
    const bool fits = in_use_ + size <= bound_;
    if (large && fits) memory = room(size);
    const bool in_region = memory != nullptr;
    if (counted && t_run != nullptr && t_run->arena_ == this && (!fits || (large && !in_region))) {
        t_run->wanted_ = bytes;
        t_run->in_use_ = in_use_;
        throw std::bad_alloc();
    }
    if (!in_region) memory = std::aligned_alloc(kAlignment, size);
    if (memory == nullptr) throw std::bad_alloc();
    if (counted) {
        in_use_ += size;
        most_ = std::max(most_, in_use_);
    }
    if (blocks_++ == 0) itself_ = shared_from_this();
    Ranges::node_type range = large ? spare.extract(spare.begin()) : Ranges::node_type();
    return (new (memory) Block{size, counted, in_region, std::move(range)})->data();
}

void BoundedArena::free(void* data) noexcept {
    if (data == nullptr) return;
    std::shared_ptr<BoundedArena> last;  // outlives the lock
    const std::lock_guard lock(mutex_);
    Block* const block = Block::of(data);
    if (block->counted) in_use_ -= block->size;
    if (block->in_region) {
        const auto offset = static_cast<std::size_t>(reinterpret_cast<std::byte*>(block) - region_);
        const std::size_t size = block->size;
        Ranges::node_type range = std::move(block->range);
        block->~Block();
        give_room(offset, size, std::move(range));
    } else {
        block->~Block();
        std::free(block);
    }
    if (--blocks_ == 0) last = std::move(itself_);
}

BoundedArena::Registered::Registered(std::shared_ptr<BoundedArena> arena)
    : arena_(std::move(arena)) {
    if (!arena_) return;
    turn_ = std::unique_lock(registering());
    const Library& library = Library::get();
    library.check(library.api().RegisterAllocator(library.env(), &arena_->interface_),
                  ErrorKind::run, "bound the memory of runs");
    t_loading = arena_.get();
}

BoundedArena::Registered::~Registered() {
    if (!arena_) return;
    t_loading = nullptr;
    const Library& library = Library::get();
    if (OrtStatus* const status =
            library.api().UnregisterAllocator(library.env(), library.cpu_memory())) {
        library.api().ReleaseStatus(status);  // only says that there was none
    }
}

BoundedArena::Run::Run(const BoundedArena* arena) noexcept
    : arena_(arena), outer_(std::exchange(t_run, this)) {}

BoundedArena::Run::~Run() {
    t_run = outer_;
}

std::string BoundedArena::Run::why() const {
    return "run: found a need of " + std::to_string(wanted_) + " bytes in one piece beside " +
           std::to_string(in_use_) + " in use, wanted at most " + std::to_string(arena_->bound_) +
           " for what runs compute and results hold (SessionOptions.arena_mb); raise it, give a "
           "smaller input or batch, run fewer at once, or let go of earlier results";
}

}  // namespace ei::ort
