#include <algorithm>
#include <map>

#include "graph/rules.hpp"
#include "graph/text.hpp"

namespace ei::graph {
namespace {

// The runtime replaces each call by the body. A chain of functions that call the next one twice
// doubles the graph at every link: forty of them in a file of a few kilobytes fill any memory.
constexpr std::int64_t kMostNodes = 100'000;

class Unfolded {
  public:
    explicit Unfolded(const Model& model) {
        for (const Function& one : model.functions) by_name_.emplace(key(one), &one);
    }

    // Nodes that these become, at most kMostNodes + 1; none when a function calls itself.
    std::optional<std::int64_t> of(const std::vector<Node>& nodes);

  private:
    using Key = std::pair<std::string_view, std::string_view>;
    static Key key(const Function& one) { return {one.domain, one.name}; }

    enum class State { open, known };
    struct Entry {
        State state = State::open;
        std::int64_t nodes = 0;
    };
    std::multimap<Key, const Function*> by_name_;  // overloads share a name: the largest counts
    std::map<const Function*, Entry> entries_;
    std::size_t depth_ = 0;
};

constexpr std::size_t kDeepest = 1'000;  // of calls in calls; the recursion below follows them

std::optional<std::int64_t> Unfolded::of(const std::vector<Node>& nodes) {
    std::int64_t total = 0;
    const auto add = [&](std::int64_t more) { total = std::min(total + more, kMostNodes + 1); };
    for (const Node& node : nodes) {
        std::int64_t largest = 1;
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
            largest = std::max(largest, entry->second.nodes);
        }
        add(largest);
        for (const Attribute& attribute : node.attributes) {
            for (const Graph& inner : attribute.graphs) {
                const auto inside = of(inner.nodes);
                if (!inside) return std::nullopt;
                add(*inside);
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
        } else if (*count > kMostNodes) {
            context.findings.add(Verdict::refused, "function",
                                 "the functions of the file unfold to more than " +
                                     std::to_string(kMostNodes) + " nodes",
                                 "export the model again without functions");
        }
        return count && *count <= kMostNodes;
    };
    if (!check(context.model.graph.nodes)) return;
    for (const Function& one : context.model.functions) {  // the runtime resolves unused ones too
        if (!check(one.nodes)) return;
    }
}

}  // namespace ei::graph
