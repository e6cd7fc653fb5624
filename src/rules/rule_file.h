// Rule files: groups of recording and alerting rules in the format of Prometheus 2.42, read strictly: a field that is
// not known, an expression or template that does not parse, a name that cannot be one refuse the file.
//
// Any bytes are safe input; errors are InvalidArgument or TooLarge, with the field's path ("groups[0].rules[2].expr")
// and a message that begins with the line. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace rhizome::rules {

using NamedTexts = std::vector<std::pair<std::string, std::string>>;  // in the order of names, each once

struct RuleSpec {
  enum class Kind : uint8_t { kRecording, kAlerting };
  Kind kind = Kind::kRecording;
  std::string name;  // of the metric that is recorded, or of the alert
  std::string expr;
  int64_t for_ms = 0;              // of an alert: how long it is pending before it fires
  int64_t keep_firing_for_ms = 0;  // of an alert: how long it fires on when its expression no longer says so
  NamedTexts labels;               // of an alert: templates
  NamedTexts annotations;          // of an alert: templates
  size_t line = 0;                 // of its expression

  // Whether both say the same, wherever it stands.
  bool SameRule(const RuleSpec& other) const {
    return kind == other.kind && name == other.name && expr == other.expr && for_ms == other.for_ms &&
           keep_firing_for_ms == other.keep_firing_for_ms && labels == other.labels && annotations == other.annotations;
  }
};

struct GroupSpec {
  std::string name;
  int64_t interval_ms = 0;  // 0: the server's
  size_t limit = 0;         // of series or alerts that one rule may yield; 0: none
  std::vector<RuleSpec> rules;
};

Result<std::vector<GroupSpec>> ParseRuleFile(std::string_view yaml);

}  // namespace rhizome::rules
