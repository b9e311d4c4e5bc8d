#include "ort/run_options.hpp"

#include <utility>

namespace ei::ort {

RunOptionsHandle new_run_options() {
    const Library& library = Library::get();
    OrtRunOptions* raw = nullptr;
    library.check(library.api().CreateRunOptions(&raw), ErrorKind::run, "create run options");
    return RunOptionsHandle(raw);
}

RunOptionsHandle shrinking_run_options() {
    RunOptionsHandle options = new_run_options();
    const Library& library = Library::get();
    library.check(library.api().AddRunConfigEntry(options.get(),
                                                  "memory.enable_memory_arena_shrinkage", "cpu:0"),
                  ErrorKind::run, "ask for a smaller arena");
    return options;
}

RunOptionsHandle RunOptionsPool::take() {
    {
        const std::lock_guard lock(mutex_);
        if (!free_.empty()) {
            RunOptionsHandle options = std::move(free_.back());
            free_.pop_back();
            return options;
        }
    }
    return new_run_options();
}

void RunOptionsPool::give_back(RunOptionsHandle options) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(options));
}

}  // namespace ei::ort
