#pragma once
// A loaded network in the runtime: load, describe, run.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/mapped_file.hpp"
#include "ort/bounded_arena.hpp"
#include "ort/cancellation.hpp"
#include "ort/pool.hpp"
#include "ort/run_options.hpp"
#include "ort/shrinking.hpp"
#include "ort/tensor.hpp"

namespace ei::ort {

enum class GraphLevel { off = 0, basic = 1, extended = 2, all = 99 };
enum class Spin { automatic, on, off };

using Entries = std::vector<std::pair<std::string, std::string>>;

// An execution provider by the name that the runtime's own append call takes.
struct Provider {
    std::string name;
    Entries options;
};

struct Options {
    std::optional<int> threads;   // none: the process's shared pool; N: a pool of N of its own
    Spin spin = Spin::automatic;  // own pools only; see ort/pool.hpp
    GraphLevel graph = GraphLevel::all;
    bool arena = true;                    // keep freed memory for the next run
    std::shared_ptr<BoundedArena> bound;  // of what runs hold; sessions that share it share that
    bool memory_pattern = true;           // plan one block for all intermediate tensors
    bool flush_denormals = false;         // treat denormal floats as zero
    double timeout_s = 0;                 // of each run; 0: none
    std::vector<Provider> providers;      // tried before the CPU, in order
    bool cpu_fallback = true;  // false: loading fails when a node would be left to the CPU
    std::vector<std::pair<std::string, std::int64_t>> free_dimensions;  // symbol -> size
    std::string profile;  // prefix of the file to write timings to; empty: none
    Entries config;       // further session entries, by the runtime's own keys
    bool save = false;    // take the optimised model out of the runtime, for Session::saved()
};

class Session {
  public:
    // `folder`: where external data of a model given as bytes lies; empty: nowhere.
    static std::shared_ptr<Session> from_bytes(std::span<const std::byte> model,
                                               const std::string& folder, const Options& options);
    static std::shared_ptr<Session> from_file(const std::string& path, const Options& options);
    // What saved() gave, without a copy and without optimising it again. `owner` keeps the bytes,
    // which must not change, as long as the session lives.
    static std::shared_ptr<Session> from_saved(std::span<const std::byte> optimised,
                                               std::shared_ptr<const void> owner,
                                               const Options& options);

    // The optimised model in the runtime's own format; empty where Options::save was off, or where
    // the runtime would not save this model. Valid until the session ends or drop_saved().
    std::span<const std::byte> saved() const noexcept { return saved_.bytes(); }
    void drop_saved() const noexcept { saved_ = {}; }

    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // Names the initialisers that a caller may replace (ONNX: initialisers listed as inputs); to be
    // called before the session is shared. They follow the other inputs in inputs().
    void accept(std::vector<TensorSpec> optional);

    // What must be given, then what may be.
    const std::vector<TensorSpec>& inputs() const noexcept { return inputs_; }
    std::size_t required() const noexcept { return required_; }
    const std::vector<TensorSpec>& outputs() const noexcept { return outputs_; }
    const Options& options() const noexcept { return options_; }
    // Providers that the runtime took, in order, by the names of its append call; the CPU is last
    // and left out.
    const std::vector<std::string>& appended() const noexcept { return appended_; }
    const Pool& pool() const noexcept { return pool_; }
    OrtSession* get() const noexcept { return handle_.get(); }

    // Runs once; safe from many threads. inputs[i] belongs to inputs()[i], and is empty for an
    // optional one that is left out, as are those beyond the end. Outputs that hold a
    // value are written in place, the others are allocated by the runtime. Raises Error(run):
    // reason "timeout" when the time was up, "cancelled" when the token was.
    void run(std::span<const Value> inputs, std::span<const char* const> output_names,
             std::span<Value> outputs, const Limits& limits) const;

    // The same over a binding made for this session, whose inputs have so many elements together.
    void run(const OrtIoBinding* binding, std::int64_t elements, const Limits& limits) const;

    // Stops writing timings and gives the file's path; Error(input) when options().profile is
    // empty.
    std::string end_profiling() const;

  private:
    struct Settings;
    Session(OrtSession* handle, const Options& options, Settings settings);

    template <class Create>
    static std::shared_ptr<Session> made(const Options& options, const std::string& folder,
                                         const std::string& doing, Create&& create);
    // Whether a run with so many elements in its inputs should shrink the arena.
    bool to_shrink(std::int64_t elements) const noexcept;
    template <class Call>
    void guarded(const Limits& limits, bool shrink, Call&& call) const;

    Pool pool_;
    SpinningThreads spinning_;
    std::shared_ptr<const void> owner_;  // of bytes that the runtime reads: outlives the handle
    SessionHandle handle_;
    mutable MappedFile saved_;  // changed before the session is shared only
    Options options_;
    std::vector<std::string> appended_;
    std::vector<TensorSpec> inputs_;
    std::size_t required_ = 0;  // of inputs_
    std::vector<TensorSpec> outputs_;
    std::vector<const char*> input_names_;  // of inputs_, as the runtime takes them
    RunOptionsHandle unlimited_;            // of all runs without limits; only read by them
    mutable RunOptionsPool run_options_;
    bool may_shrink_ = false;  // inputs vary in size, and there is an arena that can be told
    mutable Shrinking shrinking_;
};

// Fixed buffers bound to a session's inputs and outputs. Owns the runtime's binding and keeps the
// session alive; the buffers belong to the caller.
class Binding {
  public:
    explicit Binding(std::shared_ptr<const Session> session);
    void input(const std::string& name, const Value& value);
    void output(const std::string& name, const Value& value);
    void run(const Limits& limits) const { session_->run(handle_.get(), elements_, limits); }
    // For measurements: calls the runtime `count` times and nothing else.
    void run_bare(std::size_t count) const;

  private:
    std::shared_ptr<const Session> session_;
    IoBindingHandle handle_;
    std::int64_t elements_ = 0;  // of all inputs
};

}  // namespace ei::ort
