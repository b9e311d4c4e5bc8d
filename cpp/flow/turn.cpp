#include "flow/turn.hpp"

#include <algorithm>

namespace ei::flow {
namespace {

// A token wakes the runs in flight, not those who wait: they look at it this often.
constexpr std::chrono::milliseconds kLook{1};

}  // namespace

Turn::Taken Turn::take() {
    ort::Limits none;
    return take(none);
}

Turn::Taken Turn::take(ort::Limits& limits) {
    if (try_take()) return Taken(*this, false);
    struct Waiting {
        std::atomic<int>& count;
        explicit Waiting(std::atomic<int>& all) : count(all) { ++count; }
        ~Waiting() { --count; }
    };
    std::unique_lock lock(mutex_);
    const Waiting waiting(waiting_);
    const auto start = Clock::now();
    double left_s = limits.timeout_s;
    while (!try_take()) {
        if (limits.cancel != nullptr && limits.cancel->requested()) throw ort::cancelled();
        if (limits.timeout_s > 0) {
            left_s = limits.timeout_s - std::chrono::duration<double>(Clock::now() - start).count();
            if (left_s <= 0) throw ort::timed_out(limits);
        }
        if (limits.cancel == nullptr && limits.timeout_s <= 0) {
            free_.wait(lock);
        } else if (limits.timeout_s > 0 && left_s < std::chrono::duration<double>(kLook).count()) {
            free_.wait_for(lock, std::chrono::duration<double>(left_s));
        } else {
            free_.wait_for(lock, kLook);
        }
    }
    limits.timeout_s = left_s;
    return Taken(*this, true);
}

void Turn::give_back() {
    taken_ = false;
    if (waiting_ == 0) return;
    // With the lock: one who looked and found the turn taken is asleep by now, or will look again.
    const std::lock_guard lock(mutex_);
    free_.notify_one();
}

}  // namespace ei::flow
