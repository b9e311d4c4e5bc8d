#pragma once
// A network file, loaded: the runtime's session, and the tail that was cut off it.
//
// A segmentation network ends in work that is better done elsewhere: a Resize of C planes to full
// size, often an ArgMax. Where graph::find_tail recognises such an end, the file is cut in two. The
// core runs as the network; its low-resolution logits feed plan::Segment, one fused pass to a mask.
// run() must still give what the file gives, so the rest is kept as a second small session that
// takes the same logits: its results are the file's by construction, not by imitation.

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "flow/load.hpp"
#include "flow/tally.hpp"
#include "ort/session.hpp"
#include "plan/segment.hpp"

namespace ei::flow {

// A mask as the fused pass leaves it.
struct Segmentation {
    std::unique_ptr<std::uint8_t[]> classes;  // height * width, of 1 or 2 bytes
    bool wide = false;                        // 2 bytes: more than 256 classes
    int height = 0, width = 0;
    std::vector<std::int64_t> areas;  // pixels of each class
};

using SizeHw = std::array<int, 2>;

// The fused pass over one set of logits; keeps the tables of the latest geometry. Safe from many
// threads.
class Segmenter {
  public:
    Segmentation run(const ort::Value& scores, const std::string& name, plan::Corners corners,
                     std::optional<SizeHw> size) const;

  private:
    struct Geometry {
        std::array<int, 6> key;
        plan::Segment plan;
    };
    std::shared_ptr<const Geometry> geometry(const std::array<int, 6>& key) const;

    mutable std::mutex mutex_;
    mutable std::shared_ptr<const Geometry> latest_;
};

class Network {
  public:
    static std::shared_ptr<const Network> from_file(const std::string& path,
                                                    const LoadOptions& options);
    // `folder`: where external data may lie; empty: the model must hold all its weights.
    static std::shared_ptr<const Network> from_bytes(std::span<const std::byte> model,
                                                     const std::string& folder,
                                                     const LoadOptions& options);

    // As the file has them, cut or not, with free dimensions fixed as the options say. The first
    // required() inputs must be given, the others have defaults.
    const std::vector<ort::TensorSpec>& inputs() const noexcept { return inputs_; }
    std::size_t required() const noexcept { return core_->required(); }
    const std::vector<ort::TensorSpec>& outputs() const noexcept { return outputs_; }
    // The same with free dimensions as the file declares them.
    const std::vector<ort::TensorSpec>& file_inputs() const noexcept { return file_inputs_; }
    const std::vector<ort::TensorSpec>& file_outputs() const noexcept { return file_outputs_; }
    // Inputs that may be given as integers; null: input `index` may not.
    const std::vector<QuantizedInput>& quantized() const noexcept { return quantized_; }
    const QuantizedInput* quantized(std::size_t index) const noexcept;
    const std::string& head_why() const noexcept { return head_why_; }
    const CacheUse& cache() const noexcept { return cache_; }
    const Uint8& uint8() const noexcept { return uint8_; }
    const Stem& stem() const noexcept { return stem_; }
    const Tail& tail() const noexcept { return tail_; }
    const Checked& checked() const noexcept { return checked_; }
    const ort::Options& options() const noexcept { return core_->options(); }
    const std::vector<std::string>& appended() const noexcept { return core_->appended(); }
    const ort::Pool& pool() const noexcept { return core_->pool(); }
    // Null where runs are not bounded.
    const ort::BoundedArena* arena() const noexcept { return core_->options().bound.get(); }

    // inputs[i] belongs to inputs()[i] (of its type, or of the integers' of a cut head), and is
    // empty for an optional one left out; wanted[k] is an index into outputs(), and results[k] is
    // written in place where it holds a value. Gives what the file's graph gives.
    void run(std::span<const ort::Value> inputs, std::span<const std::size_t> wanted,
             std::span<ort::Value> results, const ort::Limits& limits) const;

    // Frame tensor to mask. Error(input) when the model does not end in one map of classes.
    Segmentation segment(std::span<const ort::Value> inputs, std::optional<SizeHw> size,
                         const ort::Limits& limits) const;

    // Where output k comes from: the core (first) or the rest, and its index there.
    struct Source {
        bool from_core;
        std::size_t index;
    };
    const Source& source(std::size_t output) const { return sources_[output]; }
    const std::shared_ptr<const ort::Session>& core() const noexcept { return core_; }
    const std::shared_ptr<const ort::Session>& rest() const noexcept { return rest_; }
    // Index, among the core's outputs, of the tensor that segment() reads; Error(input) when the
    // model has none, with what it has instead.
    std::size_t scores_index() const;
    // Counts of the runs of this network and its bindings.
    Tally& tally() const noexcept { return tally_; }
    // Stops writing timings: the core's file, and the rest's where a tail was cut.
    std::vector<std::string> end_profiling() const;
    const Segmenter& segmenter() const noexcept { return segmenter_; }
    // The size of the mask when the caller names none: the cut Resize's, or the scores' own (none).
    std::optional<SizeHw> default_size() const;

  private:
    explicit Network(Loaded loaded);
    // Runs the core; float inputs of cut heads are quantised first, by the file's own node.
    void run_core(std::span<const ort::Value> inputs, std::span<const char* const> names,
                  std::span<ort::Value> results, const ort::Limits& limits,
                  Clock::time_point start) const;
    void run_parts(std::span<const ort::Value> inputs, std::span<const std::size_t> wanted,
                   std::span<ort::Value> results, const ort::Limits& limits,
                   Clock::time_point start) const;

    std::shared_ptr<const ort::Session> core_;
    std::shared_ptr<const ort::Session> rest_;  // null when nothing was cut
    Tail tail_;
    Checked checked_;
    std::vector<QuantizedInput> quantized_;
    std::string head_why_;
    Uint8 uint8_;
    Stem stem_;
    CacheUse cache_;
    std::vector<ort::TensorSpec> inputs_, outputs_, file_inputs_, file_outputs_;
    std::vector<Source> sources_;
    Segmenter segmenter_;
    mutable Tally tally_;
};

}  // namespace ei::flow
