#include "ort/deadline.hpp"

#include <condition_variable>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>

namespace ei::ort {

using Clock = std::chrono::steady_clock;

// One thread for the process, started by the first deadline. It is never joined: at exit it sleeps
// in its condition variable, which is leaked on purpose so that it cannot be destroyed under it.
class Watch {
  public:
    static Watch& get() {
        static Watch* watch = new Watch;
        return *watch;
    }

    void add(Deadline& deadline) {
        const std::lock_guard lock(mutex_);
        deadline.next_ = first_;
        if (first_ != nullptr) first_->previous_ = &deadline;
        first_ = &deadline;
        if (deadline.due_ < wake_at_) changed_.notify_one();
    }

    bool remove(Deadline& deadline) {
        const std::lock_guard lock(mutex_);
        if (deadline.next_ != nullptr) deadline.next_->previous_ = deadline.previous_;
        (deadline.previous_ != nullptr ? deadline.previous_->next_ : first_) = deadline.next_;
        return deadline.expired_;
    }

  private:
    Watch() {
        try {
            std::thread([this] { loop(); }).detach();
        } catch (const std::system_error& error) {
            throw Error(ErrorKind::run,
                        std::string("timeout: no thread can be started to watch the run: ") +
                            error.what() + "; leave timeout_s out, or raise the limit on threads");
        }
    }

    [[noreturn]] void loop() {
        std::unique_lock lock(mutex_);
        while (true) {
            wake_at_ = Clock::time_point::max();
            const auto now = Clock::now();
            for (Deadline* d = first_; d != nullptr; d = d->next_) {
                if (d->expired_) continue;
                if (d->due_ <= now) {
                    // Under the lock: remove() waits, so the options are still alive here.
                    d->expired_ = true;
                    const Library& library = Library::get();
                    if (OrtStatus* status = library.api().RunOptionsSetTerminate(d->options_)) {
                        library.api().ReleaseStatus(status);
                    }
                } else if (d->due_ < wake_at_) {
                    wake_at_ = d->due_;
                }
            }
            if (wake_at_ == Clock::time_point::max()) {
                changed_.wait(lock);
            } else {
                changed_.wait_until(lock, wake_at_);
            }
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    Deadline* first_ = nullptr;
    Clock::time_point wake_at_ = Clock::time_point::max();
};

Deadline::Deadline(OrtRunOptions* options, double seconds) {
    if (seconds <= 0) return;
    options_ = options;
    // A century is "no limit" that still fits the clock's arithmetic.
    const double bounded = seconds < 3.0e9 ? seconds : 3.0e9;
    due_ = Clock::now() +
           std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(bounded));
    Watch::get().add(*this);
}

Deadline::~Deadline() {
    finish();
}

bool Deadline::finish() {
    if (options_ == nullptr) return false;
    const bool expired = Watch::get().remove(*this);
    options_ = nullptr;  // only now: the watching thread read it until here
    return expired;
}

}  // namespace ei::ort
