#include "flow/tally.hpp"

#include <algorithm>
#include <bit>

namespace ei::flow {

std::size_t Tally::bucket_of(std::uint64_t ns) noexcept {
    constexpr std::uint64_t kSplit = 1u << kSplitBits;
    if (ns < kSplit) return ns;  // one bucket a nanosecond
    const int doubling = static_cast<int>(std::bit_width(ns)) - 1;
    if (doubling > kLastDoubling) return kBuckets - 1;
    const std::uint64_t part = (ns >> (doubling - kSplitBits)) - kSplit;
    return ((static_cast<std::size_t>(doubling - kSplitBits) + 1) << kSplitBits) + part;
}

std::uint64_t Tally::edge_of(std::size_t bucket) noexcept {
    constexpr std::size_t kSplit = std::size_t{1} << kSplitBits;
    if (bucket < kSplit) return bucket;
    const std::size_t shift = (bucket >> kSplitBits) - 1;
    return static_cast<std::uint64_t>(kSplit + bucket % kSplit) << shift;
}

void Tally::count(Clock::duration took, End end) noexcept {
    // No order is promised between counters, so none is paid for.
    constexpr auto kRelaxed = std::memory_order_relaxed;
    if (end != End::completed) {
        ends_[static_cast<std::size_t>(end)].fetch_add(1, kRelaxed);
        return;
    }
    const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(took).count(), 0));
    total_ns_.fetch_add(ns, kRelaxed);
    buckets_[bucket_of(ns)].fetch_add(1, kRelaxed);
    std::uint64_t longest = longest_ns_.load(kRelaxed);
    while (ns > longest && !longest_ns_.compare_exchange_weak(longest, ns, kRelaxed)) {
    }
}

Tally::Reading Tally::read(bool reset) {
    const auto take = [&](std::atomic<std::uint64_t>& counter) {
        return reset ? counter.exchange(0, std::memory_order_relaxed)
                     : counter.load(std::memory_order_relaxed);
    };
    Reading reading;
    for (std::size_t i = 0; i < kEnds; ++i) reading.ends[i] = take(ends_[i]);
    reading.total_ns = take(total_ns_);
    reading.longest_ns = take(longest_ns_);
    std::size_t end = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
        reading.buckets.push_back(take(buckets_[i]));
        if (reading.buckets.back() == 0) continue;
        reading.ends[static_cast<std::size_t>(End::completed)] += reading.buckets.back();
        if (end == 0) reading.first_bucket = i;
        end = i + 1;
    }
    const auto first = reading.buckets.begin();
    reading.buckets = {first + static_cast<std::ptrdiff_t>(reading.first_bucket),
                       first + static_cast<std::ptrdiff_t>(end)};
    return reading;
}

}  // namespace ei::flow
