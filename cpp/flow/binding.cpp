#include "flow/binding.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace ei::flow {
namespace {

double ms(Clock::duration time) {
    return std::chrono::duration<double, std::milli>(time).count();
}

void expect_bindable(const ort::TensorSpec& spec) {
    if (bits_of(spec.type) >= 8) return;
    throw Error(ErrorKind::input, "bind: '" + spec.name + "' is a tensor of " + name_of(spec.type) +
                                      ", which has no fixed buffer of one element each; use run()");
}

AlignedBuffer zeros(const std::string& name, ElementType type,
                    const std::vector<std::int64_t>& shape, std::size_t bytes) {
    try {
        AlignedBuffer buffer(bytes);
        std::memset(buffer.data(), 0, bytes);  // also touches every page
        return buffer;
    } catch (const std::bad_alloc&) {
        std::string sizes;
        for (const std::int64_t size : shape) {
            sizes += (sizes.empty() ? "" : ", ") + std::to_string(size);
        }
        throw Error(ErrorKind::run, "bind: found no memory for '" + name + "', " + name_of(type) +
                                        " (" + sizes + "), wanted " + std::to_string(bytes) +
                                        " bytes; bind a smaller shape");
    }
}

ort::Value view(BoundTensor& tensor) {
    const std::size_t count = ort::count_elements(tensor.shape, tensor.type, tensor.name);
    return ort::Value::view(tensor.buffer.data(), bytes_of(tensor.type, count), tensor.shape,
                            tensor.type);
}

std::vector<std::int64_t> shape_of(const ort::TensorSpec& spec,
                                   const std::map<std::string, std::vector<std::int64_t>>& shapes) {
    std::vector<std::int64_t> fixed;
    const bool is_fixed = spec.fixed(fixed);
    const auto given = shapes.find(spec.name);
    if (given == shapes.end()) {
        if (is_fixed) return fixed;
        throw Error(ErrorKind::input, "bind: input '" + spec.name +
                                          "' has symbolic axes, wanted its shape; pass "
                                          "shapes={'" +
                                          spec.name + "': (...)}");
    }
    const auto& shape = given->second;
    bool fits = shape.size() == spec.shape.size();
    for (std::size_t i = 0; fits && i < shape.size(); ++i) {
        const auto* size = std::get_if<std::int64_t>(&spec.shape[i]);
        fits = shape[i] >= 0 && (size == nullptr || *size == shape[i]);
    }
    if (!fits) {
        throw Error(ErrorKind::input, "bind: the shape given for input '" + spec.name +
                                          "' does not fit what the model declares; see "
                                          "session.inputs");
    }
    return shape;
}

}  // namespace

Binding::Binding(std::shared_ptr<const Network> network,
                 const std::map<std::string, std::vector<std::int64_t>>& shapes,
                 std::vector<std::size_t> wanted, bool quantized)
    : network_(std::move(network)), wanted_(std::move(wanted)), core_(network_->core()) {
    for (const auto& [name, shape] : shapes) {
        const auto& specs = network_->inputs();
        if (std::none_of(specs.begin(), specs.end(), [&, &wanted_name = name](const auto& s) {
                return s.name == wanted_name;
            })) {
            throw Error(ErrorKind::input,
                        "bind: shapes names '" + name + "', which is no input of the model");
        }
    }
    for (std::size_t i = 0; i < network_->inputs().size(); ++i) {
        const ort::TensorSpec& spec = network_->inputs()[i];
        // One that has a default is bound where the caller names it.
        if (i >= network_->required() && !shapes.contains(spec.name)) continue;
        bind_input(i, shape_of(spec, shapes), quantized);
    }
    bind_core();
}

void Binding::bind_input(std::size_t index, const std::vector<std::int64_t>& shape,
                         bool quantized) {
    const ort::TensorSpec& spec = network_->inputs()[index];
    const QuantizedInput* const integers = network_->quantized(index);
    const bool cut = integers != nullptr && integers->quantize != nullptr;
    core_inputs_.resize(network_->inputs().size());
    core_inputs_[index] = make(cut ? integers->spec : spec, shape);
    const auto& read = core_inputs_[index];
    core_.input(cut ? integers->core_name : spec.name, read->value);
    if (!cut || quantized) {
        inputs_.push_back(read);
        return;
    }
    inputs_.push_back(make(spec, shape));
    heads_.emplace_back(integers->quantize);
    heads_.back().input(spec.name, inputs_.back()->value);
    heads_.back().output(integers->core_name, read->value);
}

std::shared_ptr<BoundTensor> Binding::make(const ort::TensorSpec& spec,
                                           const std::vector<std::int64_t>& shape) const {
    expect_bindable(spec);
    auto tensor = std::make_shared<BoundTensor>();
    tensor->name = spec.name;
    tensor->type = spec.type;
    tensor->shape = shape;
    const std::size_t count = ort::count_elements(shape, spec.type, "bind: '" + spec.name + "'");
    const std::size_t bytes = bytes_of(spec.type, count);
    tensor->buffer = zeros(spec.name, spec.type, shape, std::max<std::size_t>(bytes, 1));
    tensor->value = view(*tensor);
    return tensor;
}

// Buffers for the core's outputs that somebody reads: the wanted ones, and the scores.
void Binding::bind_core() {
    const auto& specs = network_->core()->outputs();
    core_outputs_.resize(specs.size());
    std::vector<bool> needed(specs.size(), false);
    for (const std::size_t k : wanted_) {
        if (network_->source(k).from_core) needed[network_->source(k).index] = true;
    }
    if (network_->tail().cut) needed[network_->scores_index()] = true;

    std::vector<std::int64_t> shape;
    const bool all_fixed = [&] {
        for (std::size_t i = 0; i < specs.size(); ++i) {
            if (needed[i] && !specs[i].fixed(shape)) return false;
        }
        return true;
    }();
    // Symbolic output shapes follow from the input shapes in ways only the graph knows: one run on
    // zeros tells them.
    std::vector<ort::Value> found(specs.size());
    if (!all_fixed) {
        std::vector<ort::Value> zeros;
        core_inputs_.resize(network_->inputs().size());
        for (const auto& tensor : core_inputs_) {
            zeros.push_back(tensor != nullptr ? view(*tensor) : ort::Value());
        }
        std::vector<const char*> names_out;
        for (const auto& spec : specs) names_out.push_back(spec.name.c_str());
        network_->core()->run(zeros, names_out, found, network_->options().timeout_s);
    }
    for (std::size_t i = 0; i < specs.size(); ++i) {
        if (!needed[i]) continue;
        if (!all_fixed) found[i].expect_tensor(specs[i].name);
        if (all_fixed) {
            specs[i].fixed(shape);
        } else {
            shape = found[i].shape();
        }
        core_outputs_[i] = make(specs[i], shape);
        core_.output(specs[i].name, core_outputs_[i]->value);
    }
}

bool Binding::complete_outputs(const ort::Limits& limits) {
    if (completed_) return false;
    const auto& rest = network_->rest();
    std::vector<std::shared_ptr<BoundTensor>> outputs;
    std::optional<ort::Binding> rest_binding;
    if (rest != nullptr && std::any_of(wanted_.begin(), wanted_.end(), [&](std::size_t k) {
            return !network_->source(k).from_core;
        })) {
        rest_binding.emplace(rest);
        const auto& logits = core_outputs_[network_->scores_index()];
        rest_binding->input(logits->name, logits->value);
        std::vector<std::int64_t> shape;
        std::vector<ort::Value> found(rest->outputs().size());
        const bool all_fixed =
            std::all_of(rest->outputs().begin(), rest->outputs().end(),
                        [&](const ort::TensorSpec& spec) { return spec.fixed(shape); });
        if (!all_fixed) {
            std::vector<const char*> names;
            for (const auto& spec : rest->outputs()) names.push_back(spec.name.c_str());
            rest->run({&logits->value, 1}, names, found, limits);
        }
        for (const std::size_t k : wanted_) {
            const auto source = network_->source(k);
            if (source.from_core) {
                outputs.push_back(core_outputs_[source.index]);
                continue;
            }
            const ort::TensorSpec& spec = rest->outputs()[source.index];
            if (all_fixed) {
                spec.fixed(shape);
            } else {
                shape = found[source.index].shape();
            }
            outputs.push_back(make(spec, shape));
            rest_binding->output(spec.name, outputs.back()->value);
        }
    } else {
        for (const std::size_t k : wanted_) {
            outputs.push_back(core_outputs_[network_->source(k).index]);
        }
    }
    outputs_ = std::move(outputs);
    rest_ = std::move(rest_binding);
    completed_ = true;
    return true;
}

const std::vector<std::shared_ptr<BoundTensor>>& Binding::outputs() {
    const auto turn = turn_.take();
    complete_outputs(network_->options().timeout_s);
    return outputs_;
}

void Binding::run_core(const ort::Limits& limits, Clock::time_point start) {
    for (const ort::Binding& head : heads_) head.run(limits.left_since(start));
    core_.run(limits.left_since(start));
}

void Binding::run(ort::Limits limits) {
    counted(network_->tally(), [&](Span& span) {
        const auto turn = turn_.take(limits);
        if (turn.waited()) span.start = Clock::now();
        const auto core = complete_outputs(limits) ? Clock::now() : span.start;
        run_core(limits.left_since(span.start), core);
        const auto rest = span.end = Clock::now();
        if (rest_) {
            rest_->run(limits.left_since(span.start));
            span.end = Clock::now();
        }
        times_ = {ms(rest - core), ms(span.end - rest)};
        return true;
    });
}

void Binding::run_bare(std::size_t count) {
    const auto turn = turn_.take();
    core_.run_bare(count);
}

Segmentation Binding::segment(std::optional<SizeHw> size, ort::Limits limits) {
    const std::size_t at = network_->scores_index();
    const auto& scores = core_outputs_[at];
    if (scores == nullptr) {
        throw Error(ErrorKind::input, "segment: output '" + network_->core()->outputs()[at].name +
                                          "' is not bound, wanted it among bind(outputs=[...])");
    }
    return counted(network_->tally(), [&](Span& span) {
        const auto turn = turn_.take(limits);
        if (turn.waited()) span.start = Clock::now();
        run_core(limits, span.start);
        const auto middle = Clock::now();
        Segmentation result =
            network_->segmenter().run(scores->value, scores->name, network_->tail().corners,
                                      size ? size : network_->default_size());
        span.end = Clock::now();
        times_ = {ms(middle - span.start), ms(span.end - middle)};
        return result;
    });
}

StageTimes Binding::last_times() const {
    const auto turn = turn_.take();
    return times_;
}

}  // namespace ei::flow
