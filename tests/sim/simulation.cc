#include "simulation.h"

#include <fmt/format.h>

#include <algorithm>

#include "final_checks.h"

namespace rhizome::sim {

namespace {

constexpr int64_t kBootNsMax = 30 * kSecond;
constexpr int64_t kRestNsMax = 150 * kSecond;
constexpr int64_t kDrainNsMax = 30 * kSecond;
constexpr int64_t kLookNs = 250 * kMillisecond;

// The product's settings on a smaller scale of time, so that seconds show what takes it hours.
fabric::Settings DrawSettings(Random& random, bool long_run) {
  fabric::Settings settings;
  settings.lease_ttl_ms = random.Between(1'000, 3'000);
  settings.refresh_interval_ms = random.Between(300, 1'000);
  settings.ping_interval_ms = 150;
  settings.suspect_after_ms = random.Between(300, 600);
  settings.call_timeout_ms = random.Between(300, 900);
  settings.hint_keys_max = random.Chance(0.3) ? 3 : 1'000;
  settings.hint_age_max_ms = random.Between(500, 4'000);
  settings.repair_interval_ms = random.Between(1'000, 4'000);
  settings.repair_rest = 1;  // all of this happens within seconds
  settings.repair_pause_ms = 1;
  settings.repair_page_keys = random.Chance(0.5) ? 4 : 100;
  settings.tombstone_grace_ms = random.Between(9'000, 11'000);
  settings.tombstone_interval_ms = random.Between(300, 1'000);
  settings.drop_grace_ms = random.Chance(long_run ? 0.8 : 0.2) ? 15'000 : 500;
  settings.leader_interval_ms = random.Between(100, 400);
  settings.replace_after_ms = random.Chance(0.5) ? 0 : 2'500;
  return settings;
}

ClusterShape DrawShape(const SimulationOptions& options, const Plan& plan) {
  Random random = Random::Of(options.seed, 0x7368617065);
  ClusterShape shape;
  shape.data_hosts = options.profile.data_hosts;
  shape.partitions = static_cast<uint32_t>(random.Between(1, 3));
  shape.factor = random.Chance(0.75) ? 3 : static_cast<uint32_t>(random.Between(2, 4));
  shape.settings = DrawSettings(random, plan.load_ms > 13'000);
  return shape;
}

WorkloadShape DrawWorkload(const SimulationOptions& options) {
  Random random = Random::Of(options.seed, 0x6c6f6164);
  WorkloadShape shape;
  shape.clients = static_cast<uint32_t>(random.Between(4, 7));
  shape.hot_keys = static_cast<uint32_t>(random.Between(1, 5));
  shape.think_ms_max = random.Between(30, 100);
  shape.operations_max = options.operations_max;
  return shape;
}

Plan ChosenPlan(const SimulationOptions& options) {
  Plan plan = DrawPlan(options.seed, options.profile);
  if (!options.keep) return plan;
  const std::vector<Fault> drawn = std::exchange(plan.faults, {});
  for (const size_t index : *options.keep) {
    if (index < drawn.size()) plan.faults.push_back(drawn[index]);
  }
  return plan;
}

class Run {
 public:
  explicit Run(const SimulationOptions& options)
      : options_(options),
        plan_(ChosenPlan(options)),
        world_(options.seed, options.trace),
        cluster_(world_, DrawShape(options, plan_)),
        player_(cluster_, plan_.faults),
        workload_(cluster_, DrawWorkload(options)),
        samples_(cluster_, options.profile.sample_clients) {}

  SimulationOutcome Go() {
    Boot();
    if (!world_.failed()) Load();
    if (!world_.failed()) Heal();
    if (!world_.failed()) Check();
    cluster_.KillAll();
    SimulationOutcome outcome = outcome_;
    outcome.failure = world_.failure();
    outcome.trace_hash = world_.trace_hash();
    outcome.virtual_ns = world_.NowNs();
    outcome.events = world_.events();
    outcome.messages = cluster_.network().messages();
    outcome.lives = cluster_.lives();
    outcome.placement_changes = cluster_.truth().placement_changes();
    outcome.tally = workload_.tally();
    outcome.samples = samples_.tally();
    outcome.faults = player_.happened();
    outcome.faults_skipped = player_.skipped();
    return outcome;
  }

 private:
  // Runs until `done` answers "", looking from time to time; else the run fails with its last answer.
  template <typename Done>
  void Await(const Done& done, int64_t ns_max, const char* what) {
    const int64_t until_ns = world_.NowNs() + ns_max;
    std::string reason = done();
    while (!reason.empty() && !world_.failed()) {
      if (world_.NowNs() >= until_ns) {
        return world_.Fail(fmt::format("{} after {} s: {}", what, ns_max / kSecond, reason));
      }
      world_.RunUntil(world_.NowNs() + kLookNs);
      reason = done();
    }
  }

  static Task<void> CreateCollection(std::shared_ptr<Process> process, fabric::NewCollection collection,
                                     std::optional<Result<fabric::CollectionRecord>>& created) {
    created = co_await process->member().Create(std::move(collection));
  }

  void Boot() {
    cluster_.network().SetLatency(plan_.latency_us_max * 1'000);
    for (const auto& host : cluster_.hosts()) cluster_.Start(*host);
    const auto serving = [this]() -> std::string {
      for (const auto& host : cluster_.hosts()) {
        if (cluster_.Serving(host->number) == nullptr) return host->name + " does not serve";
        if (cluster_.Truth().live.size() != cluster_.shape().data_hosts) return "not all have leases";
      }
      return "";
    };
    Await(serving, kBootNsMax, "the cluster has not booted");
    if (world_.failed()) return;
    Create({Cluster::kCollection, cluster_.shape().partitions, cluster_.shape().factor, ""});
    if (world_.failed() || options_.profile.sample_clients == 0) return;
    Create({SampleLoad::kCollection, cluster_.shape().partitions, cluster_.shape().factor, "",
            fabric::ShardKind::kSeries});
  }

  void Create(fabric::NewCollection collection) {
    const auto process = cluster_.Serving(0);
    created_.reset();
    process->loop().Post(
        [this, process, collection] { process->Run(CreateCollection(process, collection, created_)); });
    Await([this]() -> std::string { return created_ ? "" : "no answer"; }, kBootNsMax, "no collection");
    if (created_ && !created_->ok()) world_.Fail("creating the collection: " + created_->status().ToString());
  }

  void Load() {
    workload_.Start();
    samples_.Start();
    player_.Start();
    world_.RunUntil(world_.NowNs() + plan_.load_ms * kMillisecond);
  }

  void Heal() {
    workload_.Finish();
    samples_.Finish();
    player_.Heal();
    Await([this]() -> std::string { return workload_.idle() && samples_.idle() ? "" : "clients are still waiting"; },
          kDrainNsMax, "not healed");
    Await([this]() -> std::string { return player_.settled() ? NotAtRest(cluster_) : "an operator is still at it"; },
          kRestNsMax, "not at rest");
  }

  void Check() {
    workload_.ReadEverything();
    Await([this]() -> std::string { return workload_.everything_read() ? "" : "final reads are still waiting"; },
          kDrainNsMax, "not read");
    if (world_.failed()) return;
    const HistoryReport report = CheckHistories(workload_, {cluster_.lost_any(), !cluster_.truth().was_cut_off()});
    outcome_.histories = report.histories;
    outcome_.histories_undecided = report.undecided;
    outcome_.writes_checked = report.writes_checked;
    outcome_.writes_lost = report.writes_lost;
    if (!report.failure.empty()) return world_.Fail(report.failure);
    const std::string lost = samples_.Check();
    if (!lost.empty()) return world_.Fail(lost);
    if (!options_.profile.faults && workload_.tally().failed + workload_.tally().unknown > 0) {
      world_.Fail("without any fault, an operation failed");
    }
  }

  const SimulationOptions options_;
  const Plan plan_;
  World world_;
  Cluster cluster_;
  FaultPlayer player_;
  Workload workload_;
  SampleLoad samples_;
  std::optional<Result<fabric::CollectionRecord>> created_;
  SimulationOutcome outcome_;
};

}  // namespace

SimulationOutcome Simulate(const SimulationOptions& options) { return Run(options).Go(); }

}  // namespace rhizome::sim
