#include "graph/editor.hpp"

#include <algorithm>

#include "graph/fields.hpp"

namespace ei::graph {
namespace {

// Spans that make up the new file, in order. Neighbours in the original are joined, so that an
// untouched stretch with thousands of fields is one copy.
class Pieces {
  public:
    void append(Bytes bytes) {
        if (bytes.empty()) return;
        total_ += bytes.size();
        if (!pieces_.empty() && pieces_.back().data() + pieces_.back().size() == bytes.data()) {
            pieces_.back() = {pieces_.back().data(), pieces_.back().size() + bytes.size()};
        } else {
            pieces_.push_back(bytes);
        }
    }
    // Keeps the bytes alive until the file is written.
    void append_owned(std::vector<std::byte> bytes) {
        owned_.push_back(std::move(bytes));
        append(owned_.back());
    }
    void append_field(std::uint32_t number, Bytes payload) {
        WireWriter writer;
        writer.header(number, payload.size());
        append_owned(writer.take());
        append(payload);
    }
    std::size_t total() const noexcept { return total_; }
    void write(std::vector<std::byte>& out) const {
        for (const Bytes piece : pieces_) out.insert(out.end(), piece.begin(), piece.end());
    }

  private:
    std::vector<Bytes> pieces_;
    std::vector<std::vector<std::byte>> owned_;
    std::size_t total_ = 0;
};

struct List {
    std::uint32_t number;
    const ListEdit* edit;
    std::size_t index = 0;
};

void graph_pieces(const Graph& graph, const GraphEdit& edit, Pieces& pieces) {
    List lists[] = {
        {graph_field::node, &edit.nodes},
        {graph_field::initializer, &edit.initializers},
        {graph_field::sparse_initializer, &edit.sparse_initializers},
        {graph_field::input, &edit.inputs},
        {graph_field::output, &edit.outputs},
        {graph_field::value_info, &edit.value_infos},
        {graph_field::annotation, &edit.annotations},
    };
    WireReader fields(graph.message);
    for (Field field; fields.next(field);) {
        List* const list = std::find_if(std::begin(lists), std::end(lists), [&](const List& one) {
            return field.is(one.number, WireType::length);
        });
        if (list == std::end(lists)) {
            pieces.append(field.whole);
            continue;
        }
        const std::size_t index = list->index++;
        const auto before = list->edit->before.find(index);
        if (before != list->edit->before.end()) {
            pieces.append_field(list->number, before->second);
        }
        if (list->edit->drops(index)) continue;
        const auto replacement = list->edit->replace.find(index);
        if (replacement == list->edit->replace.end()) {
            pieces.append(field.whole);
        } else {
            pieces.append_field(list->number, replacement->second);
        }
    }
    for (const List& list : lists) {
        for (const auto& payload : list.edit->add) pieces.append_field(list.number, payload);
    }
}

}  // namespace

void ListEdit::drop_at(std::size_t index) {
    if (drop.size() <= index) drop.resize(index + 1, false);
    drop[index] = true;
}

std::vector<std::byte> rebuild(const Model& model, const GraphEdit& edit) {
    Pieces graph, before, after;
    graph_pieces(model.graph, edit, graph);
    Pieces* around = &before;
    WireReader fields(model.message);
    for (Field field; fields.next(field);) {
        if (field.is(model_field::graph, WireType::length)) {
            around = &after;
            continue;
        }
        const auto& drop = edit.drop_model_fields;
        if (std::find(drop.begin(), drop.end(), field.number) == drop.end()) {
            around->append(field.whole);
        }
    }
    WireWriter head;
    head.header(model_field::graph, graph.total());
    before.append_owned(head.take());

    std::vector<std::byte> out;
    out.reserve(before.total() + graph.total() + after.total());
    before.write(out);
    graph.write(out);
    after.write(out);
    return out;
}

std::vector<std::byte> tensor_value(std::string_view name, ElementType type,
                                    const std::optional<std::vector<Dim>>& dims) {
    WireWriter tensor;
    tensor.varint(1, static_cast<std::uint64_t>(type));
    if (dims) {
        WireWriter shape;
        for (const Dim& dim : *dims) {
            WireWriter one;
            if (dim.value) {
                one.varint(1, static_cast<std::uint64_t>(*dim.value));
            } else if (!dim.symbol.empty()) {
                one.text(2, dim.symbol);
            }
            shape.length(1, one.bytes());
        }
        tensor.length(2, shape.bytes());
    }
    WireWriter kind;
    kind.length(1, tensor.bytes());
    WireWriter out;
    out.text(value_info_field::name, name);
    out.length(value_info_field::type, kind.bytes());
    return out.take();
}

}  // namespace ei::graph
