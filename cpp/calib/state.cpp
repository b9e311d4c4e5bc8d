#include "calib/state.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>

#include "base/error.hpp"

namespace ei::calib {
namespace {

constexpr std::uint64_t kMark = 0x424c414349450a1a;  // "\x1a\nEICALB", no text
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeadBytes = 8 + 4 + 4 + 8 + 8 + 4 + 4 + 8 + 8 + 8 + 8 + 8 + 8;
constexpr std::size_t kChannelBytes = 8 + 4 + 4 + 8 + 8;
// What the rounding of sums may come to: each of 2^33 additions adds 2^-53 at most.
constexpr double kRounded = 1e-6;

class Writer {
  public:
    explicit Writer(std::size_t bytes) { bytes_.reserve(bytes); }
    void put(std::uint64_t value, int bytes = 8) {
        for (int i = 0; i < bytes; ++i) bytes_.push_back(std::byte(value >> (8 * i) & 0xff));
    }
    void put32(std::uint32_t value) { put(value, 4); }
    void put(float value) { put32(std::bit_cast<std::uint32_t>(value)); }
    void put(double value) { put(std::bit_cast<std::uint64_t>(value)); }
    std::vector<std::byte> take() { return std::move(bytes_); }

  private:
    std::vector<std::byte> bytes_;
};

[[noreturn]] void damaged(const std::string& found) {
    throw Error(ErrorKind::input, "state: found " + found +
                                      ", wanted what TensorStatistics.state() gave; make the "
                                      "statistics again from the samples");
}

void expect(bool holds, const char* found) {
    if (!holds) damaged(found);
}

bool is_negative_zero(float value) noexcept {
    return value == 0 && std::signbit(value);
}

}  // namespace

std::vector<std::byte> write_state(const TensorStatistics& statistics) {
    if (statistics.in_sample()) {
        throw Error(ErrorKind::input,
                    "state: found a sample that is not ended; call end_sample() first");
    }
    const Histogram& histogram = statistics.histogram();
    const auto& counts = histogram.counts();
    const auto& channels = statistics.channels();
    Writer to(kHeadBytes + 8 * counts.size() + kChannelBytes * channels.size());
    to.put(kMark);
    to.put32(kVersion);
    to.put32(static_cast<std::uint32_t>(histogram.most_bins()));
    to.put(std::uint64_t{counts.size()});
    to.put(std::uint64_t{channels.size()});
    to.put(histogram.low());
    to.put(histogram.high());
    to.put(histogram.zeros());
    to.put(statistics.samples());
    to.put(statistics.not_finite());
    to.put(statistics.extremes().samples);
    to.put(statistics.extremes().low);
    to.put(statistics.extremes().high);
    for (const std::uint64_t count : counts) to.put(count);
    for (const Channel& channel : channels) {
        to.put(channel.count);
        to.put(channel.low);
        to.put(channel.high);
        to.put(channel.sum);
        to.put(channel.squares);
    }
    return to.take();
}

// Reads what the class itself would hold, and nothing else: hostile bytes must not make a histogram
// whose bins lie outside of it.
class StateReader {
  public:
    explicit StateReader(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}
    TensorStatistics read();

  private:
    std::uint64_t number(int bytes = 8) {
        std::uint64_t value = 0;
        for (int i = 0; i < bytes; ++i) {
            value |= std::to_integer<std::uint64_t>(bytes_[static_cast<std::size_t>(i)]) << (8 * i);
        }
        bytes_ = bytes_.subspan(static_cast<std::size_t>(bytes));
        return value;
    }
    std::uint64_t amount() {
        const std::uint64_t value = number();
        expect(value <= kMostCounted, "a count beyond 2^48");
        return value;
    }
    float real32() { return std::bit_cast<float>(static_cast<std::uint32_t>(number(4))); }
    double real64() { return std::bit_cast<double>(number()); }
    Histogram histogram(std::size_t bins, std::size_t counts, float low, float high,
                        std::uint64_t zeros);
    Channel channel();

    std::span<const std::byte> bytes_;
    std::uint64_t counted_ = 0;  // by the histogram
};

Histogram StateReader::histogram(std::size_t bins, std::size_t counts, float low, float high,
                                 std::uint64_t zeros) {
    const Grid grid = Grid::covering(low, high, bins);
    expect(grid.bins() == counts, "bins that do not fit the extremes");
    counted_ = zeros;
    std::vector<std::uint64_t> read(counts);
    for (std::uint64_t& count : read) {
        count = amount();
        counted_ += count;
    }
    expect(counted_ <= kMostCounted, "counts beyond 2^48");
    // The extremes lie in the outermost bins.
    expect((low == 0) == (grid.negatives == 0) && (high == 0) == (grid.positives == 0) &&
               (grid.negatives == 0 || read.front() > 0) &&
               (grid.positives == 0 || read.back() > 0),
           "an empty bin at an extreme");
    return Histogram(bins, low, high, zeros, std::move(read));
}

Channel StateReader::channel() {
    Channel read;
    read.count = amount();
    read.low = real32();
    read.high = real32();
    read.sum = real64();
    read.squares = real64();
    const Channel empty;
    if (read.count == 0) {
        expect(
            read.low == empty.low && read.high == empty.high && read.sum == 0 && read.squares == 0,
            "an empty channel with values");
        return read;
    }
    expect(std::isfinite(read.low) && std::isfinite(read.high) && read.low <= read.high &&
               !is_negative_zero(read.low) && !is_negative_zero(read.high),
           "impossible extremes of a channel");
    // Written so that NaN is refused.
    const auto count = static_cast<double>(read.count);
    const double low = read.low, high = read.high, farthest = std::max(-low, high);
    const double slack = kRounded * count * farthest;
    expect(read.sum >= count * low - slack && read.sum <= count * high + slack,
           "a channel whose mean lies outside of its extremes");
    expect(read.squares <= count * farthest * farthest * (1 + kRounded) &&
               read.sum * read.sum <= count * read.squares * (1 + kRounded),
           "a channel with an impossible variance");
    return read;
}

TensorStatistics StateReader::read() {
    expect(bytes_.size() >= kHeadBytes && number() == kMark, "bytes that are no statistics");
    const std::uint64_t version = number(4);
    if (version != kVersion) damaged("version " + std::to_string(version));
    const auto bins = static_cast<std::size_t>(number(4));
    expect(bins >= kLeastBins && bins <= kMostBins, "an impossible number of bins");
    const std::uint64_t counts = number(), channels = number();
    const float low = real32(), high = real32();
    const std::uint64_t zeros = amount(), samples = amount(), not_finite = amount();
    SampleExtremes extremes;
    extremes.samples = amount();
    extremes.low = real64();
    extremes.high = real64();
    expect(counts <= bins && channels > 0 && channels <= bytes_.size() / kChannelBytes &&
               bytes_.size() == 8 * counts + kChannelBytes * channels,
           "another length than its header says");
    expect(std::isfinite(low) && std::isfinite(high) && low <= 0 && high >= 0 &&
               !is_negative_zero(low) && !is_negative_zero(high),
           "impossible extremes");
    expect(samples > 0 || not_finite == 0, "values of no sample");
    expect(extremes.samples <= samples && std::isfinite(extremes.low) &&
               std::isfinite(extremes.high) && extremes.low <= extremes.high,
           "impossible extremes of samples");
    // The sums of either extreme may have been rounded.
    const double averaged = static_cast<double>(extremes.samples) * (1 + 1e-9);
    expect(extremes.low >= averaged * low && extremes.high <= averaged * high,
           "impossible extremes of samples");
    Histogram kept = histogram(bins, static_cast<std::size_t>(counts), low, high, zeros);
    std::vector<Channel> all(static_cast<std::size_t>(channels));
    std::uint64_t sum = 0;
    float least = 0, most = 0;
    for (Channel& one : all) {
        one = channel();
        sum += one.count;
        expect(sum <= kMostCounted, "counts beyond 2^48");
        if (one.count == 0) continue;
        least = std::min(least, one.low);
        most = std::max(most, one.high);
    }
    expect((sum > 0) == (extremes.samples > 0), "values of no sample");
    expect(sum == counted_ && least == low && most == high,
           "channels that do not fit the histogram");
    return TensorStatistics(std::move(kept), std::move(all), extremes, samples, not_finite);
}

TensorStatistics read_state(std::span<const std::byte> bytes) {
    return StateReader(bytes).read();
}

}  // namespace ei::calib
