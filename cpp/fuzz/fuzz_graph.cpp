// Any bytes as an ONNX file: an Error, or a model of which all that is said holds and that can be
// written again, edited and cut.

#include <filesystem>
#include <set>

#include "base/error.hpp"
#include "fuzz/draws.hpp"
#include "graph/editor.hpp"
#include "graph/facts.hpp"
#include "graph/head.hpp"
#include "graph/links.hpp"
#include "graph/reader.hpp"
#include "graph/shapes.hpp"
#include "graph/stem.hpp"
#include "graph/tail.hpp"
#include "graph/text.hpp"
#include "graph/uint8.hpp"
#include "graph/values.hpp"

namespace ei::fuzz {
namespace {

using namespace ei::graph;

bool same_bytes(Bytes a, Bytes b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

// Messages of two lists that are equal, `b` without its element `skipped`.
template <class T>
bool same_messages(const std::vector<T>& a, const std::vector<T>& b,
                   std::size_t skipped = static_cast<std::size_t>(-1)) {
    std::size_t at = 0;
    for (std::size_t i = 0; i < b.size(); ++i) {
        if (i == skipped) continue;
        if (at == a.size() || !same_bytes(a[at++].message, b[i].message)) return false;
    }
    return at == a.size();
}

bool same_dims(const std::optional<std::vector<Dim>>& a, const std::optional<std::vector<Dim>>& b) {
    if (!a || !b) return !a && !b;
    return std::equal(a->begin(), a->end(), b->begin(), b->end(), [](const Dim& x, const Dim& y) {
        return x.value == y.value && x.symbol == y.symbol;
    });
}

void check_tensor(const Tensor& tensor) {
    const auto elements = element_count(tensor.dims);
    if (const auto values = int_values(tensor)) {
        expect(elements && values->size() == static_cast<std::size_t>(*elements),
               "as many integers as the dims announce");
    }
    if (const auto values = float_values(tensor)) {
        expect(elements && values->size() == static_cast<std::size_t>(*elements),
               "as many floats as the dims announce");
    }
    data_mismatch(tensor);
    data_bytes(tensor);
}

void check_nodes(const std::vector<Node>& nodes);

void check_graph(const Graph& graph) {
    for (const Tensor& one : graph.initializers) check_tensor(one);
    for (const SparseTensor& one : graph.sparse_initializers) {
        check_tensor(one.values);
        check_tensor(one.indices);
    }
    check_nodes(graph.nodes);
}

void check_nodes(const std::vector<Node>& nodes) {
    for (const Node& node : nodes) {
        for (const Attribute& one : node.attributes) {
            expect(ints(one).size() <= kSmallList && floats(one).size() <= kSmallList &&
                       strings(one).size() <= kSmallList,
                   "lists stay within their limit");
            for (const Tensor& tensor : one.tensors) check_tensor(tensor);
            for (const Graph& inner : one.graphs) check_graph(inner);
        }
    }
}

// The file written again without a change, and with one.
void rewrite(const Model& model, std::size_t pick) {
    const std::vector<std::byte> copy = rebuild(model, {});
    const Model again = read(copy);
    expect(same_bytes(again.graph.message, model.graph.message), "an unchanged graph is copied");
    expect(again.ir_version == model.ir_version && again.opsets.size() == model.opsets.size() &&
               again.functions.size() == model.functions.size() &&
               again.metadata.size() == model.metadata.size(),
           "what surrounds the graph stays");
    expect(rebuild(again, {}) == copy, "a copy of a copy is the copy");

    GraphEdit edit;
    const std::size_t nodes = model.graph.nodes.size(), inputs = model.graph.inputs.size();
    const std::size_t node = nodes == 0 ? 0 : pick % nodes;
    if (nodes > 0) edit.nodes.drop_at(node);
    const std::size_t input = inputs == 0 ? 0 : pick % inputs;
    if (inputs > 0) {
        const ValueInfo& value = model.graph.inputs[input];
        edit.inputs.replace[input] = tensor_value(value.name, value.type, value.dims);
    }
    const std::vector<std::byte> edited = rebuild(model, edit);
    const Model changed = read(edited);
    expect(same_messages(changed.graph.nodes, model.graph.nodes,
                         nodes > 0 ? node : static_cast<std::size_t>(-1)),
           "the other nodes stay byte for byte");
    expect(same_messages(changed.graph.initializers, model.graph.initializers) &&
               same_messages(changed.graph.outputs, model.graph.outputs) &&
               same_messages(changed.graph.value_infos, model.graph.value_infos) &&
               changed.graph.inputs.size() == inputs,
           "the other lists stay byte for byte");
    if (inputs > 0) {
        const ValueInfo& wanted = model.graph.inputs[input];
        const ValueInfo& found = changed.graph.inputs[input];
        expect(found.kind == ValueKind::tensor && found.name == wanted.name &&
                   found.type == wanted.type && same_dims(found.dims, wanted.dims),
               "a declaration that is written reads the same");
    }
}

std::set<std::string_view> names(const std::vector<ValueInfo>& values) {
    std::set<std::string_view> all;
    for (const ValueInfo& value : values) all.insert(value.name);
    return all;
}

void check_tail(const Model& model, const Tail& tail) {
    const auto within_graph = [&](std::size_t i) { return i < model.graph.nodes.size(); };
    expect(!tail.nodes.empty() && std::all_of(tail.nodes.begin(), tail.nodes.end(), within_graph),
           "a tail has nodes of the graph");
    expect(!tail.scale || *tail.scale > 0, "the scale of logits is positive");
    for (const auto& size :
         {tail.batch, tail.classes, tail.height, tail.width, tail.out_height, tail.out_width}) {
        expect(!size || *size >= 0, "sizes are not negative");
    }
    expect(tail.type == ElementType::float32 || tail.type == ElementType::uint8 ||
               tail.type == ElementType::int8,
           "logits have a type that the fused pass reads");

    const Cut parts = cut(model, tail);
    const Model core = read(parts.core), rest = read(parts.rest);
    expect(core.graph.nodes.size() < model.graph.nodes.size() || !rest.graph.nodes.empty(),
           "a cut takes nodes away");
    const auto whole_outputs = names(model.graph.outputs);
    const auto core_outputs = names(core.graph.outputs), rest_outputs = names(rest.graph.outputs);
    for (const std::string_view name : whole_outputs) {
        expect(core_outputs.contains(name) || rest_outputs.contains(name),
               "every output is made by one of the parts");
    }
    expect(core_outputs.contains(tail.logits), "the core makes the logits");
    expect(names(rest.graph.inputs).contains(tail.logits), "the rest takes the logits");
    expect(rest_outputs.contains(tail.output), "the rest makes the tail's output");
    find_tail(core);
    facts(rest);
}

bool has_refusals(const Facts& found) {
    return std::any_of(found.problems.begin(), found.problems.end(),
                       [](const Problem& problem) { return problem.verdict == Verdict::refused; });
}

const ValueInfo* named(const std::vector<ValueInfo>& values, std::string_view name) {
    const auto found = std::find_if(values.begin(), values.end(),
                                    [&](const ValueInfo& value) { return value.name == name; });
    return found == values.end() ? nullptr : &*found;
}

// Any file may be cut, but only one of which nothing is refused comes this far on its way to the
// runtime: its parts are judged, and nothing of them may be refused either.
void check_heads(const Model& model, const Facts& whole, const Checks& checks,
                 bool int8_becomes_uint8) {
    const HeadsCut parts = cut_heads(model, whole.heads, int8_becomes_uint8);
    expect(parts.core.empty() == parts.heads.empty(), "a core is made where a head is cut");
    if (parts.heads.empty() || has_refusals(whole)) return;
    const Model core = read(parts.core);
    expect(core.graph.nodes.size() + parts.heads.size() == model.graph.nodes.size(),
           "a cut head takes one node away");
    expect(core.graph.inputs.size() >= model.graph.inputs.size() &&
               names(core.graph.outputs) == names(model.graph.outputs),
           "a core keeps inputs and outputs");
    expect(!has_refusals(facts(core, checks)), "a sound file has a sound core");
    for (const HeadCut& cut : parts.heads) {
        const Head& head = cut.head;
        expect(head.scale > 0 && head.quantizes, "a cut head quantises");
        const ValueInfo* const taken = named(core.graph.inputs, head.integers);
        expect(taken != nullptr && taken->type == head.type &&
                   named(core.graph.inputs, head.name) == nullptr,
               "the core takes integers in place of floats");
        const Model quantize = read(cut.quantize);
        const ValueInfo* const input = named(quantize.graph.inputs, head.name);
        const ValueInfo* const output = named(quantize.graph.outputs, head.integers);
        expect(input != nullptr && input->type == ElementType::float32 && output != nullptr &&
                   output->type == head.type && same_dims(output->dims, taken->dims),
               "the head makes what the core takes");
        for (const Node& node : quantize.graph.nodes) {
            if (!node.is("QuantizeLinear")) continue;
            const std::int64_t dtype = int_of(node, "output_dtype", 0);
            expect(dtype == 0 || dtype == static_cast<std::int64_t>(head.type),
                   "a head names no other type than its own");
        }
        expect(!has_refusals(facts(quantize, checks)), "a sound file has sound heads");
    }
}

// The inputs that no initialiser supplies.
std::vector<ValueInfo> given(const Model& model) {
    const Links links(model);
    std::vector<ValueInfo> all;
    std::copy_if(model.graph.inputs.begin(), model.graph.inputs.end(), std::back_inserter(all),
                 [&](const ValueInfo& input) { return !links.initializer(input.name); });
    return all;
}

void check_uint8(const Model& model, const Facts& whole, const Checks& checks) {
    const Uint8Move move = find_uint8_move(model);
    for (const auto& [why, count] : move.left)
        expect(is_utf8(why) && count > 0, "reasons are text");
    if (move.moved.empty()) return;
    const std::vector<std::byte> bytes = move_to_uint8(model, move);
    const Model moved = read(bytes);
    const std::vector<Node>&old_nodes = model.graph.nodes, &new_nodes = moved.graph.nodes;
    expect(std::equal(old_nodes.begin(), old_nodes.end(), new_nodes.begin(), new_nodes.end(),
                      [](const Node& a, const Node& b) {
                          return a.op_type == b.op_type && a.outputs == b.outputs &&
                                 a.inputs.size() <= b.inputs.size();
                      }),
           "a move keeps the nodes and what they make");
    expect(same_messages(moved.graph.outputs, model.graph.outputs), "a move keeps the outputs");
    expect(same_messages(given(moved), given(model)), "a move keeps the inputs");
    expect(find_uint8_move(moved).moved.empty(), "nothing is left to move");
    if (!has_refusals(whole))
        expect(!has_refusals(facts(moved, checks)), "a sound file stays sound");
}

void check_stems(const Model& model, const Facts& whole, const Checks& checks) {
    const std::vector<Stem> stems = find_stems(model);
    if (stems.empty()) return;
    const std::vector<std::byte> bytes = widen_stems(model, stems);
    const Model wider = read(bytes);
    expect(wider.graph.nodes.size() == model.graph.nodes.size() + stems.size(),
           "a wider stem takes one node more");
    expect(same_messages(wider.graph.outputs, model.graph.outputs), "wider stems keep the outputs");
    expect(same_messages(given(wider), given(model)), "wider stems keep the inputs");
    expect(find_stems(wider).empty(), "nothing is left to widen");
    if (!has_refusals(whole))
        expect(!has_refusals(facts(wider, checks)), "a sound file stays sound");
}

void check(const Model& model, std::size_t pick) {
    check_graph(model.graph);
    for (const Function& one : model.functions) check_nodes(one.nodes);

    const Links links(model);
    Shapes shapes(model, links);
    for (const Node& node : model.graph.nodes) {
        for (const std::string_view name : node.outputs) {
            const Shape& shape = shapes.of(name);
            if (!shape.dims) continue;
            for (const Size& size : *shape.dims) {
                expect(!size || *size >= 0, "known sizes are not negative");
            }
        }
    }

    Checks checks;
    if (pick % 2 == 0) checks.folder = ".";  // has no file that a network names
    const Facts found = facts(model, checks);
    expect(is_utf8(found.loops.why), "the reason is text");
    for (const Problem& problem : found.problems) {
        expect(is_utf8(problem.text) && is_utf8(problem.remedy) && !problem.code.empty() &&
                   name_of(problem.verdict) != nullptr,
               "problems are told in text");
    }
    for (const ValueFacts& value : found.inputs) expect(is_utf8(value.name), "names are text");
    expect(found.quantised_nodes <= found.weighted_nodes && found.parameters >= 0 &&
               found.weight_bytes >= 0,
           "counts are possible");

    rewrite(model, pick);
    for (const bool int8_becomes_uint8 : {false, true}) {
        check_heads(model, found, checks, int8_becomes_uint8);
    }
    check_uint8(model, found, checks);
    check_stems(model, found, checks);
    const TailSearch search = find_tail(model);
    expect(is_utf8(search.why), "the reason is text");
    if (search.tail) check_tail(model, *search.tail);
}

}  // namespace
}  // namespace ei::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // The exact size on the heap, so that a read past the end is seen.
    const std::vector<std::uint8_t> file(data, data + size);
    try {
        const ei::graph::Model model =
            ei::graph::read(std::as_bytes(std::span<const std::uint8_t>(file)));
        ei::fuzz::check(model, size);
    } catch (const ei::Error& error) {
        ei::fuzz::expect(error.kind() == ei::ErrorKind::model, "a file raises model errors only");
    }
    return 0;
}
