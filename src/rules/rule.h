// RecordingRule and AlertingRule: what an evaluation of a rule's expression becomes. No clock, no queries, no I/O: the
// owner asks the expression's value at a time, gives it here, and writes the points that come back at that time. A
// point whose value is promql::kAbsent is a stale marker: the series had a point after the last evaluation and now has
// none.
//
// A failed evaluation (a query's error, or an error from here) changes nothing that was written before: no markers, and
// alerts stay, but for alerts beyond the group's limit, which all go.
// One thread at a time; evaluations come in the order of their times.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "format/labels.h"
#include "rules/rule_file.h"
#include "rules/template.h"

namespace rhizome::rules {

struct Point {
  format::Labels labels;
  double value = 0;
};
using Points = std::vector<Point>;

// Which series a rule wrote, to mark those that it no longer writes.
class Written {
 public:
  // Appends a marker for each series of the last call that `points` lacks.
  void MarkVanished(Points& points);
  Points Retire() {
    Points markers;
    MarkVanished(markers);
    series_.clear();
    return markers;
  }

 private:
  std::set<format::Labels> series_;
};

class RecordingRule {
 public:
  RecordingRule(RuleSpec spec, size_t limit) : spec_(std::move(spec)), limit_(limit) {}

  const RuleSpec& spec() const { return spec_; }
  // The expression's value under the rule's name and labels. FailedPrecondition when two series have the same labels
  // then, ResourceExhausted beyond the limit.
  Result<Points> Evaluate(const Points& vector);
  // Markers for what was written last; then nothing is.
  Points Retire() { return written_.Retire(); }

 private:
  RuleSpec spec_;
  size_t limit_;
  Written written_;
};

enum class AlertState : uint8_t { kInactive, kPending, kFiring };
// "inactive", "pending", "firing".
std::string_view NameOf(AlertState state);

struct Alert {
  AlertState state = AlertState::kPending;
  format::Labels labels;  // "alertname" among them
  format::Labels annotations;
  double value = 0;                             // when the expression last said so
  int64_t active_at_ms = 0;                     // since when it says so
  std::optional<int64_t> fired_at_ms;           // since when it fires
  std::optional<int64_t> resolved_at_ms;        // since when it does not any more
  std::optional<int64_t> keep_firing_since_ms;  // since when it fires only because of keep_firing_for
  std::optional<int64_t> told_at_ms;            // when TakeDue last gave it
};

class AlertingRule {
 public:
  // A resolved alert is remembered for so long, so that whoever was told of it is told of its end as well.
  static constexpr int64_t kResolvedKeptMs = 15 * 60 * 1000;

  struct External {
    NamedTexts labels;
    std::string url;
  };

  // InvalidArgument for templates that do not parse; ParseRuleFile has let none through.
  static Result<AlertingRule> Make(RuleSpec spec, size_t limit, External external);

  const RuleSpec& spec() const { return spec_; }
  // Takes alerts through their states and gives, for each pending or firing one, a point of ALERTS (1) and one of
  // ALERTS_FOR_STATE (seconds since when it is active). Errors as RecordingRule's.
  Result<Points> Evaluate(int64_t time_ms, const Points& vector);
  Points Retire() { return written_.Retire(); }  // as a recording rule's
  // What somebody is to be told of now: alerts that fire and resolved ones, when that is news or `resend_ms` old.
  std::vector<Alert> TakeDue(int64_t time_ms, int64_t resend_ms);
  // By labels; resolved ones among them for a while.
  const std::map<format::Labels, Alert>& alerts() const { return alerts_; }
  // Firing if one alert fires, else pending if one is, else inactive.
  AlertState state() const;

  // From here on until EndRestore evaluations give no ALERTS_FOR_STATE, so that what it said before a restart can still
  // be asked once they have shown what is active now.
  void AwaitRestore() { awaits_restore_ = true; }
  void EndRestore() { awaits_restore_ = false; }
  bool awaits_restore() const { return awaits_restore_; }
  // What ALERTS_FOR_STATE said before a restart: an alert of these labels (that series', its name aside) has been
  // active since then, and the rule was last evaluated at `last_ms`. To be called after an evaluation. The time between
  // does not count as pending, and an alert that would fire at once is pending for `grace_ms` more, so that what it
  // alerts of has time to come back too. Alerts that are not active now stay away.
  void Restore(const format::Labels& labels, int64_t active_at_ms, int64_t last_ms, int64_t now_ms, int64_t grace_ms);

 private:
  struct Text {
    std::string name;
    Template text;
  };

  AlertingRule(RuleSpec spec, size_t limit, External external)
      : spec_(std::move(spec)), limit_(limit), external_(std::move(external)) {}
  static Result<std::vector<Text>> ParseTexts(const NamedTexts& texts);
  Alert NewAlert(int64_t time_ms, const Point& point) const;
  // Takes an alert that the expression no longer names a step on. False: it is forgotten.
  bool Fade(int64_t time_ms, Alert& alert) const;
  void AppendPoints(const Alert& alert, Points& points) const;

  RuleSpec spec_;
  size_t limit_;
  External external_;
  std::vector<Text> labels_;
  std::vector<Text> annotations_;
  bool awaits_restore_ = false;
  std::map<format::Labels, Alert> alerts_;
  Written written_;
};

}  // namespace rhizome::rules
