#pragma once
// Statistics of a network's inner tensors, read from the runtime's own output buffers.
//
// The wanted tensors are added to the file's outputs, and each run's are looked at where the
// runtime left them: no copy, one sample in memory at a time, tensors divided among threads.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "calib/tensor_statistics.hpp"
#include "flow/network.hpp"

namespace ei::flow {

struct Watched {
    std::string name;
    std::optional<std::int64_t> channel_axis;  // none: one channel; negative: from the last axis on
};

class Observer {
  public:
    // `threads`: of the runtime's own pool and, after it, of the statistics. Error(model) for a
    // file that does not load; Error(input) for a tensor that is not there, twice, or not float32,
    // and for impossible threads or bins.
    Observer(std::span<const std::byte> model, std::vector<Watched> tensors, int threads,
             std::size_t bins);

    // Takes the inputs, by name and by shape, as the file does.
    const Network& network() const noexcept { return *network_; }
    // Runs one sample and observes it; safe from many threads, one at a time. Where this raises,
    // nothing was observed. Error(input) where a tensor has no such axis, or has other channels
    // than before.
    void run(std::span<const ort::Value> inputs);

    // A copy of what was observed so far. Error(input): no such tensor, or nothing was observed.
    calib::TensorStatistics statistics(const std::string& name) const;
    // Adds statistics of other runs. Error(input): no such tensor, or they do not fit.
    void merge(const std::string& name, const calib::TensorStatistics& statistics);
    // Tensors with values that were NaN or infinite, in the order they were asked for.
    std::vector<std::string> not_finite() const;

  private:
    struct Place {
        bool from_input;
        std::size_t index;  // of the network's inputs, or of the run's results
    };
    // One tensor of a run, its type and shape checked.
    struct Found {
        std::size_t tensor;  // index in tensors_
        std::span<const float> values;
        std::size_t channels, inner;
    };
    std::size_t index_of(const std::string& name) const;
    Found look(std::size_t tensor, const ort::Value& value) const;
    void observe(std::span<const Found> found);

    std::vector<Watched> tensors_;
    std::vector<Place> places_;  // of tensors_
    std::size_t threads_, bins_;
    std::shared_ptr<const Network> network_;
    std::vector<std::size_t> wanted_;  // outputs of the network
    mutable std::mutex mutex_;         // of all below
    std::vector<std::optional<calib::TensorStatistics>> statistics_;
    std::vector<calib::Workspace> workspaces_;  // one for each thread
    bool broken_ = false;                       // a sample was observed in part
};

}  // namespace ei::flow
