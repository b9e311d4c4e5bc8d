#include "flow/observe.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <set>
#include <system_error>
#include <thread>

#include "base/error.hpp"
#include "graph/more_outputs.hpp"
#include "graph/reader.hpp"

namespace ei::flow {
namespace {

constexpr int kMostThreads = 256;

// What the file holds and nothing else: a cut tail or a moved type would change what is observed.
LoadOptions literal(int threads) {
    LoadOptions options;
    options.session.threads = threads;
    options.fuse_tail = false;
    options.to_uint8 = false;
    options.cache = false;
    // One block planned for all that lies between would be held beside the results, though their
    // memory is free while the first layers run: 150 MB more for DeepLab at 513 pixels.
    options.session.memory_pattern = false;
    return options;
}

int checked_threads(int threads) {
    if (threads >= 1 && threads <= kMostThreads) return threads;
    throw Error(ErrorKind::input, "threads: found " + std::to_string(threads) + ", wanted 1 to " +
                                      std::to_string(kMostThreads));
}

std::string shown(std::span<const std::int64_t> shape) {
    std::string text;
    for (const std::int64_t size : shape) text += (text.empty() ? "" : ", ") + std::to_string(size);
    return "(" + text + ")";
}

std::optional<std::size_t> named(const std::vector<ort::TensorSpec>& specs,
                                 const std::string& name) {
    for (std::size_t i = 0; i < specs.size(); ++i) {
        if (specs[i].name == name) return i;
    }
    return std::nullopt;
}

}  // namespace

Observer::Observer(std::span<const std::byte> model, std::vector<Watched> tensors, int threads,
                   std::size_t bins)
    : tensors_(std::move(tensors)),
      threads_(static_cast<std::size_t>(checked_threads(threads))),
      bins_(bins),
      statistics_(tensors_.size()),
      workspaces_(threads_) {
    (void)calib::TensorStatistics(1, bins);  // raises what an impossible number of bins raises
    std::vector<std::string> names;
    for (const Watched& tensor : tensors_) names.push_back(tensor.name);
    if (names.empty() || std::set<std::string>(names.begin(), names.end()).size() < names.size()) {
        throw Error(ErrorKind::input, names.empty() ? "tensors: found none, wanted one or more"
                                                    : "tensors: found a name twice, wanted each "
                                                      "once");
    }
    const std::vector<std::byte> open = graph::with_outputs(graph::read(model), names);
    network_ = Network::from_bytes(open, "", literal(threads));
    for (const std::string& name : names) {
        if (const auto input = named(network_->inputs(), name)) {
            places_.push_back({true, *input});
        } else {
            places_.push_back({false, wanted_.size()});
            wanted_.push_back(named(network_->outputs(), name).value());
        }
    }
}

Observer::Found Observer::look(std::size_t tensor, const ort::Value& value) const {
    const Watched& watched = tensors_[tensor];
    const std::string what = "tensor '" + watched.name + "'";
    if (!value) throw Error(ErrorKind::input, what + ": found an input that was not given");
    value.expect_tensor(watched.name);
    const auto [type, shape] = value.type_and_shape();
    if (type != ElementType::float32) {
        throw Error(ErrorKind::input, what + ": found " + name_of(type) + ", wanted float32");
    }
    const std::size_t count = ort::count_elements(shape, type, what);
    const std::span<const float> values(static_cast<const float*>(value.data()), count);
    if (!watched.channel_axis) return {tensor, values, 1, count};
    const auto axes = static_cast<std::int64_t>(shape.size());
    const std::int64_t axis = *watched.channel_axis + (*watched.channel_axis < 0 ? axes : 0);
    if (axis < 0 || axis >= axes) {
        throw Error(ErrorKind::input, what + ": found the shape " + shown(shape) +
                                          ", wanted one with axis " +
                                          std::to_string(*watched.channel_axis));
    }
    const auto channels = static_cast<std::size_t>(shape[static_cast<std::size_t>(axis)]);
    const auto& known = statistics_[tensor];
    if (channels == 0 || (known && known->channels().size() != channels)) {
        throw Error(ErrorKind::input,
                    what + ": found the shape " + shown(shape) + ", wanted " +
                        (known ? std::to_string(known->channels().size()) : "one or more") +
                        " channels on axis " + std::to_string(axis));
    }
    std::size_t inner = 1;
    for (auto i = static_cast<std::size_t>(axis) + 1; i < shape.size(); ++i) {
        inner *= static_cast<std::size_t>(shape[i]);
    }
    return {tensor, values, channels, inner};
}

// The largest first: the last to finish should be a small one.
void Observer::observe(std::span<const Found> found) {
    std::atomic<std::size_t> next{0};
    std::vector<std::exception_ptr> errors(threads_);
    const auto work = [&](std::size_t thread) {
        try {
            for (std::size_t i = next++; i < found.size(); i = next++) {
                calib::TensorStatistics& statistics = *statistics_[found[i].tensor];
                statistics.observe(found[i].values, found[i].inner, workspaces_[thread]);
                statistics.end_sample();
            }
        } catch (...) {
            errors[thread] = std::current_exception();
        }
    };
    broken_ = true;
    {
        std::vector<std::jthread> threads;
        const std::size_t useful = std::min(threads_, found.size());
        try {
            for (std::size_t thread = 1; thread < useful; ++thread) {
                threads.emplace_back(work, thread);
            }
        } catch (const std::system_error&) {
            // Those that the system gave do the work of all.
        }
        work(0);
    }
    for (const std::exception_ptr& error : errors) {
        if (error) std::rethrow_exception(error);
    }
    broken_ = false;
}

void Observer::run(std::span<const ort::Value> inputs) {
    const std::lock_guard lock(mutex_);
    if (broken_) {
        throw Error(ErrorKind::run,
                    "observe: found a sample that was observed in part before memory ran out; "
                    "begin again from the statistics that were kept");
    }
    // New ones for each run: their memory is the arena's, which has it for the first layers of the
    // next run, and no result of another shape is in the way.
    std::vector<ort::Value> results(wanted_.size());
    network_->run(inputs, wanted_, results, network_->checked().timeout_s);
    std::vector<Found> found;
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
        const Place& place = places_[i];
        const ort::Value none;
        found.push_back(look(i, !place.from_input             ? results[place.index]
                                : place.index < inputs.size() ? inputs[place.index]
                                                              : none));
    }
    for (const Found& one : found) {
        auto& statistics = statistics_[one.tensor];
        if (!statistics) statistics.emplace(one.channels, bins_);
    }
    std::stable_sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
        return a.values.size() > b.values.size();
    });
    observe(found);
}

std::size_t Observer::index_of(const std::string& name) const {
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
        if (tensors_[i].name == name) return i;
    }
    throw Error(ErrorKind::input,
                "tensors: found the name '" + name + "', wanted one that is observed");
}

calib::TensorStatistics Observer::statistics(const std::string& name) const {
    const std::size_t at = index_of(name);
    const std::lock_guard lock(mutex_);
    if (statistics_[at]) return *statistics_[at];
    throw Error(ErrorKind::input, "tensor '" + name +
                                      "': found no sample observed, wanted one or more; run "
                                      "samples first");
}

void Observer::merge(const std::string& name, const calib::TensorStatistics& statistics) {
    const std::size_t at = index_of(name);
    const std::lock_guard lock(mutex_);
    auto& own = statistics_[at];
    if (own) return own->merge(statistics);
    calib::TensorStatistics fresh(statistics.channels().size(), bins_);
    fresh.merge(statistics);
    own = std::move(fresh);
}

std::vector<std::string> Observer::not_finite() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
        if (statistics_[i] && statistics_[i]->not_finite() > 0) names.push_back(tensors_[i].name);
    }
    return names;
}

}  // namespace ei::flow
