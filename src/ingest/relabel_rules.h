// RelabelRules: Prometheus' relabel_configs on the labels of a series (docs/ingest.md).
//
// A rule looks at some labels, joined by a separator, and replaces, keeps, drops, maps, hashes or changes case. Names
// are those of Prometheus: source_labels, separator, target_label, regex, modulus, replacement, action. Expressions are
// RE2's and match as a whole. Constant after construction; thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "format/labels.h"
#include "format/yaml_tree.h"

namespace re2 {
class RE2;
}

namespace rhizome::ingest {

class RelabelRules {
 public:
  RelabelRules();  // none
  ~RelabelRules();
  RelabelRules(RelabelRules&&) noexcept;
  RelabelRules& operator=(RelabelRules&&) noexcept;

  // A sequence of rules as Prometheus' files have it. InvalidArgument: the field is "<field>[3].regex (line 12)".
  static Result<RelabelRules> FromYaml(const format::YamlNode& rules, std::string_view field);
  // The same from the text of a file that holds nothing else.
  static Result<RelabelRules> Parse(std::string_view text);

  bool empty() const { return rules_.empty(); }
  size_t size() const { return rules_.size(); }
  // Applies all rules. False when the series is dropped; otherwise `out` is its canonical labels, which may be none.
  bool Apply(format::LabelsView labels, std::string& out) const;

 private:
  struct Rule;
  std::vector<std::unique_ptr<const Rule>> rules_;
};

}  // namespace rhizome::ingest
