// Damaged models through the reader, the facts, the tail search and the cut: an Error or a result,
// never anything else. Meant for AddressSanitizer and UndefinedBehaviorSanitizer.
//
// usage: check_graph SEED CASES MODEL.onnx...

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <vector>

#include "base/error.hpp"
#include "base/mapped_file.hpp"
#include "graph/facts.hpp"
#include "graph/head.hpp"
#include "graph/reader.hpp"
#include "graph/tail.hpp"

namespace {

using Bytes = std::vector<std::byte>;

// One to four small damages: a byte changed, set to an edge value, removed or put in.
Bytes damaged(const Bytes& whole, std::mt19937& random) {
    Bytes bytes = whole;
    const unsigned count = 1 + random() % 4;
    for (unsigned i = 0; i < count && !bytes.empty(); ++i) {
        const auto at = bytes.begin() + static_cast<std::ptrdiff_t>(random() % bytes.size());
        switch (random() % 4) {
            case 0:
                *at = static_cast<std::byte>(random());
                break;
            case 1:
                *at = random() % 2 == 0 ? std::byte{0} : std::byte{0xff};
                break;
            case 2:
                bytes.erase(at);
                break;
            default:
                bytes.insert(at, static_cast<std::byte>(random()));
        }
    }
    bytes.shrink_to_fit();  // so that a read past the end leaves the allocation
    return bytes;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) {
        std::fprintf(stderr, "usage: check_graph SEED CASES MODEL.onnx...\n");
        return 2;
    }
    std::mt19937 random(static_cast<unsigned>(std::atoi(argv[1])));
    const int cases = std::atoi(argv[2]);
    std::vector<Bytes> models;
    for (int i = 3; i < argc; ++i) {
        const ei::MappedFile file(argv[i]);
        models.emplace_back(file.bytes().begin(), file.bytes().end());
    }
    int read = 0, cut = 0;
    for (int i = 0; i < cases; ++i) {
        const Bytes bytes = damaged(models[random() % models.size()], random);
        try {
            const ei::graph::Model model = ei::graph::read({bytes.data(), bytes.size()});
            ++read;
            ei::graph::facts(model, {{}, {}, std::filesystem::current_path()});
            for (const bool to_uint8 : {false, true}) {
                const auto heads = ei::graph::find_heads(model);
                const auto parts = ei::graph::cut_heads(model, heads, to_uint8);
                if (parts.heads.empty()) continue;
                ei::graph::find_tail(ei::graph::read(parts.core));
                for (const auto& one : parts.heads) ei::graph::read(one.quantize);
            }
            const ei::graph::TailSearch search = ei::graph::find_tail(model);
            if (!search.tail) continue;
            const ei::graph::Cut parts = ei::graph::cut(model, *search.tail);
            ei::graph::read(parts.core);
            ei::graph::read(parts.rest);
            ++cut;
        } catch (const ei::Error&) {
            continue;  // refused, as it should be
        }
    }
    std::printf("%d damaged models: %d read, %d of them cut, the others refused\n", cases, read,
                cut);
    return 0;
}
