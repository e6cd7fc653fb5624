// Template: a label or annotation of an alert, with what Go templates of Prometheus have between braces, as far as
// alerts need it:
//   {{ $value }} {{ .Value }} {{ $labels.job }} {{ .Labels.job }} {{ $externalLabels.zone }} {{ $externalURL }}
//   "texts", numbers, (parentheses), pipes, {{- trimming -}}, {{/* comments */}}
//   humanize, humanize1024, humanizeDuration, humanizePercentage, humanizeTimestamp, printf, title, toUpper, toLower,
//   stripPort
// Conditions, loops, variables of one's own and queries are not there: Parse refuses them by name. A label that is not
// there is empty.
//
// Immutable; thread-safe. Any bytes are safe input.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"
#include "format/labels.h"
#include "rules/rule_file.h"

namespace rhizome::rules {

struct TemplateData {
  format::LabelsView labels;
  double value = 0;
  const NamedTexts* external_labels = nullptr;  // null: none
  std::string_view external_url;
};

class Template {
 public:
  // InvalidArgument (no field) says what is wrong or not supported.
  static Result<Template> Parse(std::string_view text);

  // A function that does not take what it is given yields "<error expanding template: …>" in place of the whole, so
  // that an alert is never lost to its words.
  std::string Expand(const TemplateData& data) const;

  struct Node;
  using Part = std::variant<std::string, std::shared_ptr<const Node>>;

 private:
  std::vector<Part> parts_;
};

}  // namespace rhizome::rules
