#include "rules/group.h"

#include "base/check.h"
#include "base/hash.h"

namespace rhizome::rules {

RuleGroup::RuleGroup(const GroupSpec& spec, int64_t interval_ms)
    : name_(spec.name),
      interval_ms_(interval_ms),
      limit_(spec.limit),
      offset_ms_(static_cast<int64_t>(Checksum(name_) % static_cast<uint64_t>(interval_ms))) {}

Result<RuleGroup> RuleGroup::Make(const GroupSpec& spec, int64_t interval_default_ms,
                                  const AlertingRule::External& external) {
  CHECK(interval_default_ms > 0);
  RuleGroup group(spec, spec.interval_ms > 0 ? spec.interval_ms : interval_default_ms);
  for (const RuleSpec& rule : spec.rules) {
    if (rule.kind == RuleSpec::Kind::kRecording) {
      group.rules_.emplace_back(RecordingRule(rule, spec.limit));
      continue;
    }
    ASSIGN_OR_RETURN(AlertingRule alerting, AlertingRule::Make(rule, spec.limit, external));
    group.rules_.emplace_back(std::move(alerting));
  }
  group.health_.resize(group.rules_.size());
  return group;
}

int64_t RuleGroup::SlotAt(int64_t time_ms) const {
  const int64_t past = (time_ms - offset_ms_) % interval_ms_;
  return time_ms - (past < 0 ? past + interval_ms_ : past);
}

Status RuleGroup::EvaluateRule(Rule& rule, int64_t slot_ms, const RuleActions& actions) {
  const std::string& expr = std::visit([](const auto& held) -> const std::string& { return held.spec().expr; }, rule);
  ASSIGN_OR_RETURN(const Points vector, actions.query(expr, slot_ms));
  AlertingRule* const alerting = std::get_if<AlertingRule>(&rule);
  ASSIGN_OR_RETURN(const Points points, alerting != nullptr ? alerting->Evaluate(slot_ms, vector)
                                                            : std::get<RecordingRule>(rule).Evaluate(vector));
  return points.empty() ? Status::Ok() : actions.write(slot_ms, points);
}

void RuleGroup::Evaluate(int64_t slot_ms, const RuleActions& actions, Clock& clock) {
  for (size_t i = 0; i < rules_.size(); ++i) {
    const int64_t before_ns = clock.MonotonicNs();
    Status status = EvaluateRule(rules_[i], slot_ms, actions);
    health_[i] = {slot_ms, clock.MonotonicNs() - before_ns, std::move(status)};
  }
}

void RuleGroup::Inherit(RuleGroup& before) {
  if (limit_ != before.limit_) return;
  const auto spec_of = [](const Rule& rule) -> const RuleSpec& {
    return std::visit([](const auto& held) -> const RuleSpec& { return held.spec(); }, rule);
  };
  std::vector<bool> taken(before.rules_.size());
  for (size_t i = 0; i < rules_.size(); ++i) {
    for (size_t j = 0; j < taken.size(); ++j) {
      if (taken[j] || !spec_of(rules_[i]).SameRule(spec_of(before.rules_[j]))) continue;
      taken[j] = true;
      std::swap(rules_[i], before.rules_[j]);
      health_[i] = before.health_[j];
      break;
    }
  }
}

Points RuleGroup::Retire() {
  Points points;
  for (Rule& rule : rules_) {
    Points markers = std::visit([](auto& held) { return held.Retire(); }, rule);
    points.insert(points.end(), markers.begin(), markers.end());
  }
  return points;
}

}  // namespace rhizome::rules
