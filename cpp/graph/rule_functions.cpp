#include <algorithm>
#include <map>

#include "graph/rules.hpp"
#include "graph/text.hpp"
#include "graph/values.hpp"

namespace ei::graph {
namespace {

// The runtime replaces each call by the body. A chain of functions that call the next one twice
// doubles the graph at every link: forty of them in a file of a few kilobytes fill any memory.
constexpr std::int64_t kMostNodes = 100'000;

constexpr std::int64_t kOverflow = std::int64_t{1} << 60;

// What unfolding makes of a list of nodes.
struct Unfolding {
    std::int64_t nodes = 0;
    std::int64_t bytes = 0;  // of constants and other attributes, which each copy holds anew

    void add(const Unfolding& more) {
        nodes = std::min(nodes + more.nodes, kMostNodes + 1);
        bytes = std::min(bytes + more.bytes, kOverflow);
    }
};

// Without the graphs inside of the node, whose own nodes are counted one by one.
std::int64_t own_bytes(const Node& node) {
    std::size_t bytes = 0;
    const auto held = [](const Tensor& one) {
        return one.message.size() + (one.external ? data_bytes(one) : 0);
    };
    for (const Attribute& attribute : node.attributes) {
        if (attribute.graphs.empty()) bytes += attribute.message.size();
        for (const Tensor& one : attribute.tensors) bytes += one.external ? data_bytes(one) : 0;
        for (const Graph& inner : attribute.graphs) {
            for (const Tensor& one : inner.initializers) bytes += held(one);
        }
    }
    return static_cast<std::int64_t>(std::min<std::size_t>(bytes, kOverflow));
}

class Unfolded {
  public:
    explicit Unfolded(const Model& model) {
        for (const Function& one : model.functions) by_name_.emplace(key(one), &one);
    }

    // What these become, at most kMostNodes + 1 nodes; none when a function calls itself.
    std::optional<Unfolding> of(const std::vector<Node>& nodes);

  private:
    using Key = std::pair<std::string_view, std::string_view>;
    static Key key(const Function& one) { return {one.domain, one.name}; }

    enum class State { open, known };
    struct Entry {
        State state = State::open;
        Unfolding size;
    };
    std::multimap<Key, const Function*> by_name_;  // overloads share a name: the largest counts
    std::map<const Function*, Entry> entries_;
    std::size_t depth_ = 0;
};

constexpr std::size_t kDeepest = 1'000;  // of calls in calls; the recursion below follows them

std::optional<Unfolding> Unfolded::of(const std::vector<Node>& nodes) {
    Unfolding total;
    for (const Node& node : nodes) {
        Unfolding largest = {1, own_bytes(node)};
        const auto [first, last] = by_name_.equal_range(Key{node.domain, node.op_type});
        for (auto at = first; at != last; ++at) {
            const auto [entry, fresh] = entries_.emplace(at->second, Entry{});
            if (fresh) {
                if (++depth_ > kDeepest) return std::nullopt;
                const auto inside = of(at->second->nodes);
                --depth_;
                if (!inside) return std::nullopt;
                entry->second = {State::known, *inside};
            }
            if (entry->second.state == State::open) return std::nullopt;
            largest.nodes = std::max(largest.nodes, entry->second.size.nodes);
            largest.bytes = std::max(largest.bytes, entry->second.size.bytes);
        }
        total.add(largest);
        for (const Attribute& attribute : node.attributes) {
            for (const Graph& inner : attribute.graphs) {
                const auto inside = of(inner.nodes);
                if (!inside) return std::nullopt;
                total.add(*inside);
            }
        }
    }
    return total;
}

}  // namespace

void rule_functions(Context& context) {
    if (context.model.functions.empty()) return;
    Unfolded unfolded(context.model);
    const auto check = [&](const std::vector<Node>& nodes) {
        const auto count = unfolded.of(nodes);
        if (!count) {
            context.findings.add(Verdict::refused, "function",
                                 "a function of the file calls itself, or calls more than " +
                                     std::to_string(kDeepest) + " in a row",
                                 "export the model again without functions");
        } else if (count->nodes > kMostNodes) {
            context.findings.add(Verdict::refused, "function",
                                 "the functions of the file unfold to more than " +
                                     std::to_string(kMostNodes) + " nodes",
                                 "export the model again without functions");
        }
        if (!count || count->nodes > kMostNodes) return false;
        // Once is what the file itself holds.
        const std::int64_t copied =
            count->bytes - static_cast<std::int64_t>(context.model.message.size());
        const std::int64_t most = context.checks.sizes.constant_bytes();
        if (copied <= most) return true;
        context.findings.add(Verdict::refused, "function",
                             "the functions of the file unfold to " + std::to_string(copied) +
                                 " bytes of constants more than it holds; the limit is " +
                                 std::to_string(most),
                             "export the model again without functions, or raise "
                             "SessionOptions.max_tensor_mb, an eighth of which is the limit here");
        return false;
    };
    if (!check(context.model.graph.nodes)) return;
    for (const Function& one : context.model.functions) {  // the runtime resolves unused ones too
        if (!check(one.nodes)) return;
    }
}

}  // namespace ei::graph
