#pragma once
// Fixed shapes, buffers allocated once: the fastest way to run the same network on many frames.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "flow/network.hpp"
#include "flow/turn.hpp"

namespace ei::flow {

// A tensor of fixed shape in memory of ours, as the runtime sees it.
struct BoundTensor {
    std::string name;
    ElementType type = ElementType::undefined;
    std::vector<std::int64_t> shape;
    AlignedBuffer buffer;
    ort::Value value;
};

struct StageTimes {
    double run_ms = 0;   // the network (its core, where a tail was cut)
    double tail_ms = 0;  // the fused pass, or the rest of the graph
};

// Runs take turns; the buffers are the caller's to read and write in between.
class Binding {
  public:
    // shapes: for inputs with a symbolic axis, the shape to bind; wanted: indices of outputs;
    // quantized: inputs of cut heads are bound as the integers that the core takes.
    Binding(std::shared_ptr<const Network> network,
            const std::map<std::string, std::vector<std::int64_t>>& shapes,
            std::vector<std::size_t> wanted, bool quantized = false);

    const std::vector<std::shared_ptr<BoundTensor>>& inputs() const noexcept { return inputs_; }

    // In the order of `wanted`. Buffers of outputs that a cut tail completes are made on the first
    // call of this or of run(): a caller of segment() alone never pays for them.
    const std::vector<std::shared_ptr<BoundTensor>>& outputs();

    // Of a run that is told none.
    double timeout_s() const noexcept { return network_->checked().timeout_s; }

    // Gives what the file's graph gives, in the output buffers. Allocates nothing once outputs()
    // or run() has been called before.
    void run(ort::Limits limits);

    // For measurements: the network alone, `count` times in a plain loop over the runtime's
    // RunWithBinding, the least that run() can cost. Nothing is counted, limited or completed.
    void run_bare(std::size_t count);

    // Network and fused pass over the input buffers; leaves the outputs of a cut tail untouched.
    Segmentation segment(std::optional<SizeHw> size, ort::Limits limits);

    StageTimes last_times() const;

  private:
    std::shared_ptr<BoundTensor> make(const ort::TensorSpec& spec,
                                      const std::vector<std::int64_t>& shape) const;
    void bind_input(std::size_t index, const std::vector<std::int64_t>& shape, bool quantized);
    void bind_core();
    // Heads and core; in a turn of the caller's, as is the next, which may run the rest once.
    void run_core(const ort::Limits& limits, Clock::time_point start);
    // False when there was nothing to do.
    bool complete_outputs(const ort::Limits& limits);

    std::shared_ptr<const Network> network_;
    std::vector<std::size_t> wanted_;
    mutable Turn turn_;
    std::vector<std::shared_ptr<BoundTensor>> inputs_;
    std::vector<std::shared_ptr<BoundTensor>> core_inputs_;  // in the core's order; null: left out
    std::vector<ort::Binding> heads_;  // from float inputs to the core's integers
    std::vector<std::shared_ptr<BoundTensor>> core_outputs_;  // null where nobody reads
    std::vector<std::shared_ptr<BoundTensor>> outputs_;       // once completed_
    ort::Binding core_;
    std::optional<ort::Binding> rest_;
    bool completed_ = false;
    StageTimes times_;
};

}  // namespace ei::flow
