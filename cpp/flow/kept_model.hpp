#pragma once
// A loaded network as the content of one kept file, and back: the runtime's optimised models, and
// all that looking at the file told. What the checks found is part of it, so that a file whose
// content is the same need not be looked at again.

#include <memory>
#include <optional>
#include <vector>

#include "cache/folder.hpp"
#include "flow/load.hpp"

namespace ei::flow {

// The content, in pieces; the sessions' saved models are not copied and must live as long. None
// where a session has nothing saved.
class Packed {
  public:
    static std::optional<Packed> of(const Loaded& loaded);
    std::vector<cache::Bytes> pieces() const;

  private:
    std::vector<cache::Bytes> models_;
    std::vector<std::byte> told_;
};

// None where the content is not what Packed makes, or where the runtime's view of it is not the one
// that was packed. The sessions read the kept file's bytes and hold it.
std::optional<Loaded> unpack(std::shared_ptr<const cache::Kept> kept, const ort::Options& options);

}  // namespace ei::flow
