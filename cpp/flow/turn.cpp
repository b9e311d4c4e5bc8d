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
    std::unique_lock lock(mutex_);
    if (!taken_) {
        taken_ = true;
        return Taken(*this);
    }
    const auto start = Clock::now();
    double left_s = limits.timeout_s;
    while (taken_) {
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
    taken_ = true;
    return Taken(*this);
}

void Turn::give_back() {
    {
        const std::lock_guard lock(mutex_);
        taken_ = false;
    }
    free_.notify_one();
}

}  // namespace ei::flow
