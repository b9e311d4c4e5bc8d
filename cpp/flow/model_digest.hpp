#pragma once
// Which model a file or some bytes are: a digest of them and of the external data they name. A file
// that was read before is known again by its stamp, so that a warm start need not read it.

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/digest.hpp"
#include "cache/folder.hpp"
#include "cache/stamp.hpp"
#include "graph/model.hpp"

namespace ei::flow {

// Whether any tensor says that its values lie in a file of their own.
bool names_external_data(const graph::Model& model);

class ModelDigest {
  public:
    // `path`: empty for bytes. `folder`: where external data may lie; empty: nowhere.
    ModelDigest(const cache::Folder& kept, std::string path, std::string folder);

    // By the stamps that were kept when the file was read; none: it has to be read.
    std::optional<Digest> known() const;

    // Of the model as `model` and `bytes` hold it. None where external data is missing. Kept for
    // known() where the file is settled. Cost: reads all of it, about 1 ms a MB.
    std::optional<Digest> read(std::span<const std::byte> bytes, const graph::Model& model);

    // Whether the files read are still the same, after the runtime has read them too: what it made
    // of other bytes must not be kept under this digest.
    bool unchanged(std::span<const std::byte> bytes) const;

  private:
    using Files = std::vector<std::pair<std::string, cache::Stamp>>;
    struct Record;
    std::string record_name() const;
    std::optional<Files> stamps(const std::vector<std::string>& locations) const;
    std::optional<Digest> digest(std::span<const std::byte> bytes) const;

    const cache::Folder& kept_;
    std::string path_, folder_;
    std::vector<std::string> locations_;  // of external data
    Files files_;                         // the model's own first
    std::optional<Digest> digest_;
    bool settled_ = false;  // before it was read
};

}  // namespace ei::flow
