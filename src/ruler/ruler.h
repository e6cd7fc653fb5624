// Ruler: evaluates rule files by the clock over a store of metrics: what recording rules and alerts yield is written
// into the same store, and whoever has to be told of alerts is. In a cluster it is the leader's (ruler_seat.h).
//
// Groups are evaluated at slots of their own intervals by a few threads, no group by two at once, so a slow one delays
// only itself; slots that pass meanwhile are left out and counted. Files are looked at every few seconds; when one has
// changed, all are read again, and rules that stay go on where they were. A file with a mistake changes nothing, and is
// an error at the start. After a restart alerts that are still active are pending since when they were before.
//
// Thread-safe. The store, the notifier, the registry and the clock outlive it. The destructor waits for evaluations
// under way, whose queries it cancels.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "metrics/sample_store.h"
#include "promql/engine.h"
#include "ruler/notifier.h"
#include "ruler/rule_texts.h"
#include "rules/group.h"

namespace rhizome::ruler {

struct RulerOptions {
  std::vector<std::string> files;  // patterns (rule_texts.h)
  RuleTexts builtin;               // beside the files, by the name they are shown under
  int64_t interval_ms = 60'000;    // of groups that name none
  rules::AlertingRule::External external;
  int64_t resend_ms = 60'000;  // after which a notifier is told again of what still fires
  int64_t restore_within_ms = 3'600'000;
  int64_t restore_grace_ms = 600'000;
  int64_t look_ms = 5'000;  // between looks at the files
  uint32_t threads = 2;
  promql::EngineOptions engine;
};

struct RuleView {
  rules::RuleSpec spec;
  rules::RuleHealth health;
  rules::AlertState state = rules::AlertState::kInactive;
  std::vector<rules::Alert> alerts;  // pending and firing
};

// A group after its last evaluation.
struct GroupView {
  std::string file;
  std::string name;
  int64_t interval_ms = 0;
  size_t limit = 0;
  int64_t evaluated_at_ms = 0;  // 0: not yet
  int64_t took_ns = 0;
  std::vector<RuleView> rules;
};

struct RulerParts {
  metrics::SampleStore& store;
  Notifier& notifier;
  MetricRegistry& metrics;
  Clock& clock;
  // Asked before each evaluation and each write; false: somebody else evaluates these rules now. Empty: nobody does.
  std::function<bool()> holds = {};
};

class Ruler {
 public:
  // InvalidArgument (field "rule_files") for a file with a mistake; Check starts nothing.
  static Status Check(const RulerOptions& options);
  static Result<std::unique_ptr<Ruler>> Start(RulerOptions options, const RulerParts& parts);
  ~Ruler();
  Ruler(const Ruler&) = delete;
  Ruler& operator=(const Ruler&) = delete;

  // Reads the files now. InvalidArgument (field "rule_files"): everything goes on as before. Waits for evaluations
  // under way.
  Status Reload() EXCLUDES(reload_mutex_, mutex_);
  // In the order of files, and of names in them.
  std::vector<std::shared_ptr<const GroupView>> View() const EXCLUDES(mutex_);
  const Notifier& notifier() const { return parts_.notifier; }

 private:
  struct Entry;
  using Entries = std::vector<std::unique_ptr<Entry>>;

  Ruler(RulerOptions options, const RulerParts& parts);
  void StartThreads();
  static Result<Entries> Read(const RulerOptions& options, const RuleTexts& files);
  Status Apply(const RuleTexts& files) EXCLUDES(mutex_) REQUIRES(reload_mutex_);
  void Exchange(Entries fresh) EXCLUDES(mutex_) REQUIRES(reload_mutex_);
  void Watch() EXCLUDES(reload_mutex_, mutex_);

  void Work() EXCLUDES(mutex_);
  // The next group to be evaluated, once its slot has come. Null: it is time to end.
  Entry* Claim() EXCLUDES(mutex_);
  Entry* FirstDue(int64_t now_ms) REQUIRES(mutex_);
  void Return(Entry& entry, int64_t slot_ms) EXCLUDES(mutex_);
  // Of an entry that this thread has claimed.
  int64_t Evaluate(Entry& entry);
  bool Holds() const { return !parts_.holds || parts_.holds(); }
  void Restore(Entry& entry, int64_t now_ms);
  Status RestoreRule(rules::AlertingRule& rule, int64_t now_ms);
  void Notify(Entry& entry, int64_t slot_ms);
  Result<rules::Points> Query(const std::string& expr, int64_t time_ms);
  Status Write(int64_t time_ms, const rules::Points& points);
  rules::RuleActions Actions();

  // Constant after construction.
  const RulerOptions options_;
  const RulerParts parts_;
  Counter evaluations_, failures_, missed_;
  Gauge reload_failed_;

  std::atomic<bool> cancelled_{false};
  Mutex reload_mutex_;  // before mutex_
  RuleTexts loaded_ GUARDED_BY(reload_mutex_);
  mutable Mutex mutex_;
  CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool exchanging_ GUARDED_BY(mutex_) = false;  // nothing is claimed
  size_t claimed_ GUARDED_BY(mutex_) = 0;
  Entries entries_ GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace rhizome::ruler
