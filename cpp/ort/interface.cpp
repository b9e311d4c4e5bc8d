#include "ort/interface.hpp"

namespace ei::ort {
namespace {

std::vector<Axis> read_shape(const Library& library, const OrtTensorTypeAndShapeInfo* info) {
    const Api& api = library.api();
    const auto check = [&](OrtStatus* status) {
        library.check(status, ErrorKind::model, "read a declared shape");
    };
    std::size_t rank = 0;
    check(api.GetDimensionsCount(info, &rank));
    std::vector<std::int64_t> sizes(rank);
    std::vector<const char*> symbols(rank, nullptr);
    check(api.GetDimensions(info, sizes.data(), rank));
    check(api.GetSymbolicDimensions(info, symbols.data(), rank));
    std::vector<Axis> shape;
    for (std::size_t i = 0; i < rank; ++i) {
        if (sizes[i] >= 0) {
            shape.emplace_back(sizes[i]);
        } else {
            const bool named = symbols[i] != nullptr && *symbols[i] != '\0';
            shape.emplace_back(std::string(named ? symbols[i] : "?"));
        }
    }
    return shape;
}

}  // namespace

std::vector<TensorSpec> read_specs(const Library& library, const OrtSession* session,
                                   bool of_inputs) {
    const Api& api = library.api();
    const auto check = [&](OrtStatus* status) {
        library.check(status, ErrorKind::model, "describe the model");
    };
    std::size_t count = 0;
    check(of_inputs ? api.SessionGetInputCount(session, &count)
                    : api.SessionGetOutputCount(session, &count));
    std::vector<TensorSpec> specs;
    for (std::size_t i = 0; i < count; ++i) {
        TensorSpec spec;
        char* name = nullptr;
        check(of_inputs ? api.SessionGetInputName(session, i, library.allocator(), &name)
                        : api.SessionGetOutputName(session, i, library.allocator(), &name));
        spec.name = name;
        check(api.AllocatorFree(library.allocator(), name));
        OrtTypeInfo* raw = nullptr;
        check(of_inputs ? api.SessionGetInputTypeInfo(session, i, &raw)
                        : api.SessionGetOutputTypeInfo(session, i, &raw));
        const TypeInfoHandle info(raw);
        int kind = 0;
        check(api.GetOnnxTypeFromTypeInfo(raw, &kind));
        const OrtTensorTypeAndShapeInfo* tensor = nullptr;
        if (kind == kTypeTensor) check(api.CastTypeInfoToTensorInfo(raw, &tensor));
        if (tensor != nullptr) {
            int type = 0;
            check(api.GetTensorElementType(tensor, &type));
            spec.type = static_cast<ElementType>(type);
            spec.shape = read_shape(library, tensor);
        } else if (of_inputs) {
            throw Error(ErrorKind::model, "input '" + spec.name +
                                              "': found a sequence, map or optional, wanted a "
                                              "tensor; export the model with tensor inputs");
        }
        specs.push_back(std::move(spec));
    }
    return specs;
}

}  // namespace ei::ort
