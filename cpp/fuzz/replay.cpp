// The fuzz targets without a fuzzer: runs the committed inputs, and those that were findings once,
// with any compiler and on any architecture.
//
// usage: replay_TARGET FILE_OR_FOLDER...

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void replay(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const std::vector<std::uint8_t> bytes(text.begin(), text.end());
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

}  // namespace

int main(int count, char** values) {
    int inputs = 0;
    for (int i = 1; i < count; ++i) {
        const std::filesystem::path path(values[i]);
        if (!std::filesystem::is_directory(path)) {
            replay(path);
            ++inputs;
            continue;
        }
        for (const auto& entry : std::filesystem::directory_iterator(path)) {
            replay(entry.path());
            ++inputs;
        }
    }
    std::printf("%s: %d inputs\n", values[0], inputs);
    return inputs > 0 ? 0 : 1;
}
