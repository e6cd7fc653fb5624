#include "ruler/ruler.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

#include "format/series_batch.h"

namespace rhizome::ruler {

using rules::AlertingRule;
using rules::AlertState;
using rules::Points;
using rules::RuleGroup;

namespace {

// However far away the next slot is: the clock may be set.
constexpr int64_t kWaitMsMax = 1'000;

GroupView ViewOf(const std::string& file, const RuleGroup& group) {
  GroupView view{file, group.name(), group.interval_ms(), group.limit(), 0, 0, {}};
  for (size_t i = 0; i < group.rules().size(); ++i) {
    RuleView rule;
    rule.spec = std::visit([](const auto& held) { return held.spec(); }, group.rules()[i]);
    rule.health = group.health()[i];
    view.evaluated_at_ms = std::max(view.evaluated_at_ms, rule.health.evaluated_at_ms);
    view.took_ns += rule.health.took_ns;
    if (const auto* const alerting = std::get_if<AlertingRule>(&group.rules()[i])) {
      rule.state = alerting->state();
      for (const auto& [labels, alert] : alerting->alerts()) {
        if (alert.state != AlertState::kInactive) rule.alerts.push_back(alert);
      }
    }
    view.rules.push_back(std::move(rule));
  }
  return view;
}

std::string Escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace

// A group. Belongs to whoever has claimed it, and while nobody has to whoever holds the mutex.
struct Ruler::Entry {
  Entry(std::string path, RuleGroup made) : file(std::move(path)), group(std::move(made)) {
    for (RuleGroup::Rule& rule : group.rules()) {
      if (auto* const alerting = std::get_if<AlertingRule>(&rule)) alerting->AwaitRestore();
    }
    view = std::make_shared<const GroupView>(ViewOf(file, group));
  }

  const std::string file;
  RuleGroup group;
  int64_t due_ms = 0;
  bool claimed = false;
  uint32_t evaluations = 0;  // up to what Restore waits for
  bool restored = false;
  std::shared_ptr<const GroupView> view;
};

Ruler::Ruler(RulerOptions options, const RulerParts& parts)
    : options_(std::move(options)),
      parts_(parts),
      evaluations_(parts.metrics.GetCounter("rules_evaluations_total", "Evaluations of rules.")),
      failures_(parts.metrics.GetCounter("rules_evaluation_failures_total", "Evaluations of rules that failed.")),
      missed_(parts.metrics.GetCounter("rules_missed_slots_total", "Slots that groups were too slow for.")),
      reload_failed_(parts.metrics.GetGauge("rules_reload_failed", "1 while a rule file has a mistake.")) {}

Result<std::unique_ptr<Ruler>> Ruler::Start(RulerOptions options, const RulerParts& parts) {
  std::unique_ptr<Ruler> ruler(new Ruler(std::move(options), parts));
  {
    MutexLock lock(ruler->reload_mutex_);
    ASSIGN_OR_RETURN(const RuleTexts texts, ReadRuleTexts(ruler->options_.files));
    RETURN_IF_ERROR(ruler->Apply(texts));
  }
  ruler->StartThreads();
  return ruler;
}

void Ruler::StartThreads() {
  if (options_.files.empty() && options_.builtin.empty()) return;
  for (uint32_t i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { Work(); });
  if (!options_.files.empty()) threads_.emplace_back([this] { Watch(); });
}

Ruler::~Ruler() {
  cancelled_ = true;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  for (std::thread& thread : threads_) thread.join();
}

Status Ruler::Check(const RulerOptions& options) {
  ASSIGN_OR_RETURN(const RuleTexts texts, ReadRuleTexts(options.files));
  return Read(options, texts).status();
}

Result<Ruler::Entries> Ruler::Read(const RulerOptions& options, const RuleTexts& files) {
  RuleTexts texts = options.builtin;
  texts.insert(files.begin(), files.end());
  ASSIGN_OR_RETURN(const std::vector<FileGroups> parsed, ParseRuleTexts(texts));
  Entries fresh;
  for (const FileGroups& file : parsed) {
    for (const rules::GroupSpec& spec : file.groups) {
      ASSIGN_OR_RETURN(RuleGroup group, RuleGroup::Make(spec, options.interval_ms, options.external));
      fresh.push_back(std::make_unique<Entry>(file.file, std::move(group)));
    }
  }
  return fresh;
}

Status Ruler::Apply(const RuleTexts& files) {
  ASSIGN_OR_RETURN(Entries fresh, Read(options_, files));
  Exchange(std::move(fresh));
  loaded_ = files;
  return Status::Ok();
}

void Ruler::Exchange(Entries fresh) {
  Points ended;
  {
    MutexLock lock(mutex_);
    exchanging_ = true;
    while (claimed_ > 0) changed_.Wait(mutex_);
    const int64_t now_ms = parts_.clock.WallMs();
    for (const auto& entry : fresh) {
      entry->due_ms = entry->group.SlotAt(now_ms) + entry->group.interval_ms();
      for (const auto& before : entries_) {
        if (before->file != entry->file || before->group.name() != entry->group.name()) continue;
        entry->group.Inherit(before->group);
      }
      entry->view = std::make_shared<const GroupView>(ViewOf(entry->file, entry->group));
    }
    for (const auto& before : entries_) {
      const Points markers = before->group.Retire();
      ended.insert(ended.end(), markers.begin(), markers.end());
    }
    entries_ = std::move(fresh);
  }
  if (const Status status = ended.empty() ? Status::Ok() : Write(parts_.clock.WallMs(), ended); !status.ok()) {
    spdlog::warn("series of rules that are gone could not be ended: {}", status.ToString());
  }
  {
    MutexLock lock(mutex_);
    exchanging_ = false;
  }
  changed_.NotifyAll();
}

Status Ruler::Reload() {
  MutexLock lock(reload_mutex_);
  auto texts = ReadRuleTexts(options_.files);
  Status status = texts.status();
  if (status.ok()) status = Apply(*texts);
  reload_failed_.Set(status.ok() ? 0 : 1);
  return status;
}

void Ruler::Watch() {
  std::string said;
  for (;;) {
    const int64_t until_ns = parts_.clock.MonotonicNs() + options_.look_ms * 1'000'000;
    {
      MutexLock lock(mutex_);
      for (int64_t left_ms = options_.look_ms; !stopping_ && left_ms > 0;) {
        (void)changed_.WaitFor(mutex_, std::chrono::milliseconds(left_ms));
        left_ms = (until_ns - parts_.clock.MonotonicNs()) / 1'000'000;
      }
      if (stopping_) return;
    }
    MutexLock lock(reload_mutex_);
    auto texts = ReadRuleTexts(options_.files);
    Status status = texts.status();
    if (status.ok() && *texts != loaded_) {
      status = Apply(*texts);
      if (status.ok()) spdlog::info("rule files have changed and are read again");
    }
    reload_failed_.Set(status.ok() ? 0 : 1);
    const std::string problem = status.ok() ? "" : status.ToString();
    if (problem != said && !problem.empty()) spdlog::error("rule files stay as they were: {}", problem);
    said = problem;
  }
}

std::vector<std::shared_ptr<const GroupView>> Ruler::View() const {
  MutexLock lock(mutex_);
  std::vector<std::shared_ptr<const GroupView>> views;
  for (const auto& entry : entries_) views.push_back(entry->view);
  return views;
}

void Ruler::Work() {
  while (Entry* const entry = Claim()) Return(*entry, Evaluate(*entry));
}

Ruler::Entry* Ruler::FirstDue(int64_t now_ms) {
  Entry* first = nullptr;
  for (const auto& entry : entries_) {
    if (entry->claimed) continue;
    // The clock was set back.
    const int64_t interval_ms = entry->group.interval_ms();
    if (entry->due_ms > now_ms + interval_ms) entry->due_ms = entry->group.SlotAt(now_ms) + interval_ms;
    if (first == nullptr || entry->due_ms < first->due_ms) first = entry.get();
  }
  return first;
}

Ruler::Entry* Ruler::Claim() {
  MutexLock lock(mutex_);
  while (!stopping_) {
    int64_t wait_ms = kWaitMsMax;
    const int64_t now_ms = parts_.clock.WallMs();
    Entry* const first = exchanging_ ? nullptr : FirstDue(now_ms);
    if (first != nullptr && first->due_ms <= now_ms) {
      first->claimed = true;
      ++claimed_;
      return first;
    }
    if (first != nullptr) wait_ms = std::min(wait_ms, first->due_ms - now_ms);
    (void)changed_.WaitFor(mutex_, std::chrono::milliseconds(wait_ms));
  }
  return nullptr;
}

void Ruler::Return(Entry& entry, int64_t slot_ms) {
  auto view = std::make_shared<const GroupView>(ViewOf(entry.file, entry.group));
  {
    MutexLock lock(mutex_);
    entry.view = std::move(view);
    entry.due_ms = slot_ms + entry.group.interval_ms();
    entry.claimed = false;
    --claimed_;
  }
  changed_.NotifyAll();
}

int64_t Ruler::Evaluate(Entry& entry) {
  const int64_t interval_ms = entry.group.interval_ms();
  const int64_t missed = std::max<int64_t>(0, parts_.clock.WallMs() - entry.due_ms) / interval_ms;
  missed_.Add(static_cast<double>(missed));
  const int64_t slot_ms = entry.due_ms + missed * interval_ms;
  if (!Holds()) return slot_ms;
  entry.group.Evaluate(slot_ms, Actions(), parts_.clock);
  for (const rules::RuleHealth& health : entry.group.health()) {
    evaluations_.Add();
    if (!health.status.ok()) failures_.Add();
  }
  // What an alert depends on may itself be a rule's, or come a moment after the start: the second evaluation has it.
  if (!entry.restored && ++entry.evaluations >= 2) Restore(entry, slot_ms);
  Notify(entry, slot_ms);
  return slot_ms;
}

void Ruler::Restore(Entry& entry, int64_t now_ms) {
  entry.restored = true;
  for (RuleGroup::Rule& rule : entry.group.rules()) {
    auto* const alerting = std::get_if<AlertingRule>(&rule);
    if (alerting == nullptr || !alerting->awaits_restore()) continue;
    const Status status = RestoreRule(*alerting, now_ms);
    if (status.ok()) {
      alerting->EndRestore();
    } else {
      entry.restored = false;  // again with the next evaluation
      spdlog::warn("since when {} was active cannot be read: {}", alerting->spec().name, status.ToString());
    }
  }
}

Status Ruler::RestoreRule(AlertingRule& rule, int64_t now_ms) {
  if (rule.spec().for_ms == 0) return Status::Ok();
  std::vector<std::string> warnings;
  const promql::MetricsScope scope{metrics::kTenant, INT64_MAX, &cancelled_, &warnings};
  ASSIGN_OR_RETURN(const auto source, parts_.store.Open(scope));
  std::vector<format::Matcher> matchers;
  for (const auto& [name, value] : {std::pair<std::string, std::string>{format::kMetricNameLabel, "ALERTS_FOR_STATE"},
                                    {"alertname", rule.spec().name}}) {
    ASSIGN_OR_RETURN(format::Matcher matcher, format::Matcher::Make(format::MatchKind::kEqual, name, value));
    matchers.push_back(std::move(matcher));
  }
  promql::SelectHints hints;
  hints.min_ms = now_ms - options_.restore_within_ms;
  hints.max_ms = now_ms;
  ASSIGN_OR_RETURN(const auto stream, source->Select(matchers, hints));
  promql::SeriesSamples series;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, stream->Next(series));
    if (!more) return Status::Ok();
    if (series.values.empty() || !(series.values.back() > 0)) continue;  // a stale marker is a NaN
    const auto active_at_ms = static_cast<int64_t>(std::min(series.values.back(), 1e12)) * 1'000;
    // With a longer grace than it takes to fire, an alert would be held back longer than a new one.
    const int64_t grace_ms = std::min(options_.restore_grace_ms, rule.spec().for_ms);
    rule.Restore(format::Labels(series.labels), active_at_ms, series.times_ms.back(), now_ms, grace_ms);
  }
}

void Ruler::Notify(Entry& entry, int64_t slot_ms) {
  std::vector<OutgoingAlert> outgoing;
  // Long enough that a few lost requests resolve nothing.
  const int64_t ends_ms = slot_ms + 4 * std::max(entry.group.interval_ms(), options_.resend_ms);
  for (RuleGroup::Rule& rule : entry.group.rules()) {
    auto* const alerting = std::get_if<AlertingRule>(&rule);
    if (alerting == nullptr) continue;
    const std::string url = options_.external.url + "/api/v1/query?query=" + Escaped(alerting->spec().expr);
    for (const rules::Alert& alert : alerting->TakeDue(slot_ms, options_.resend_ms)) {
      format::LabelsBuilder labels(alert.labels);
      for (const auto& [name, value] : options_.external.labels) {
        if (alert.labels.Get(name).empty()) labels.Set(name, value);
      }
      outgoing.push_back({labels.Build(), alert.annotations, alert.fired_at_ms.value_or(alert.active_at_ms),
                          alert.resolved_at_ms.value_or(ends_ms), url});
    }
  }
  parts_.notifier.Send(outgoing);
}

Result<Points> Ruler::Query(const std::string& expr, int64_t time_ms) {
  std::vector<std::string> warnings;
  const int64_t deadline_ns = parts_.clock.MonotonicNs() + options_.engine.limits.timeout_ms * 1'000'000;
  const promql::MetricsScope scope{metrics::kTenant, deadline_ns, &cancelled_, &warnings};
  ASSIGN_OR_RETURN(const auto source, parts_.store.Open(scope));
  const promql::Engine engine(options_.engine, parts_.clock);
  ASSIGN_OR_RETURN(const promql::QueryResult value, engine.Instant(expr, time_ms, {*source, &cancelled_}));
  if (value.type != promql::ValueType::kVector && value.type != promql::ValueType::kScalar) {
    return Status::InvalidArgument("expr", "rule result is not a vector or scalar");
  }
  Points points;
  for (const promql::ResultSeries& series : value.series) points.push_back({series.labels, series.values[0]});
  return points;
}

Status Ruler::Write(int64_t time_ms, const Points& points) {
  if (!Holds()) return Status::FailedPrecondition("another process evaluates the rules now");
  format::SeriesBatchBuilder builder;
  for (const rules::Point& point : points) builder.Add(builder.SeriesOf(point.labels), time_ms, point.value);
  ASSIGN_OR_RETURN(const metrics::Written written, parts_.store.Write(metrics::kTenant, builder.Encode()));
  if (written.refused == 0) return Status::Ok();
  return Status::ResourceExhausted(fmt::format("{} of {} samples were refused: {}", written.refused, points.size(),
                                               written.reasons.empty() ? "" : written.reasons[0].message()));
}

rules::RuleActions Ruler::Actions() {
  return {[this](const std::string& expr, int64_t time_ms) { return Query(expr, time_ms); },
          [this](int64_t time_ms, const Points& points) { return Write(time_ms, points); }};
}

}  // namespace rhizome::ruler
