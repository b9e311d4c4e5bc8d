#pragma once
// The leaves of a model: tensors, types, opset imports. reader.cpp reads graphs with this; all
// counts and lengths are checked here.

#include <string>
#include <string_view>
#include <vector>

#include "graph/model.hpp"
#include "graph/reader.hpp"
#include "graph/wire.hpp"

namespace ei::graph {

class ValueReader {
  public:
    // `origin` is the first byte of the file; both must outlive the reader.
    ValueReader(const std::byte* origin, const Limits& limits);

    Tensor tensor(Bytes message);
    SparseTensor sparse_tensor(Bytes message);
    ValueInfo value_info(Bytes message);
    OpsetImport opset(Bytes message);
    Entry entry(Bytes message);

    // What remains of one of the limits.
    struct Budget {
        const char* what;
        std::size_t left;
    };
    Budget nodes, attributes, names, tensors, values, entries;

    static void take(Budget& budget);
    [[noreturn]] static void refuse(const std::string& what);
    // Refuses the second time.
    static void once(bool& seen, const char* what);

    WireReader open(Bytes message) const noexcept { return WireReader(message, origin_); }
    std::string_view name(const Field& field) const;
    const Limits& limits() const noexcept { return limits_; }

  private:
    void type(Bytes message, ValueInfo& value) const;
    void tensor_type(Bytes message, ValueInfo& value) const;
    Dim dim(Bytes message) const;
    void dims(const Field& field, std::vector<std::int64_t>& out) const;

    const std::byte* origin_;
    const Limits& limits_;
};

}  // namespace ei::graph
