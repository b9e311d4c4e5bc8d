#pragma once
// The runtime's options of a run: made once, used many times.

#include <mutex>
#include <vector>

#include "ort/library.hpp"

namespace ei::ort {

RunOptionsHandle new_run_options();
// Of a run that ends with its session's arena giving back what is free.
RunOptionsHandle shrinking_run_options();

// A pool of run options, so that a run with a deadline allocates nothing in the steady state.
class RunOptionsPool {
  public:
    RunOptionsHandle take();
    void give_back(RunOptionsHandle options);

  private:
    std::mutex mutex_;
    std::vector<RunOptionsHandle> free_;
};

}  // namespace ei::ort
