#include "flow/notes.hpp"

#include "base/error.hpp"
#include "base/mapped_file.hpp"
#include "flow/machine.hpp"
#include "flow/model_digest.hpp"
#include "graph/reader.hpp"

namespace ei::flow {
namespace {

Digest read_digest(ModelDigest& model, std::span<const std::byte> bytes) {
    const std::optional<Digest> digest = model.read(bytes, graph::read(bytes));
    if (!digest) {
        throw Error(ErrorKind::model,
                    "the model's external data cannot be read; put its files beside the model");
    }
    return *digest;
}

}  // namespace

std::string Notes::file_name(const std::string& name) const {
    Digester digester;
    digester.add(std::string_view("note"));
    digester.add(model_);
    digester.add(name);
    add_machine(digester);
    return hex(digester.take()) + ".note";
}

std::optional<std::string> Notes::recall(const std::string& name) const {
    if (!kept_.why_not().empty()) return std::nullopt;
    std::string why;
    const std::optional<cache::Kept> kept = kept_.read(file_name(name), why);
    if (!kept) return std::nullopt;
    const cache::Bytes content = kept->content();
    return std::string(reinterpret_cast<const char*>(content.data()), content.size());
}

std::string Notes::remember(const std::string& name, const std::string& text) const {
    if (!kept_.why_not().empty()) return kept_.why_not();
    const cache::Bytes content = std::as_bytes(std::span(text));
    return kept_.write(file_name(name), {&content, 1});
}

void Notes::forget(const std::string& name) const {
    if (kept_.why_not().empty()) kept_.remove(file_name(name));
}

Digest model_for_notes(const cache::Folder& kept, const std::string& path,
                       std::span<const std::byte> bytes) {
    if (path.empty()) {
        ModelDigest model(kept, "", "");
        return read_digest(model, bytes);
    }
    const auto slash = path.rfind('/');
    ModelDigest model(kept, path, slash == path.npos ? "." : path.substr(0, slash + 1));
    if (const std::optional<Digest> known = model.known()) return *known;
    const MappedFile file(path);
    return read_digest(model, file.bytes());
}

}  // namespace ei::flow
