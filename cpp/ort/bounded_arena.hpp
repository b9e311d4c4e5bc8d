#pragma once
// Memory for the runs of one session, with a bound.
//
// The runtime's own arena takes a limit too, but counts weights against it, and once they pass it
// there is no limit at all. So this is an allocator of ours. The runtime knows registered
// allocators by process, not by session; but a session takes those that are registered while it is
// created, and keeps them. So each is registered for as long as its session's creation takes.
//
// What runs hold (activations, scratch, results until their owner lets go of them) is counted; what
// the runtime allocates at load (weights and their packed forms) is not, since no run could do
// without it. Blocks are taken from one piece of address space, as large as the bound, at the
// lowest place that has room: so a session touches little more of it than its runs need at once,
// freed blocks wait there for the next run, and never can there be more than the bound.

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "ort/api.hpp"

namespace ei::ort {

class BoundedArena : public std::enable_shared_from_this<BoundedArena> {
  public:
    // At most `bound` bytes. With `keep` false freed blocks go back to the system at once.
    // Error(run) where the system has no address space for it.
    static std::shared_ptr<BoundedArena> make(std::size_t bound, bool keep);
    ~BoundedArena();
    BoundedArena(const BoundedArena&) = delete;
    BoundedArena& operator=(const BoundedArena&) = delete;

    struct Told {
        std::size_t bound = 0;
        std::size_t in_use = 0;  // by runs and results
        std::size_t kept = 0;    // for the next run, at most; in_use + kept <= bound
        std::size_t most = 0;    // that was ever in use
    };
    Told told() const;

    // Returns what waits for the next run.
    void give_back() noexcept;

    // While one lives, sessions that are created with kUseRegistered get the arena, if any; what
    // this thread allocates from it is not counted. They come one after the other.
    class Registered {
      public:
        explicit Registered(std::shared_ptr<BoundedArena> arena);
        ~Registered();
        Registered(const Registered&) = delete;
        Registered& operator=(const Registered&) = delete;

      private:
        std::shared_ptr<BoundedArena> arena_;
        std::unique_lock<std::mutex> turn_;
    };
    static constexpr const char* kUseRegistered = "session.use_env_allocators";

    // A run in this thread: what would pass the bound fails in it. Memory for another thread (one
    // of the runtime's pool) is counted but never refused, since nobody could catch that there.
    class Run {
      public:
        explicit Run(const BoundedArena* arena) noexcept;
        ~Run();
        Run(const Run&) = delete;
        Run& operator=(const Run&) = delete;
        bool refused() const noexcept { return wanted_ != 0; }
        std::string why() const;

      private:
        friend class BoundedArena;
        const BoundedArena* arena_;
        Run* outer_;
        std::size_t wanted_ = 0, in_use_ = 0;
    };

  private:
    struct Block;
    using Ranges = std::map<std::size_t, std::size_t>;  // offset, bytes
    struct Interface : OrtAllocator {
        BoundedArena* arena = nullptr;
    };

    BoundedArena(std::size_t bound, bool keep);
    void* take(std::size_t bytes, bool counted);
    std::size_t region_size() const noexcept { return bound_ / page_ * page_; }
    void* room(std::size_t size) noexcept;
    void give_room(std::size_t offset, std::size_t size, Ranges::node_type range) noexcept;
    void free(void* data) noexcept;

    const std::size_t bound_;
    const bool keep_;
    const std::size_t page_;
    std::byte* region_ = nullptr;
    Interface interface_;
    mutable std::mutex mutex_;  // guards all below
    Ranges free_;               // of the region; no two touch
    std::size_t in_use_ = 0, most_ = 0;
    std::size_t touched_ = 0;               // bytes of the region's start that may be in memory
    std::size_t region_used_ = 0;           // of in_use_
    std::size_t blocks_ = 0;                // handed out, counted or not
    std::shared_ptr<BoundedArena> itself_;  // while there are any: results outlive their session
};

}  // namespace ei::ort
