#pragma once
// When an arena gives back what it does not need.
//
// The runtime's arena keeps the most that any run needed: after one large frame a session of small
// ones holds the large one's memory for good. To shrink it after every run would make each
// run ask the system anew, so it shrinks when the inputs have been at most half of the largest for
// kRunsBefore runs on end.

#include <atomic>
#include <cstdint>

namespace ei::ort {

class Shrinking {
  public:
    static constexpr int kRunsBefore = 8;

    // Tells of a run by the elements of its inputs; true: this run should end with a shrink. Safe
    // from many threads: runs that meet may shrink once too often or later.
    bool due(std::int64_t elements) noexcept;

  private:
    std::atomic<std::int64_t> largest_{0};  // since the latest shrink
    std::atomic<std::int64_t> recent_{0};   // largest of the small ones on end
    std::atomic<int> small_{0};             // how many on end
};

}  // namespace ei::ort
