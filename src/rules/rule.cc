#include "rules/rule.h"

#include <algorithm>

#include "promql/value.h"

namespace rhizome::rules {
namespace {

constexpr std::string_view kAlertName = "alertname";
constexpr std::string_view kAlertState = "alertstate";

Status Repeated(std::string_view what) {
  return Status::FailedPrecondition("vector contains metrics with the same labelset after applying " +
                                    std::string(what) + " labels");
}

Status Beyond(size_t limit, size_t count, std::string_view what) {
  return Status::ResourceExhausted("exceeded limit of " + std::to_string(limit) + " with " + std::to_string(count) +
                                   " " + std::string(what));
}

}  // namespace

void Written::MarkVanished(Points& points) {
  std::set<format::Labels> now;
  for (const Point& point : points) now.insert(point.labels);
  for (const format::Labels& labels : series_) {
    if (now.count(labels) == 0) points.push_back({labels, promql::kAbsent});
  }
  series_ = std::move(now);
}

Result<Points> RecordingRule::Evaluate(const Points& vector) {
  Points points;
  std::set<format::Labels> seen;
  for (const Point& point : vector) {
    format::LabelsBuilder builder(point.labels);
    builder.Set(format::kMetricNameLabel, spec_.name);
    for (const auto& [name, value] : spec_.labels) builder.Set(name, value);
    points.push_back({builder.Build(), point.value});
    if (!seen.insert(points.back().labels).second) return Repeated("rule");
  }
  if (limit_ > 0 && points.size() > limit_) return Beyond(limit_, points.size(), "series");
  written_.MarkVanished(points);
  return points;
}

std::string_view NameOf(AlertState state) {
  switch (state) {
    case AlertState::kInactive: return "inactive";
    case AlertState::kPending: return "pending";
    case AlertState::kFiring: return "firing";
  }
  return {};
}

Result<std::vector<AlertingRule::Text>> AlertingRule::ParseTexts(const NamedTexts& texts) {
  std::vector<Text> parsed;
  for (const auto& [name, text] : texts) {
    ASSIGN_OR_RETURN(Template made, Template::Parse(text));
    parsed.push_back({name, std::move(made)});
  }
  return parsed;
}

Result<AlertingRule> AlertingRule::Make(RuleSpec spec, size_t limit, External external) {
  AlertingRule rule(std::move(spec), limit, std::move(external));
  ASSIGN_OR_RETURN(rule.labels_, ParseTexts(rule.spec_.labels));
  ASSIGN_OR_RETURN(rule.annotations_, ParseTexts(rule.spec_.annotations));
  return rule;
}

Alert AlertingRule::NewAlert(int64_t time_ms, const Point& point) const {
  const TemplateData data{point.labels, point.value, &external_.labels, external_.url};
  const auto expanded = [&](const std::vector<Text>& texts, std::vector<std::string>& kept) {
    for (const Text& text : texts) kept.push_back(text.text.Expand(data));
  };
  std::vector<std::string> labels, annotations;
  expanded(labels_, labels);
  expanded(annotations_, annotations);
  format::LabelsBuilder builder(point.labels);
  builder.Delete(format::kMetricNameLabel);
  for (size_t i = 0; i < labels.size(); ++i) builder.Set(labels_[i].name, labels[i]);
  builder.Set(kAlertName, spec_.name);
  format::LabelsBuilder notes;
  for (size_t i = 0; i < annotations.size(); ++i) notes.Set(annotations_[i].name, annotations[i]);
  Alert alert;
  alert.labels = builder.Build();
  alert.annotations = notes.Build();
  alert.value = point.value;
  alert.active_at_ms = time_ms;
  return alert;
}

bool AlertingRule::Fade(int64_t time_ms, Alert& alert) const {
  bool keeps = false;
  if (alert.state == AlertState::kFiring && spec_.keep_firing_for_ms > 0) {
    if (!alert.keep_firing_since_ms) alert.keep_firing_since_ms = time_ms;
    keeps = time_ms - *alert.keep_firing_since_ms < spec_.keep_firing_for_ms;
  }
  if (alert.state == AlertState::kPending) return false;
  if (alert.resolved_at_ms && time_ms - *alert.resolved_at_ms > kResolvedKeptMs) return false;
  if (alert.state != AlertState::kInactive && !keeps) {
    alert.state = AlertState::kInactive;
    alert.resolved_at_ms = time_ms;
  }
  return true;
}

void AlertingRule::AppendPoints(const Alert& alert, Points& points) const {
  points.push_back({format::LabelsBuilder(alert.labels)
                        .Set(format::kMetricNameLabel, "ALERTS")
                        .Set(kAlertState, NameOf(alert.state))
                        .Build(),
                    1});
  if (awaits_restore_) return;
  points.push_back({format::LabelsBuilder(alert.labels).Set(format::kMetricNameLabel, "ALERTS_FOR_STATE").Build(),
                    static_cast<double>(alert.active_at_ms / 1000)});
}

Result<Points> AlertingRule::Evaluate(int64_t time_ms, const Points& vector) {
  std::map<format::Labels, Alert> named;
  for (const Point& point : vector) {
    Alert alert = NewAlert(time_ms, point);
    const format::Labels labels = alert.labels;
    if (!named.emplace(labels, std::move(alert)).second) return Repeated("alert");
  }
  for (auto& [labels, alert] : named) {
    const auto found = alerts_.find(labels);
    if (found == alerts_.end() || found->second.state == AlertState::kInactive) {
      alerts_.insert_or_assign(labels, alert);
      continue;
    }
    found->second.value = alert.value;
    found->second.annotations = alert.annotations;
    found->second.keep_firing_since_ms.reset();
  }
  Points points;
  size_t active = 0;
  for (auto at = alerts_.begin(); at != alerts_.end();) {
    Alert& alert = at->second;
    if (named.count(at->first) == 0 && !Fade(time_ms, alert)) {
      at = alerts_.erase(at);
      continue;
    }
    if (alert.state == AlertState::kPending && time_ms - alert.active_at_ms >= spec_.for_ms) {
      alert.state = AlertState::kFiring;
      alert.fired_at_ms = time_ms;
    }
    if (alert.state != AlertState::kInactive) {
      ++active;
      AppendPoints(alert, points);
    }
    ++at;
  }
  if (limit_ > 0 && active > limit_) {
    alerts_.clear();
    return Beyond(limit_, active, "alerts");
  }
  written_.MarkVanished(points);
  return points;
}

std::vector<Alert> AlertingRule::TakeDue(int64_t time_ms, int64_t resend_ms) {
  std::vector<Alert> due;
  for (auto& [labels, alert] : alerts_) {
    if (alert.state == AlertState::kPending) continue;
    const bool news = !alert.told_at_ms || (alert.resolved_at_ms && *alert.resolved_at_ms > *alert.told_at_ms);
    if (!news && time_ms - *alert.told_at_ms < resend_ms) continue;
    alert.told_at_ms = time_ms;
    due.push_back(alert);
  }
  return due;
}

AlertState AlertingRule::state() const {
  AlertState state = AlertState::kInactive;
  for (const auto& [labels, alert] : alerts_) state = std::max(state, alert.state);
  return state;
}

void AlertingRule::Restore(const format::Labels& labels, int64_t active_at_ms, int64_t last_ms, int64_t now_ms,
                           int64_t grace_ms) {
  const auto found = alerts_.find(format::LabelsBuilder(labels).Delete(format::kMetricNameLabel).Build());
  if (found == alerts_.end() || found->second.state != AlertState::kPending) return;
  const int64_t remaining_ms = spec_.for_ms - (last_ms - active_at_ms);
  if (remaining_ms > 0 && remaining_ms < grace_ms) {
    active_at_ms = now_ms + grace_ms - spec_.for_ms;
  } else if (remaining_ms > 0) {
    active_at_ms += now_ms - last_ms;
  }
  found->second.active_at_ms = active_at_ms;
}

}  // namespace rhizome::rules
