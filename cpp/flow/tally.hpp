#pragma once
// How the runs of a network ended and how long they took, counted without a lock.

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace ei::flow {

using Clock = std::chrono::steady_clock;

// Counters that any number of threads raise at once. Every run is counted exactly once, in one
// bucket when it gave its result and in `ends` otherwise.
//   Buckets    16 to every doubling of the time, from 1 ns to 2^45 ns (9.8 hours): a time read
//              back as the middle of its bucket is off by 1/32 (3.1 %) at most.
//   Reading    counter by counter while runs go on: a run that ends meanwhile may be in one bucket
//              and not yet in the total. A reading with `reset` takes each count out of the tally,
//              so that consecutive readings add up to every run exactly.
//   Cost       two readings of the clock (25 ns each) and two additions a run.
class Tally {
  public:
    enum class End : std::size_t { completed, failed, timed_out, cancelled };
    static constexpr std::size_t kEnds = 4;
    static constexpr int kSplitBits = 4;
    static constexpr int kLastDoubling = 44;
    static constexpr std::size_t kBuckets = static_cast<std::size_t>(kLastDoubling - kSplitBits + 2)
                                            << kSplitBits;

    struct Reading {
        std::array<std::uint64_t, kEnds> ends{};     // completed: the sum of the buckets
        std::uint64_t total_ns = 0, longest_ns = 0;  // of the runs completed
        std::vector<std::uint64_t> buckets;          // from first_bucket on; none lies beyond
        std::size_t first_bucket = 0;
    };

    void count(Clock::duration took, End end) noexcept;
    Reading read(bool reset);

    // The bucket of a time, and the shortest time of a bucket; both rise.
    static std::size_t bucket_of(std::uint64_t ns) noexcept;
    static std::uint64_t edge_of(std::size_t bucket) noexcept;

  private:
    std::array<std::atomic<std::uint64_t>, kEnds> ends_{};
    std::atomic<std::uint64_t> total_ns_{0}, longest_ns_{0};
    std::array<std::atomic<std::uint64_t>, kBuckets> buckets_{};
};

// From when to when a run is counted.
struct Span {
    Clock::time_point start = Clock::now();
    Clock::time_point end = {};  // unset: when the run is over
};

// Calls `run(span)` as one run of the tally. One that waits before it begins moves the start, so
// that what completes is counted without the wait; what ends in the wait is counted all the same.
// One that read the clock at its end leaves that, which saves a reading.
template <class Run>
auto counted(Tally& tally, Run&& run) {
    // Counts at the end of the scope: as failed, unless told otherwise.
    struct Count {
        Tally& tally;
        Span span = {};
        Tally::End end = Tally::End::failed;
        ~Count() {
            if (span.end == Clock::time_point()) span.end = Clock::now();
            tally.count(span.end - span.start, end);
        }
    } count{tally};
    try {
        auto result = std::forward<Run>(run)(count.span);
        count.end = Tally::End::completed;
        return result;
    } catch (const Error& error) {
        if (error.reason() == "timeout") count.end = Tally::End::timed_out;
        if (error.reason() == "cancelled") count.end = Tally::End::cancelled;
        throw;
    }
}

}  // namespace ei::flow
