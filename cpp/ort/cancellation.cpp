#include "ort/cancellation.hpp"

#include <algorithm>
#include <cstdio>
#include <string>

namespace ei::ort {

Error cancelled() {
    return {ErrorKind::run,
            "run the model: cancelled before it ended; run it again without the token, or under a "
            "new one",
            "cancelled"};
}

Error timed_out(const Limits& limits) {
    char seconds[32];
    // As many digits as a decimal number survives with: 0.05 stays 0.05.
    std::snprintf(seconds, sizeof seconds, "%.15g", limits.asked_s);
    return {ErrorKind::run,
            std::string("run the model: stopped after the timeout of ") + seconds +
                " s; raise timeout_s, or use a smaller model or input",
            "timeout"};
}

Limits Limits::left_since(std::chrono::steady_clock::time_point start) const {
    Limits rest = *this;
    if (timeout_s <= 0) return rest;
    const std::chrono::duration<double> gone = std::chrono::steady_clock::now() - start;
    rest.timeout_s = std::max(timeout_s - gone.count(), 1e-9);
    return rest;
}

void Cancellation::cancel() {
    const std::lock_guard lock(mutex_);
    if (requested_.exchange(true, std::memory_order_acq_rel)) return;
    for (Cancellable* run = first_; run != nullptr; run = run->next_) run->raise();
}

Cancellable::Cancellable(Cancellation* token, OrtRunOptions* options)
    : token_(token), options_(options) {
    if (token_ == nullptr) return;
    const std::lock_guard lock(token_->mutex_);
    next_ = token_->first_;
    if (next_ != nullptr) next_->previous_ = this;
    token_->first_ = this;
    // A request that came before this line found no run to stop.
    if (token_->requested()) raise();
}

Cancellable::~Cancellable() {
    finish();
}

bool Cancellable::finish() {
    if (token_ == nullptr) return raised_;
    const std::lock_guard lock(token_->mutex_);
    if (next_ != nullptr) next_->previous_ = previous_;
    (previous_ != nullptr ? previous_->next_ : token_->first_) = next_;
    token_ = nullptr;
    return raised_;
}

void Cancellable::raise() {
    raised_ = true;
    const Library& library = Library::get();
    if (OrtStatus* status = library.api().RunOptionsSetTerminate(options_)) {
        library.api().ReleaseStatus(status);
    }
}

}  // namespace ei::ort
