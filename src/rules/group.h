// RuleGroup: the rules of one group, evaluated in their order at slots of the group's interval, so that each sees what
// the ones before it wrote. No clock but the one it measures with, no threads: the owner calls Evaluate when a slot has
// come, by the group's own offset, which spreads groups over the interval and is the same on every machine.
//
// A rule that fails does not keep the others from being evaluated; its health says why. One thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "rules/rule.h"

namespace rhizome::rules {

// What a group asks of its owner.
struct RuleActions {
  // The value of an expression at a time: its series, a scalar as one without labels.
  std::function<Result<Points>(const std::string& expr, int64_t time_ms)> query;
  // Writes points at that time, and returns once the group's next query sees them.
  std::function<Status(int64_t time_ms, const Points& points)> write;
};

struct RuleHealth {
  int64_t evaluated_at_ms = 0;  // the last slot; 0: none yet
  int64_t took_ns = 0;
  Status status;  // of the last evaluation
};

class RuleGroup {
 public:
  using Rule = std::variant<RecordingRule, AlertingRule>;

  // `interval_default_ms` where the group names none, above zero. Errors as AlertingRule::Make's.
  static Result<RuleGroup> Make(const GroupSpec& spec, int64_t interval_default_ms,
                                const AlertingRule::External& external);

  const std::string& name() const { return name_; }
  int64_t interval_ms() const { return interval_ms_; }
  size_t limit() const { return limit_; }
  // The latest slot at or before a time; the next one is an interval later.
  int64_t SlotAt(int64_t time_ms) const;

  void Evaluate(int64_t slot_ms, const RuleActions& actions, Clock& clock);
  // Takes over from the group that this one replaces: of each rule that says the same, under the same limit, alerts,
  // health and what it wrote last. What is left over there, its Retire gives.
  void Inherit(RuleGroup& before);
  // Markers for everything that the rules wrote last: what is left to write of a group that goes.
  Points Retire();

  const std::vector<Rule>& rules() const { return rules_; }
  std::vector<Rule>& rules() { return rules_; }
  const std::vector<RuleHealth>& health() const { return health_; }  // one for each rule

 private:
  RuleGroup(const GroupSpec& spec, int64_t interval_ms);
  static Status EvaluateRule(Rule& rule, int64_t slot_ms, const RuleActions& actions);

  std::string name_;
  int64_t interval_ms_;
  size_t limit_;
  int64_t offset_ms_;
  std::vector<Rule> rules_;
  std::vector<RuleHealth> health_;
};

}  // namespace rhizome::rules
