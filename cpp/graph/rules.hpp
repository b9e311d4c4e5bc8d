#pragma once
// The rules that problems.cpp applies, and what they share. Inside of cpp/graph only.

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.hpp"
#include "graph/problems.hpp"
#include "graph/scopes.hpp"

namespace ei::graph {

// Collects findings; of one kind a few are kept and the others counted.
class Findings {
  public:
    void add(Verdict verdict, std::string_view code, std::string text, std::string remedy);
    std::vector<Problem> take();

  private:
    struct Kind {
        std::size_t count = 0;
        Verdict verdict = Verdict::warning;  // the gravest that was met
    };
    std::vector<Problem> found_;
    std::map<std::string, Kind, std::less<>> kinds_;
};

// The values of tensors wherever they lie. Maps each external file once.
class TensorBytes {
  public:
    explicit TensorBytes(const Checks& checks) : checks_(checks) {}

    // Of raw and external tensors; none where they lie in typed fields, or where an external file
    // is refused or too short (which the rule on data tells).
    std::optional<Bytes> of(const Tensor& tensor);

  private:
    const Checks& checks_;
    std::map<std::filesystem::path, MappedFile> files_;
};

struct Context {
    const Model& model;
    const Checks& checks;
    TensorBytes bytes;
    Findings findings;
    std::set<const Tensor*> scales;  // judged already, by rule_scales
};

// "Conv 'conv1'", fit for a text.
std::string label(const Node& node);

void rule_header(Context& context);     // IR version, opsets, and what the nodes need of them
void rule_interface(Context& context);  // inputs and outputs a program could use
void rule_names(Context& context);      // made once, made at all, in an order; known domains
void rule_functions(Context& context);  // that call themselves, or unfold without end
void rule_data(Context& context);       // the values are there: in the file, or in the folder
void rule_scales(Context& context);     // scales and zero points of quantising operators
void rule_sizes(Context& context);      // tensors beyond all measure
void rule_weights(Context& context);    // NaN and infinity among the weights

}  // namespace ei::graph
