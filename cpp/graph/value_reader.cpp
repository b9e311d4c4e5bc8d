#include "graph/value_reader.hpp"

#include "base/error.hpp"
#include "graph/fields.hpp"

namespace ei::graph {

ValueReader::ValueReader(const std::byte* origin, const Limits& limits)
    : nodes{"nodes", limits.nodes},
      attributes{"attributes", limits.attributes},
      names{"input and output names", limits.names},
      tensors{"tensors", limits.tensors},
      values{"declared values", limits.values},
      entries{"metadata and opset entries", limits.entries},
      origin_(origin),
      limits_(limits) {}

void ValueReader::refuse(const std::string& what) {
    throw Error(ErrorKind::model, "ONNX file refused: " + what);
}

void ValueReader::take(Budget& budget) {
    if (budget.left == 0) {
        refuse(std::string("it holds more ") + budget.what +
               " than the limit allows; export a smaller network");
    }
    --budget.left;
}

void ValueReader::once(bool& seen, const char* what) {
    if (seen) refuse(std::string(what) + " is given twice; export the file again");
    seen = true;
}

std::string_view ValueReader::name(const Field& field) const {
    if (field.payload.size() > limits_.name_bytes) {
        refuse("a name has " + std::to_string(field.payload.size()) + " bytes, the limit is " +
               std::to_string(limits_.name_bytes) + "; rename it");
    }
    return field.text();
}

void ValueReader::dims(const Field& field, std::vector<std::int64_t>& out) const {
    const auto push = [&](std::uint64_t value) {
        if (out.size() == limits_.dims) {
            refuse("a tensor has more than " + std::to_string(limits_.dims) +
                   " dimensions; export the file again");
        }
        out.push_back(static_cast<std::int64_t>(value));
    };
    if (field.type == WireType::varint) {
        push(field.value);
    } else if (field.type == WireType::length) {
        WireReader packed = open(field.payload);
        std::uint64_t value = 0;
        while (packed.next_packed_varint(value)) push(value);
    }
}

Entry ValueReader::entry(Bytes message) {
    take(entries);
    Entry out;
    WireReader fields = open(message);
    for (Field field; fields.next(field);) {
        if (field.is(1, WireType::length)) out.key = field.text();
        if (field.is(2, WireType::length)) out.value = field.text();
    }
    return out;
}

OpsetImport ValueReader::opset(Bytes message) {
    take(entries);
    OpsetImport out;
    WireReader fields = open(message);
    for (Field field; fields.next(field);) {
        if (field.is(1, WireType::length)) out.domain = name(field);
        if (field.is(2, WireType::varint)) out.version = field.as_int64();
    }
    return out;
}

Tensor ValueReader::tensor(Bytes message) {
    take(tensors);
    Tensor out;
    out.message = message;
    WireReader fields = open(message);
    for (Field field; fields.next(field);) {
        if (field.number == tensor_field::dims) {
            dims(field, out.dims);
        } else if (field.is(tensor_field::data_type, WireType::varint)) {
            out.type = static_cast<ElementType>(field.as_int32());
        } else if (field.is(tensor_field::name, WireType::length)) {
            out.name = name(field);
        } else if (field.is(tensor_field::raw_data, WireType::length)) {
            out.has_raw = true;
            out.raw = field.payload;
        } else if (field.is(tensor_field::external_data, WireType::length)) {
            out.stored.push_back(entry(field.payload));
        } else if (field.is(tensor_field::data_location, WireType::varint)) {
            out.external = field.as_int32() == 1;
        }
    }
    return out;
}

SparseTensor ValueReader::sparse_tensor(Bytes message) {
    SparseTensor out;
    bool has_values = false, has_indices = false;
    WireReader fields = open(message);
    for (Field field; fields.next(field);) {
        if (field.is(1, WireType::length)) {
            once(has_values, "the values of a sparse tensor");
            out.values = tensor(field.payload);
        } else if (field.is(2, WireType::length)) {
            once(has_indices, "the indices of a sparse tensor");
            out.indices = tensor(field.payload);
        } else if (field.number == 3) {
            dims(field, out.dims);
        }
    }
    return out;
}

Dim ValueReader::dim(Bytes message) const {
    Dim out;
    WireReader fields = open(message);
    for (Field field; fields.next(field);) {  // a oneof: the last one counts
        if (field.is(1, WireType::varint)) {
            out = {field.as_int64(), {}};
        } else if (field.is(2, WireType::length)) {
            out = {std::nullopt, name(field)};
        }
    }
    return out;
}

void ValueReader::tensor_type(Bytes message, ValueInfo& value) const {
    WireReader fields = open(message);
    for (Field field; fields.next(field);) {
        if (field.is(1, WireType::varint)) {
            value.type = static_cast<ElementType>(field.as_int32());
        } else if (field.is(2, WireType::length)) {
            if (value.dims) refuse("the shape of a value is given twice; export the file again");
            value.dims.emplace();
            WireReader shape = open(field.payload);
            for (Field item; shape.next(item);) {
                if (!item.is(1, WireType::length)) continue;
                if (value.dims->size() == limits_.dims) {
                    refuse("a value has more than " + std::to_string(limits_.dims) +
                           " dimensions; export the file again");
                }
                value.dims->push_back(dim(item.payload));
            }
        }
    }
}

void ValueReader::type(Bytes message, ValueInfo& value) const {
    bool seen = false;
    WireReader fields = open(message);
    for (Field field; fields.next(field);) {
        ValueKind kind = ValueKind::unknown;
        switch (field.type == WireType::length ? field.number : 0) {
            case 1:
                kind = ValueKind::tensor;
                break;
            case 4:
                kind = ValueKind::sequence;
                break;
            case 5:
                kind = ValueKind::map;
                break;
            case 7:
                kind = ValueKind::opaque;
                break;
            case 8:
                kind = ValueKind::sparse_tensor;
                break;
            case 9:
                kind = ValueKind::optional;
                break;
            default:
                continue;
        }
        once(seen, "the type of a value");
        value.kind = kind;
        if (kind == ValueKind::tensor || kind == ValueKind::sparse_tensor) {
            tensor_type(field.payload, value);
        }
    }
}

ValueInfo ValueReader::value_info(Bytes message) {
    take(values);
    ValueInfo out;
    out.message = message;
    bool typed = false;
    WireReader fields = open(message);
    for (Field field; fields.next(field);) {
        if (field.is(1, WireType::length)) {
            out.name = name(field);
        } else if (field.is(2, WireType::length)) {
            once(typed, "the type of a value");
            type(field.payload, out);
        }
    }
    return out;
}

}  // namespace ei::graph
