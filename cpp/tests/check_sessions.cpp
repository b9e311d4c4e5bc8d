// Many threads on one network and on many give what one thread gives, while others load, close,
// time out and cancel. Meant for ThreadSanitizer, and for AddressSanitizer's search for leaks.
//
//   check_sessions LIBRARY MODEL ENDLESS
//
// LIBRARY: libonnxruntime; MODEL: float32 inputs of fixed shape, a segmentation tail; ENDLESS: a
// file that only a timeout or a cancellation stops. Exit status 1 when something differs.

#include <atomic>
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "base/mapped_file.hpp"
#include "calib/state.hpp"
#include "flow/binding.hpp"
#include "flow/network.hpp"
#include "flow/observe.hpp"
#include "graph/reader.hpp"

namespace ei {
namespace {

using NetworkPtr = std::shared_ptr<const flow::Network>;

constexpr int kThreads = 8;
constexpr int kStops = 1000;

std::atomic<bool> g_right{true};

void expect(bool holds, const char* what) {
    if (!holds && g_right.exchange(false)) std::printf("FAILED: %s\n", what);
}

// work(thread, step) from every thread at once; an exception is a failure.
void together(const char* what, int steps, const std::function<void(int, int)>& work) {
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&, t] {
            try {
                for (int step = 0; step < steps; ++step) work(t, step);
            } catch (const std::exception& error) {
                if (g_right.exchange(false)) std::printf("FAILED: %s\n", error.what());
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    std::printf("%s, %d threads: %s\n", what, kThreads, g_right ? "as serial" : "DIFFERS");
    std::fflush(stdout);
}

// Inputs of a network, filled from a seed, and what they give.
struct Frame {
    std::vector<std::vector<float>> values;
    std::vector<ort::Value> tensors;
};

Frame make_frame(const flow::Network& network, unsigned seed) {
    Frame frame;
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    for (const ort::TensorSpec& spec : network.inputs()) {
        std::vector<std::int64_t> shape;
        if (spec.type != ElementType::float32 || !spec.fixed(shape)) {
            throw Error(ErrorKind::input, "MODEL: wanted float32 inputs of fixed shape");
        }
        std::vector<float>& values =
            frame.values.emplace_back(ort::count_elements(shape, spec.type, spec.name));
        for (float& value : values) value = normal(random);
        frame.tensors.push_back(ort::Value::view(values.data(), values.size() * sizeof(float),
                                                 shape, ElementType::float32));
    }
    return frame;
}

// The bytes of the first output.
std::vector<std::byte> run(const flow::Network& network, const Frame& frame,
                           const ort::Limits& limits = {}) {
    const std::size_t first = 0;
    ort::Value result;
    network.run(frame.tensors, {&first, 1}, {&result, 1}, limits);
    const auto shape = result.shape();
    const std::size_t count = ort::count_elements(shape, result.type(), "output");
    const auto* data = static_cast<const std::byte*>(result.data());
    return {data, data + count * sizeof(float)};
}

std::vector<std::uint8_t> mask(const flow::Network& network, const Frame& frame,
                               flow::SizeHw size) {
    const flow::Segmentation found = network.segment(frame.tensors, size, {});
    const auto pixels =
        static_cast<std::size_t>(found.height) * static_cast<std::size_t>(found.width);
    return {found.classes.get(), found.classes.get() + pixels};
}

// True when the work was stopped for this reason, false when it came to its end.
bool stopped(const char* reason, const std::function<void()>& work) {
    try {
        work();
        return false;
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::run || error.reason() != reason) throw;
        return true;
    }
}

NetworkPtr load(const std::string& model, std::optional<int> threads, std::size_t bound = 0) {
    flow::LoadOptions options;
    options.session.threads = threads;
    if (bound != 0) options.session.bound = ort::BoundedArena::make(bound, true);
    return flow::Network::from_file(model, options);
}

std::size_t most_in_use(const std::string& model, const Frame& frame) {
    const NetworkPtr network = load(model, 1, std::size_t{1} << 30);
    run(*network, frame);
    return network->arena()->told().most;
}

void one_and_many(const std::string& model) {
    // One thread each, a pool of its own, and the pool that all sessions share.
    std::vector<NetworkPtr> networks;
    for (const std::optional<int> threads : {std::optional(1), std::optional(2), {}}) {
        networks.push_back(load(model, threads));
    }
    std::vector<Frame> frames;
    std::vector<std::vector<std::byte>> wanted;
    std::vector<std::vector<std::uint8_t>> masks;
    constexpr flow::SizeHw kSizes[] = {{320, 320}, {100, 64}, {33, 200}};
    for (unsigned i = 0; i < std::size(kSizes); ++i) {
        frames.push_back(make_frame(*networks[0], i));
        wanted.push_back(run(*networks[0], frames[i]));
        masks.push_back(mask(*networks[0], frames[i], kSizes[i]));
    }
    const auto pick = [](int t, int step, std::size_t count) {
        return static_cast<std::size_t>(t + step) % count;
    };
    together("run, one network", 12, [&](int t, int step) {
        const std::size_t i = pick(t, step, frames.size());
        expect(run(*networks[0], frames[i]) == wanted[i], "run");
    });
    together("run, many networks", 12, [&](int t, int step) {
        const std::size_t i = pick(t, step, frames.size());
        const double limit = step % 2 == 0 ? 0 : 60;
        expect(run(*networks[pick(t, 2 * step, 3)], frames[i], limit) == wanted[i], "run");
    });
    together("segment, many sizes", 12, [&](int t, int step) {
        const std::size_t i = pick(t, step, frames.size());
        expect(mask(*networks[pick(t, 2 * step, 3)], frames[i], kSizes[i]) == masks[i], "segment");
    });
    together("run, some too late or unwanted", 20, [&](int t, int step) {
        const std::size_t i = pick(t, step, frames.size());
        const flow::Network& network = *networks[pick(t, step / 3, 3)];
        if (step % 3 == 0) {
            stopped("timeout",
                    [&] { expect(run(network, frames[i], 1e-3) == wanted[i], "run in time"); });
        } else if (step % 3 == 1) {
            ort::Cancellation token;
            std::thread other([&] { token.cancel(); });
            stopped("cancelled", [&] {
                expect(run(network, frames[i], {0, &token}) == wanted[i], "run before a request");
            });
            other.join();
        } else {
            expect(run(network, frames[i]) == wanted[i], "run beside stopped ones");
        }
    });

    // Enough for some of them at once.
    const NetworkPtr tight = load(model, 2, 3 * most_in_use(model, frames[0]));
    together("run within a bound", 12, [&](int t, int step) {
        const std::size_t i = pick(t, step, frames.size());
        stopped("memory", [&] { expect(run(*tight, frames[i]) == wanted[i], "run in a bound"); });
    });
    expect(run(*tight, frames[0]) == wanted[0], "run behind refused ones");

    std::vector<std::size_t> all(networks[0]->outputs().size());
    for (std::size_t k = 0; k < all.size(); ++k) all[k] = k;
    flow::Binding binding(networks[0], {}, all);
    auto& input = *binding.inputs()[0];
    std::memcpy(input.buffer.data(), frames[0].values[0].data(), input.buffer.size());
    together("one binding", 12, [&](int t, int step) {
        if ((t + step) % 2 == 0) return binding.run({});
        const flow::Segmentation found = binding.segment(kSizes[0], {});
        expect(std::memcmp(found.classes.get(), masks[0].data(), masks[0].size()) == 0,
               "segment of a binding");
    });
    const auto& output = *binding.outputs()[0];
    expect(std::memcmp(output.buffer.data(), wanted[0].data(), wanted[0].size()) == 0,
           "output of a binding");

    // Each slot is closed by one thread while others may still run what they took out of it.
    std::mutex mutex;
    std::vector<NetworkPtr> slots(3, networks[0]);
    together("load and close beside runs", 6, [&](int t, int step) {
        const std::size_t slot = pick(t, step, slots.size());
        if (t < 3) {
            NetworkPtr fresh = load(model, t == 0 ? std::nullopt : std::optional(t));
            const std::lock_guard lock(mutex);
            slots[slot] = std::move(fresh);
            return;
        }
        NetworkPtr taken;
        {
            const std::lock_guard lock(mutex);
            taken = slots[slot];
        }
        const std::size_t i = pick(t, 2 * step, frames.size());
        expect(run(*taken, frames[i]) == wanted[i], "run of a network that is closed meanwhile");
    });
}

// Observers with threads of their own, and callers that share one.
void observers(const std::string& path) {
    const MappedFile file(path);
    std::vector<flow::Watched> tensors;
    const graph::Model model = graph::read(file.bytes());
    for (const graph::Node& node : model.graph.nodes) {
        if (node.is("Conv")) tensors.push_back({std::string(node.outputs[0]), 1});
    }
    flow::Observer alone(file.bytes(), tensors, 1, 2048), shared(file.bytes(), tensors, 3, 2048);
    const Frame frame = make_frame(shared.network(), 5);
    constexpr int kSteps = 4;
    for (int i = 0; i < kThreads * kSteps; ++i) alone.run(frame.tensors);
    together("one observer for all", kSteps, [&](int t, int step) {
        shared.run(frame.tensors);
        const std::string& name = tensors[static_cast<std::size_t>(t + step) % tensors.size()].name;
        expect(shared.statistics(name).samples() > 0, "statistics while others run");
    });
    for (const flow::Watched& tensor : tensors) {
        expect(calib::write_state(shared.statistics(tensor.name)) ==
                   calib::write_state(alone.statistics(tensor.name)),
               "statistics of many threads");
    }
}

void stops(const std::string& endless) {
    const NetworkPtr network = load(endless, 1);
    const Frame frame = make_frame(*network, 1);
    std::atomic<int> late{0}, unwanted{0};
    together("endless runs until their timeout", kStops / kThreads,
             [&](int, int) { late += stopped("timeout", [&] { run(*network, frame, 2e-3); }); });
    together("endless runs until their cancellation", kStops / kThreads, [&](int, int step) {
        ort::Cancellation token;
        std::thread other([&] {
            for (int i = 0; i < step; ++i) std::this_thread::yield();
            token.cancel();
        });
        unwanted += stopped("cancelled", [&] { run(*network, frame, {60, &token}); });
        other.join();
    });
    ort::Cancellation shared;
    std::atomic<int> begun{0};
    together("one request for all", 1, [&](int t, int) {
        ++begun;
        if (t == 0) {
            while (begun < kThreads) std::this_thread::yield();
            return shared.cancel();
        }
        unwanted += stopped("cancelled", [&] { run(*network, frame, {60, &shared}); });
    });
    expect(late == kStops && unwanted == kStops + kThreads - 1, "every endless run was stopped");
    std::printf("%d runs stopped by a timeout, %d by a request\n", late.load(), unwanted.load());
}

int check(const std::string& library, const std::string& model, const std::string& endless) {
    together("open the library", 1,
             [&](int, int) { expect(!ort::Library::open(library, {}).version().empty(), "open"); });
    one_and_many(model);
    observers(model);
    stops(endless);
    return g_right ? 0 : 1;
}

}  // namespace
}  // namespace ei

int main(int count, char** values) {
    if (count != 4) {
        std::fprintf(stderr, "usage: check_sessions LIBRARY MODEL ENDLESS\n");
        return 2;
    }
    try {
        return ei::check(values[1], values[2], values[3]);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "check_sessions: %s\n", error.what());
        return 1;
    }
}
