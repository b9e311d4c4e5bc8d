#include "ort/session.hpp"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <string_view>
#include <variant>

#include "base/descriptor.hpp"
#include "base/returned_memory.hpp"
#include "ort/deadline.hpp"
#include "ort/interface.hpp"

namespace ei::ort {

// The runtime's options, and what was settled on the way to them.
struct Session::Settings {
    static Settings make(const Library& library, const Options& options, const std::string& folder);

    SessionOptionsHandle handle;
    Pool pool;
    SpinningThreads spinning;  // counted as soon as the pool may come to be
    std::vector<std::string> appended;

  private:
    void append(const Library& library, const Provider& provider);
};

void Session::Settings::append(const Library& library, const Provider& provider) {
    std::vector<const char*> keys, values;
    for (const auto& [key, value] : provider.options) {
        keys.push_back(key.c_str());
        values.push_back(value.c_str());
    }
    library.check(library.api().SessionOptionsAppendExecutionProvider(
                      handle.get(), provider.name.c_str(), keys.data(), values.data(), keys.size()),
                  ErrorKind::input, "providers: '" + provider.name + "' cannot be used");
    appended.push_back(provider.name);
}

Session::Settings Session::Settings::make(const Library& library, const Options& options,
                                          const std::string& folder) {
    Library::expect_not_forked();
    const Api& api = library.api();
    const auto check = [&](OrtStatus* status) {
        library.check(status, ErrorKind::run, "set a session option");
    };
    OrtSessionOptions* raw = nullptr;
    check(api.CreateSessionOptions(&raw));
    Settings settings;
    settings.handle.reset(raw);
    const auto entry = [&](const char* key, const char* value) {
        check(api.AddSessionConfigEntry(raw, key, value));
    };
    check(api.SetSessionLogSeverityLevel(raw, kLogFatal));
    check(api.SetSessionExecutionMode(raw, kSequential));
    check(api.SetSessionGraphOptimizationLevel(raw, static_cast<int>(options.graph)));
    const Pool& pool = settings.pool = choose_pool(library, options);
    if (pool.shared) {
        check(api.DisablePerSessionThreads(raw));
    } else {
        check(api.SetIntraOpNumThreads(raw, pool.threads));
        entry("session.intra_op.allow_spinning", pool.spin_us == 0 ? "0" : "1");
    }
    if (pool.spin_us != 0) settings.spinning = SpinningThreads(pool.threads);
    if (pool.spin_us > 0) {
        entry("session.intra_op.spin_duration_us", std::to_string(pool.spin_us).c_str());
    }
    if (!options.arena) check(api.DisableCpuMemArena(raw));
    // A planned block may be larger than the tensors were in the first run, which made the plan.
    const bool pattern = options.memory_pattern && !options.bound;
    check(pattern ? api.EnableMemPattern(raw) : api.DisableMemPattern(raw));
    if (options.bound) entry(BoundedArena::kUseRegistered, "1");
    if (options.flush_denormals) entry("session.set_denormal_as_zero", "1");
    if (!folder.empty()) {
        entry("session.model_external_initializers_file_folder_path", folder.c_str());
    }
    for (const auto& [name, size] : options.free_dimensions) {
        check(api.AddFreeDimensionOverrideByName(raw, name.c_str(), size));
    }
    if (!options.cpu_fallback) entry("session.disable_cpu_ep_fallback", "1");
    for (const auto& [key, value] : options.config) entry(key.c_str(), value.c_str());
    if (!options.profile.empty()) check(api.EnableProfiling(raw, options.profile.c_str()));
    for (const Provider& provider : options.providers) settings.append(library, provider);
    return settings;
}

namespace {

bool varies(const TensorSpec& spec) {
    return std::any_of(spec.shape.begin(), spec.shape.end(), [](const Axis& axis) {
        return !std::holds_alternative<std::int64_t>(axis);
    });
}

}  // namespace

Session::Session(OrtSession* handle, const Options& options, Settings settings)
    : pool_(std::move(settings.pool)),
      spinning_(std::move(settings.spinning)),
      handle_(handle),
      options_(options),
      appended_(std::move(settings.appended)) {
    const Library& library = Library::get();
    inputs_ = read_specs(library, handle, true);
    outputs_ = read_specs(library, handle, false);
    unlimited_ = new_run_options();
    accept({});
    // The runtime has no arena on 32-bit systems, and refuses a run that asks for its shrinking.
    const bool has_arena =
        options_.arena && (options_.bound || (appended_.empty() && sizeof(void*) == 8));
    for (const TensorSpec& spec : inputs_) may_shrink_ |= has_arena && varies(spec);
}

Session::~Session() {
    if (Library::forked()) return;
    handle_.reset();
    return_freed_memory();
}

void Session::accept(std::vector<TensorSpec> optional) {
    if (optional.empty()) required_ = inputs_.size();
    for (TensorSpec& spec : optional) inputs_.push_back(std::move(spec));
    input_names_.clear();
    for (const TensorSpec& spec : inputs_) input_names_.push_back(spec.name.c_str());
}

std::string Session::end_profiling() const {
    if (options_.profile.empty()) {
        throw Error(ErrorKind::input,
                    "end_profiling: found no profile being written, wanted one; load the model "
                    "with SessionOptions(profile=\"prefix\")");
    }
    const Library& library = Library::get();
    char* path = nullptr;
    library.check(library.api().SessionEndProfiling(handle_.get(), library.allocator(), &path),
                  ErrorKind::run, "end the profile");
    std::string text = path;
    library.check(library.api().AllocatorFree(library.allocator(), path), ErrorKind::run,
                  "free a path");
    return text;
}

namespace {

void check_loaded(const Library& library, OrtStatus* status, const Options& options,
                  const std::string& doing) {
    if (options.cpu_fallback) return library.check(status, ErrorKind::model, doing);
    try {
        library.check(status, ErrorKind::model, doing);
    } catch (const Error& error) {
        throw Error(error.kind(), std::string(error.what()) +
                                      "; providers leaves the CPU out, so they must run the "
                                      "whole model between them: add 'CPU' at its end");
    }
}

}  // namespace

namespace {

// Where the runtime writes its optimised model to: memory that has a path. It writes by path only,
// and a half-written file in a folder would have to be cleared away by somebody.
class SavedModel {
  public:
#if defined(__linux__)
    SavedModel() : file_(::memfd_create("edgeinfer", MFD_CLOEXEC)) {}
#endif
    explicit operator bool() const noexcept { return static_cast<bool>(file_); }

    void ask(const Library& library, OrtSessionOptions* options) const {
        const Api& api = library.api();
        const std::string path = "/proc/self/fd/" + std::to_string(file_.value());
        library.check(api.SetOptimizedModelFilePath(options, path.c_str()), ErrorKind::run,
                      "set a session option");
        library.check(api.AddSessionConfigEntry(options, "session.save_model_format", "ORT"),
                      ErrorKind::run, "set a session option");
    }
    MappedFile take() const {
        struct stat facts{};
        if (::fstat(file_.value(), &facts) != 0 || facts.st_size <= 0) return {};
        return MappedFile::of(file_.value(), static_cast<std::size_t>(facts.st_size))
            .value_or(MappedFile{});
    }

  private:
    Descriptor file_;
};

}  // namespace

// `create(options, handle)` is the runtime's call. What it will not save it may still run.
template <class Create>
std::shared_ptr<Session> Session::made(const Options& options, const std::string& folder,
                                       const std::string& doing, Create&& create) {
    const Library& library = Library::get();
    if (options.save) {
        if (const SavedModel saved; saved) {
            Settings settings = Settings::make(library, options, folder);
            saved.ask(library, settings.handle.get());
            const BoundedArena::Registered registered(options.bound);
            OrtSession* handle = nullptr;
            if (OrtStatus* const status = create(settings.handle.get(), &handle)) {
                library.api().ReleaseStatus(status);
            } else {
                std::shared_ptr<Session> session(new Session(handle, options, std::move(settings)));
                session->saved_ = saved.take();
                return session;
            }
        }
    }
    Settings settings = Settings::make(library, options, folder);
    const BoundedArena::Registered registered(options.bound);
    OrtSession* handle = nullptr;
    check_loaded(library, create(settings.handle.get(), &handle), options, doing);
    return std::shared_ptr<Session>(new Session(handle, options, std::move(settings)));
}

std::shared_ptr<Session> Session::from_bytes(std::span<const std::byte> model,
                                             const std::string& folder, const Options& options) {
    const Library& library = Library::get();
    return made(options, folder, "load the model",
                [&](const OrtSessionOptions* settings, OrtSession** handle) {
                    return library.api().CreateSessionFromArray(library.env(), model.data(),
                                                                model.size(), settings, handle);
                });
}

std::shared_ptr<Session> Session::from_file(const std::string& path, const Options& options) {
    const Library& library = Library::get();
    return made(
        options, "", "load " + path, [&](const OrtSessionOptions* settings, OrtSession** handle) {
            return library.api().CreateSession(library.env(), path.c_str(), settings, handle);
        });
}

std::shared_ptr<Session> Session::from_saved(std::span<const std::byte> optimised,
                                             std::shared_ptr<const void> owner,
                                             const Options& options) {
    const Library& library = Library::get();
    Options done = options;  // what is left to do with an optimised model
    done.graph = GraphLevel::off;
    done.free_dimensions.clear();
    done.config.emplace_back("session.load_model_format", "ORT");
    done.config.emplace_back("session.use_ort_model_bytes_directly", "1");
    done.config.emplace_back("session.use_ort_model_bytes_for_initializers", "1");
    Settings settings = Settings::make(library, done, "");
    const BoundedArena::Registered registered(options.bound);
    OrtSession* handle = nullptr;
    check_loaded(
        library,
        library.api().CreateSessionFromArray(library.env(), optimised.data(), optimised.size(),
                                             settings.handle.get(), &handle),
        options, "load the kept model");
    std::shared_ptr<Session> session(new Session(handle, options, std::move(settings)));
    session->owner_ = std::move(owner);
    return session;
}

namespace {

// The runtime's words for an output of the caller's whose symbolic axes turn out otherwise: it has
// no status of its own for that. Should it choose others, the error stays one of the run.
bool says_wrong_size(std::string_view text) {
    return text.find("output OrtValue provided for output") != text.npos ||
           text.find("OrtValue shape verification failed") != text.npos;
}

}  // namespace

namespace {

// What a run ends in whose terminate flag was raised. The runtime may have failed on its own just
// before it looked at the flag; it tells the two apart by its words alone, and these are kept
// wherever they are not those of a stopped run.
Error stopped(const Library& library, OrtStatus* status, const Error& end) {
    try {
        library.check(status, ErrorKind::run, "run the model");
    } catch (const Error& error) {
        if (std::string_view(error.what()).find("terminate flag") == std::string_view::npos) {
            return {end.kind(),
                    std::string(end.what()) + "; it had failed already: " + error.what(),
                    end.reason()};
        }
    }
    return end;
}

}  // namespace

bool Session::to_shrink(std::int64_t elements) const noexcept {
    return may_shrink_ && shrinking_.due(elements);
}

template <class Call>
void Session::guarded(const Limits& limits, bool shrink, Call&& call) const {
    const Library& library = Library::get();
    Library::expect_not_forked();
    BoundedArena* const bound = options_.bound.get();
    if (limits.timeout_s <= 0 && limits.cancel == nullptr && !shrink && bound == nullptr) {
        // Given none, the runtime makes options of its own: 4 % of the shortest run.
        library.check(call(unlimited_.get()), ErrorKind::run, "run the model");
        return;
    }
    if (limits.cancel != nullptr && limits.cancel->requested()) throw cancelled();
    const bool runtime_shrinks = shrink && bound == nullptr;
    RunOptionsHandle options = runtime_shrinks ? shrinking_run_options() : run_options_.take();
    const BoundedArena::Run bounded(bound);
    OrtStatus* status = nullptr;
    bool late = false, unwanted = false;
    {
        Cancellable cancellable(limits.cancel, options.get());
        Deadline deadline(options.get(), limits.timeout_s);
        status = call(options.get());
        late = deadline.finish();
        unwanted = cancellable.finish();
    }
    // The flag may have been raised just after the run ended: options go back clean either way.
    if (late || unwanted) {
        library.check(library.api().RunOptionsUnsetTerminate(options.get()), ErrorKind::run,
                      "reset run options");
    }
    if (runtime_shrinks) {
        return_freed_memory();
    } else {
        run_options_.give_back(std::move(options));
    }
    if (shrink && bound != nullptr) bound->give_back();
    if (status != nullptr && bounded.refused()) {
        library.api().ReleaseStatus(status);
        throw Error(ErrorKind::run, bounded.why(), "memory");
    }
    if (status != nullptr && unwanted) {
        throw stopped(library, status, cancelled());
    }
    if (status != nullptr && late) {
        throw stopped(library, status, timed_out(limits));
    }
    library.check(status, ErrorKind::run, "run the model");
}

void Session::run(std::span<const Value> inputs, std::span<const char* const> output_names,
                  std::span<Value> outputs, const Limits& limits) const {
    std::vector<const OrtValue*> values(required_);
    for (std::size_t i = 0; i < required_; ++i) values[i] = inputs[i].get();
    std::span<const char* const> input_names = input_names_;
    std::vector<const char*> given;
    if (required_ < inputs.size()) {
        given.assign(input_names.begin(),
                     input_names.begin() + static_cast<std::ptrdiff_t>(required_));
        for (std::size_t i = required_; i < inputs.size(); ++i) {
            if (!inputs[i]) continue;
            values.push_back(inputs[i].get());
            given.push_back(input_names_[i]);
        }
        input_names = given;
    }
    std::vector<OrtValue*> raw(outputs.size());
    for (std::size_t i = 0; i < outputs.size(); ++i) raw[i] = outputs[i].get();
    std::int64_t elements = 0;
    for (std::size_t i = 0; may_shrink_ && i < inputs.size(); ++i) {
        if (inputs[i]) elements += inputs[i].elements();
    }
    const Api& api = Library::get().api();
    try {
        guarded(limits, to_shrink(elements), [&](const OrtRunOptions* options) {
            return api.Run(handle_.get(), options, input_names.data(), values.data(), values.size(),
                           output_names.data(), output_names.size(), raw.data());
        });
    } catch (const std::exception& error) {
        // A run that failed late may have made some outputs already.
        bool lent = false;
        for (std::size_t i = 0; i < outputs.size(); ++i) {
            lent = lent || outputs[i];
            if (raw[i] != outputs[i].get()) ValueHandle(raw[i]).reset();
        }
        if (!lent || !says_wrong_size(error.what())) throw;
        throw Error(ErrorKind::input,
                    std::string("out: an array has another size than what came out; leave it out "
                                "of `out`, or make it that large: ") +
                        error.what());
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        if (!outputs[i]) outputs[i] = Value(raw[i]);
    }
}

void Session::run(const OrtIoBinding* binding, std::int64_t elements, const Limits& limits) const {
    const Api& api = Library::get().api();
    guarded(limits, to_shrink(elements), [&](const OrtRunOptions* options) {
        return api.RunWithBinding(handle_.get(), options, binding);
    });
}

Binding::Binding(std::shared_ptr<const Session> session) : session_(std::move(session)) {
    const Library& library = Library::get();
    OrtIoBinding* raw = nullptr;
    library.check(library.api().CreateIoBinding(session_->get(), &raw), ErrorKind::run,
                  "create a binding");
    handle_.reset(raw);
}

void Binding::input(const std::string& name, const Value& value) {
    const Library& library = Library::get();
    library.check(library.api().BindInput(handle_.get(), name.c_str(), value.get()), ErrorKind::run,
                  "bind input '" + name + "'");
    elements_ += value.elements();
}

void Binding::output(const std::string& name, const Value& value) {
    const Library& library = Library::get();
    library.check(library.api().BindOutput(handle_.get(), name.c_str(), value.get()),
                  ErrorKind::run, "bind output '" + name + "'");
}

void Binding::run_bare(std::size_t count) const {
    const Library& library = Library::get();
    const auto run = library.api().RunWithBinding;
    for (std::size_t i = 0; i < count; ++i) {
        if (OrtStatus* const status = run(session_->get(), nullptr, handle_.get())) {
            library.check(status, ErrorKind::run, "run the model");
        }
    }
}

}  // namespace ei::ort
