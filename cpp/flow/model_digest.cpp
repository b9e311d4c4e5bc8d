#include "flow/model_digest.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "base/error.hpp"
#include "base/mapped_file.hpp"
#include "cache/archive.hpp"
#include "graph/external.hpp"
#include "graph/scopes.hpp"

namespace ei::flow {
namespace {

// Where the model's tensors say that their data lies, each place once and in order.
std::vector<std::string> external_locations(const graph::Model& model) {
    std::set<std::string> found;
    const auto add = [&](const graph::Tensor& tensor) {
        if (tensor.external) found.insert(graph::external_data(tensor).location);
    };
    graph::each_scope(model, [&](const graph::Scope& scope) {
        if (scope.graph() != nullptr) {
            for (const graph::Tensor& one : scope.graph()->initializers) add(one);
            for (const graph::SparseTensor& one : scope.graph()->sparse_initializers) {
                add(one.values);
                add(one.indices);
            }
        }
        for (const graph::Node& node : scope.nodes()) {
            for (const graph::Attribute& attribute : node.attributes) {
                for (const graph::Tensor& one : attribute.tensors) add(one);
            }
        }
    });
    return {found.begin(), found.end()};
}

}  // namespace

bool names_external_data(const graph::Model& model) {
    try {
        return !external_locations(model).empty();
    } catch (const Error&) {
        return true;
    }
}

struct ModelDigest::Record {
    std::vector<std::string> locations;  // of external data
    std::vector<cache::Stamp> stamps;    // the model's, then theirs
    Digest digest{};

    template <class Archive>
    friend void fields(Archive& archive, Record& record) {
        archive(record.locations, record.stamps, record.digest);
    }
};

ModelDigest::ModelDigest(const cache::Folder& kept, std::string path, std::string folder)
    : kept_(kept), path_(std::move(path)), folder_(std::move(folder)) {
    if (path_.empty()) return;
    std::error_code error;
    const auto absolute = std::filesystem::absolute(path_, error);
    if (!error) path_ = absolute.string();
}

std::string ModelDigest::record_name() const {
    Digester digester;
    digester.add(path_);
    return hex(digester.take()) + ".file";
}

std::optional<ModelDigest::Files> ModelDigest::stamps(
    const std::vector<std::string>& locations) const {
    Files files;
    const auto add = [&](const std::string& path) {
        const std::optional<cache::Stamp> stamp = cache::stamp_of(path);
        if (stamp) files.emplace_back(path, *stamp);
        return stamp.has_value();
    };
    if (!add(path_)) return std::nullopt;
    for (const std::string& location : locations) {
        if (!add((std::filesystem::path(folder_) / location).string())) return std::nullopt;
    }
    return files;
}

std::optional<Digest> ModelDigest::known() const {
    if (path_.empty() || !kept_.why_not().empty()) return std::nullopt;
    std::string why;
    const std::optional<cache::Kept> kept = kept_.read(record_name(), why);
    if (!kept) return std::nullopt;
    Record record;
    cache::Reader reader(kept->content());
    reader(record);
    const std::optional<Files> files = stamps(record.locations);
    if (!reader.complete() || !files || files->size() != record.stamps.size()) return std::nullopt;
    for (std::size_t i = 0; i < files->size(); ++i) {
        if ((*files)[i].second != record.stamps[i]) return std::nullopt;
    }
    return record.digest;
}

std::optional<Digest> ModelDigest::digest(std::span<const std::byte> bytes) const {
    Digester digester;
    digester.add(std::uint64_t{bytes.size()});
    digester.add(bytes);
    try {
        for (const std::string& location : locations_) {
            const MappedFile file(graph::resolve(folder_, location));
            digester.add(location);
            digester.add(std::uint64_t{file.bytes().size()});
            digester.add(file.bytes());
        }
    } catch (const Error&) {
        return std::nullopt;  // the checks report the same file, with the reason
    }
    return digester.take();
}

std::optional<Digest> ModelDigest::read(std::span<const std::byte> bytes,
                                        const graph::Model& model) {
    try {
        locations_ = external_locations(model);
    } catch (const Error&) {
        return std::nullopt;  // as above
    }
    if (path_.empty()) return locations_.empty() ? digest_ = digest(bytes) : std::nullopt;
    const std::optional<Files> files = stamps(locations_);
    if (!files) return std::nullopt;
    files_ = *files;
    settled_ = std::all_of(files_.begin(), files_.end(), [](const auto& file) {
        return cache::settled(file.first, file.second);
    });
    digest_ = digest(bytes);
    if (digest_ && settled_ && stamps(locations_) == files && kept_.why_not().empty()) {
        Record record{locations_, {}, *digest_};
        for (const auto& [path, stamp] : files_) record.stamps.push_back(stamp);
        cache::Writer writer;
        writer(record);
        const cache::Bytes content = writer.bytes();
        // Should it fail, the file is read again the next time.
        kept_.write(record_name(), {&content, 1});
    }
    return digest_;
}

bool ModelDigest::unchanged(std::span<const std::byte> bytes) const {
    if (path_.empty()) return true;
    if (stamps(locations_) != files_) return false;
    return settled_ || digest(bytes) == digest_;
}

}  // namespace ei::flow
