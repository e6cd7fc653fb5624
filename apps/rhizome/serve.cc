#include "serve.h"

#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "ask/asker.h"
#include "backup/service.h"
#include "base/clock.h"
#include "base/log.h"
#include "cluster/alone_operations.h"
#include "cluster/member_controls.h"
#include "cluster/registers.h"
#include "communities/service.h"
#include "gateway/api.h"
#include "gateway/backend.h"
#include "gateway/server.h"
#include "io/disk.h"
#include "memory/service.h"
#include "metrics/cluster_store.h"
#include "metrics/self_monitor.h"
#include "metrics/series_cluster.h"
#include "metrics/store.h"
#include "metrics/store_slot.h"
#include "metrics_api/ingest_routes.h"
#include "metrics_api/routes.h"
#include "metrics_api/rule_routes.h"
#include "pipeline/ingest.h"
#include "resources.h"
#include "ruler/leadership.h"
#include "ruler/ruler_seat.h"
#include "server_parts.h"
#include "stop_signals.h"

namespace rhizome::app {
namespace {

constexpr uint32_t kDrainMs = 10'000;
constexpr int kRetryMs = 1'000;

// What stands behind the routes, in the order of need; it goes down the other way round.
struct Parts {
  std::vector<std::unique_ptr<pipeline::Embedder>> embedders;
  std::unique_ptr<cluster::Node> node;               // null: a gateway
  std::unique_ptr<metrics::Store> metrics;           // null in a cluster
  std::unique_ptr<coordination::Etcd> coordination;  // these seven are null for a server alone
  std::unique_ptr<cluster::ClusterRuntime> runtime;
  std::unique_ptr<metrics::SeriesCluster> series;
  std::unique_ptr<metrics::ClusterStore> cluster_metrics;
  std::unique_ptr<ruler::Leadership> leadership;
  std::unique_ptr<cluster::MemberControls> controls;
  std::unique_ptr<cluster::Operations> operations;
  std::unique_ptr<memory::Service> memories;  // these two are null in a cluster
  std::unique_ptr<communities::Service> communities;
  std::unique_ptr<ask::Chat> chat;  // null: answers are in the passages' own words
  std::unique_ptr<ask::Asker> asker;
  std::unique_ptr<pipeline::Ingestor> ingestor;
  std::unique_ptr<ruler::Notifier> notifier;     // null for a gateway
  std::shared_ptr<ruler::Ruler> ruler;           // null in a cluster, where the seat has it
  std::unique_ptr<ruler::RulerSeat> ruler_seat;  // null for a gateway and a server alone
  std::vector<backup::Target> targets;           // until they are the backups' own
  std::unique_ptr<cluster::Registers> registers;
  std::unique_ptr<backup::Service> backups;
  std::unique_ptr<metrics::SelfMonitor> self_monitor;  // reads the others' figures

  pipeline::Embedders Offered() const {
    pipeline::Embedders offered;
    for (const auto& embedder : embedders) offered.Add(embedder.get());
    return offered;
  }

  void Publish(cluster::Database& database, const Config& config, gateway::BackendSlot& slot) {
    const pipeline::Embedders offered = Offered();
    pipeline::DocumentWatch watch;
    if (memories != nullptr) {
      watch.changed = [this](const auto& name, auto documents) { return memories->Changed(name, documents); };
      watch.deleted = [this](const auto& name, const auto& document) { return memories->Deleted(name, document); };
    }
    ingestor = std::make_unique<pipeline::Ingestor>(database, offered, std::move(watch));
    backups = std::make_unique<backup::Service>(
        backup::ServiceParts{database, *registers, SystemClock(), config.snapshot_mib_per_s_max << 20},
        std::move(targets));
    asker = std::make_unique<ask::Asker>(ask::AskerParts{database, memories.get(), offered, chat.get()});
    slot.Publish({&database, ingestor.get(), offered, operations.get(), backups.get(), memories.get(),
                  communities.get(), asker.get()});
  }
};

// A folder's replicas mean nothing without their cluster, and a cluster knows nothing of a lone server's collections.
Status CheckFolder(const Config& config, cluster::Node& node) {
  ASSIGN_OR_RETURN(const bool of_member, io::RealDisk().Exists(config.data_dir + "/MEMBER"));
  if (config.etcd.empty() && of_member) {
    return Status::FailedPrecondition(config.data_dir + " is that of a cluster's member: start it with --etcd");
  }
  if (config.etcd.empty()) return Status::Ok();
  const auto metrics = node.Series();
  if (!metrics.ok() || *metrics != nullptr) {
    return Status::FailedPrecondition(config.data_dir +
                                      " holds metrics of a server alone: give a cluster's member an empty folder");
  }
  ASSIGN_OR_RETURN(const auto collections, node.ListCollections());
  if (collections.empty()) return Status::Ok();
  return Status::FailedPrecondition(config.data_dir + " holds collections of a server alone, " +
                                    collections[0].spec.name + " among them: give a cluster's member an empty folder");
}

Status OpenNode(const Config& config, Parts& parts) {
  auto opened = cluster::Node::Open(io::RealDisk(), NodeOptionsOf(config));
  if (!opened.ok()) return opened.status().Annotate("opening " + config.data_dir);
  parts.node = std::move(opened).value();
  return CheckFolder(config, *parts.node);
}

// Where the routes find what they work on.
struct Slots {
  explicit Slots(const Config& config) : resources(config.data_dir, ProcessMetrics()) {
    api.default_collection = config.default_collection;
    api.version = RHIZOME_VERSION;
    api.refresh_metrics = [this] { resources.Refresh(); };
  }
  Slots(const Slots&) = delete;
  Slots& operator=(const Slots&) = delete;

  Resources resources;
  gateway::ApiOptions api;
  gateway::BackendSlot backend{"the data is being recovered"};
  metrics::StoreSlot metrics{"the data is being recovered"};
  ruler::RulerSlot ruler{"the data is being recovered"};
};

// Takes the seat, however long coordination is away. False: told to stop meanwhile.
Result<bool> JoinCluster(const Config& config, const cluster::ClusterOptions& options, Parts& parts, Slots& slots,
                         StopSignals& stop) {
  auto coordination = coordination::Etcd::Open(EtcdOptionsOf(config));
  if (!coordination.ok()) return NamingOption(coordination.status());
  parts.coordination = std::move(coordination).value();
  const cluster::ClusterPorts ports{*parts.coordination, parts.node.get(), &io::RealDisk(), config.data_dir};
  std::string said;
  while (true) {
    auto started = cluster::ClusterRuntime::Start(options, ports);
    if (started.ok()) {
      parts.runtime = std::move(started).value();
      break;
    }
    const Status& status = started.status();
    if (status.code() != Code::kUnavailable && status.code() != Code::kDeadlineExceeded) return NamingOption(status);
    slots.backend.Explain("joining the cluster: " + status.ToString());
    slots.metrics.Explain("joining the cluster");
    if (std::exchange(said, status.ToString()) != status.ToString()) spdlog::warn("joining the cluster: {}", said);
    if (stop.Wait(kRetryMs)) return false;
  }
  parts.controls = std::make_unique<cluster::MemberControls>(
      parts.runtime->calls(), parts.runtime->member(), options.defaults.replication_factor, options.settings,
      [runtime = parts.runtime.get()] { return runtime->Troubles(); });
  parts.operations = std::make_unique<cluster::ClusterOperations>(*parts.controls);
  parts.registers = std::make_unique<cluster::ClusterRegisters>(parts.runtime->database());
  parts.Publish(parts.runtime->database(), config, slots.backend);
  parts.series =
      std::make_unique<metrics::SeriesCluster>(parts.runtime->calls(), parts.runtime->member(), options.defaults);
  ASSIGN_OR_RETURN(metrics::TenantLimits limits, TenantLimitsOf(config));
  parts.cluster_metrics =
      std::make_unique<metrics::ClusterStore>(*parts.series, MetricsWindowOf(config), SystemClock(), std::move(limits));
  slots.metrics.Publish(*parts.cluster_metrics);
  parts.leadership =
      std::make_unique<ruler::Leadership>(parts.runtime->calls(), parts.runtime->loop(), parts.runtime->member());
  return true;
}

void SayReady(const Config& config, Role role, const std::string& where, double seconds, const Parts& parts) {
  std::string what = "data in " + config.data_dir;
  if (role == Role::kGateway) what = "a gateway";
  if (parts.runtime != nullptr && role != Role::kGateway) {
    what += ", other nodes at port " + std::to_string(parts.runtime->port());
  }
  fmt::print("Rhizome is ready on http://{} after {:.1f} s; {}; Ctrl-C stops it\n", where, seconds, what);
  std::fflush(stdout);
  if (parts.node == nullptr) return;
  if (const std::string reason = parts.node->ReadOnlyReason(); !reason.empty()) {
    spdlog::error("serving reads only: {}. 'rhizome salvage --data-dir {}' recovers what is still good", reason,
                  config.data_dir);
  }
}

std::vector<gateway::Route> RoutesOf(const Config& config, Slots& slots) {
  std::vector<gateway::Route> routes = gateway::ApiRoutes(slots.api, slots.backend, ProcessMetrics());
  for (auto part :
       {metrics_api::MetricsRoutes(MetricsApiOptionsOf(config, RHIZOME_VERSION), slots.metrics, SystemClock()),
        metrics_api::IngestRoutes({}, slots.metrics, ProcessMetrics(), SystemClock()),
        metrics_api::RuleRoutes(slots.ruler)}) {
    routes.insert(routes.end(), part.begin(), part.end());
  }
  return routes;
}

// Writes what this process shows of itself into the store. `expires`: whether it deletes what is old now.
void MonitorSelf(const Config& config, const std::string& instance, metrics::SampleStore& store,
                 std::function<bool()> expires, Parts& parts, Slots& slots) {
  if (config.self_metrics == "off") return;
  metrics::SelfMonitorOptions options;
  options.instance = instance;
  options.begins = config.self_metrics == "on";
  options.expires = std::move(expires);
  parts.self_monitor = std::make_unique<metrics::SelfMonitor>(
      options, [&slots] { return gateway::MetricsText(slots.api, slots.backend, ProcessMetrics()); }, store,
      SystemClock());
}

// The store of metrics of a server alone and what evaluates rules over it.
Status OpenMetrics(const Config& config, const std::string& instance, Parts& parts, Slots& slots) {
  ASSIGN_OR_RETURN(metrics::TenantLimits limits, TenantLimitsOf(config));
  // What the limit of all tenants together says already.
  if (limits.series_max >= config.metrics_series_max) limits.series_max = UINT64_MAX;
  parts.metrics = std::make_unique<metrics::Store>(*parts.node, SystemClock(), std::move(limits));
  ASSIGN_OR_RETURN(parts.notifier, ruler::Notifier::Start(NotifierOptionsOf(config), ProcessMetrics()));
  ASSIGN_OR_RETURN(const ruler::RulerOptions options, RulerOptionsOf(config, "http://" + instance));
  ASSIGN_OR_RETURN(parts.ruler,
                   ruler::Ruler::Start(options, {*parts.metrics, *parts.notifier, ProcessMetrics(), SystemClock()}));
  slots.metrics.Publish(*parts.metrics);
  slots.ruler.Publish(parts.ruler);
  MonitorSelf(config, instance, *parts.metrics, {}, parts, slots);
  return Status::Ok();
}

// What of a node's rules can be wrong before it has joined; a gateway evaluates none.
Status CheckRules(const Config& config, Role role) {
  if (role == Role::kGateway) {
    if (config.rule_files.empty()) return Status::Ok();
    return Status::InvalidArgument("rule_files", "a gateway evaluates no rules: name them to every node");
  }
  ASSIGN_OR_RETURN(const ruler::RulerOptions options, RulerOptionsOf(config, "http://" + config.listen));
  return ruler::Ruler::Check(options);
}

// Of a member that has joined: rules while it leads, and its own figures among the cluster's metrics.
Status WatchCluster(const Config& config, Role role, const std::string& instance, Parts& parts, Slots& slots) {
  ruler::Leadership& leadership = *parts.leadership;
  slots.ruler.SetElsewhere([&leadership](const std::string& question) { return leadership.Ask(question); });
  const auto leads = [&leadership] {
    const auto now = leadership.Look();
    return now.ok() && now->here;
  };
  MonitorSelf(config, instance, *parts.cluster_metrics, leads, parts, slots);
  if (role == Role::kGateway) return Status::Ok();
  leadership.Serve([&slots](const std::string& question) { return metrics_api::TellOfRules(slots.ruler, question); });
  ASSIGN_OR_RETURN(parts.notifier, ruler::Notifier::Start(NotifierOptionsOf(config), ProcessMetrics()));
  ASSIGN_OR_RETURN(const ruler::RulerOptions options, RulerOptionsOf(config, "http://" + instance));
  const auto start = [&parts, options](std::function<bool()> holds) {
    return ruler::Ruler::Start(
        options, {*parts.cluster_metrics, *parts.notifier, ProcessMetrics(), SystemClock(), std::move(holds)});
  };
  parts.ruler_seat = std::make_unique<ruler::RulerSeat>(
      ruler::RulerSeatOptions(),
      ruler::RulerSeat::Ports{[&leadership] { return leadership.Look(); },
                              [&leadership] { return leadership.Confirm(); }, start, slots.ruler, SystemClock()});
  return Status::Ok();
}

// Texts with the embedder that a collection has; none without one.
Result<std::vector<std::vector<float>>> EmbedFor(const Parts& parts, const std::string& collection,
                                                 const std::vector<std::string>& texts) {
  ASSIGN_OR_RETURN(const cluster::CollectionSpec spec, parts.node->GetSpec(collection));
  if (spec.embedder.empty()) return std::vector<std::vector<float>>();
  ASSIGN_OR_RETURN(pipeline::Embedder* const embedder, parts.Offered().For(collection, spec.embedder));
  return embedder->Embed(texts);
}

Status OpenMemories(const Config& config, Parts& parts) {
  ASSIGN_OR_RETURN(memory::ServiceOptions memories, MemoryOptionsOf(config));
  ASSIGN_OR_RETURN(parts.memories,
                   memory::Service::Open({*parts.node, io::RealDisk(), ProcessMetrics()}, std::move(memories)));
  communities::ServiceOptions options;
  options.data_dir = config.data_dir;
  options.embed = [&parts](const std::string& collection, const auto& texts) {
    return EmbedFor(parts, collection, texts);
  };
  ASSIGN_OR_RETURN(
      parts.communities,
      communities::Service::Open({*parts.node, io::RealDisk(), SystemClock(), ProcessMetrics()}, std::move(options)));
  return Status::Ok();
}

// Opens what the role needs. False: told to stop meanwhile.
Result<bool> Open(const Config& config, Role role, uint16_t port, Parts& parts, Slots& slots, StopSignals& stop) {
  if (!config.etcd.empty()) {
    if (config.queue != "embedded") {
      return Status::InvalidArgument("queue", "a cluster keeps no memories yet: a server alone does");
    }
    RETURN_IF_ERROR(CheckRules(config, role));
    slots.ruler.Explain("joining the cluster");
  }
  if (role != Role::kGateway) RETURN_IF_ERROR(OpenNode(config, parts));
  if (config.etcd.empty()) {
    gateway::ServerOptions options;
    ASSIGN_OR_RETURN(options, ServerOptionsOf(config));
    parts.operations = std::make_unique<cluster::AloneOperations>(
        *parts.node,
        cluster::NodeAddress{config.node_name.empty() ? MachineName() : config.node_name, options.address, port});
    RETURN_IF_ERROR(OpenMemories(config, parts));
    parts.registers = std::make_unique<cluster::NodeRegisters>(*parts.node);
    parts.Publish(*parts.node, config, slots.backend);
    RETURN_IF_ERROR(OpenMetrics(config, fmt::format("{}:{}", options.address, port), parts, slots));
    return true;
  }
  slots.backend.Explain("joining the cluster");
  ASSIGN_OR_RETURN(const cluster::ClusterOptions options, ClusterOptionsOf(config, port, MachineName()));
  ASSIGN_OR_RETURN(const bool joined, JoinCluster(config, options, parts, slots, stop));
  if (joined) RETURN_IF_ERROR(WatchCluster(config, role, options.http_address, parts, slots));
  return joined;
}

}  // namespace

Status Serve(const Config& config, Role role) {
  StopSignals stop;
  InstallLogFormat(config.log_level);
  signal(SIGPIPE, SIG_IGN);
  const int64_t start_ns = SystemClock().MonotonicNs();
  if (role != Role::kServe && config.etcd.empty()) {
    return Status::InvalidArgument("etcd", "is needed: this role is part of a cluster");
  }
  ASSIGN_OR_RETURN(const gateway::ServerOptions server_options, ServerOptionsOf(config));
  Slots slots(config);
  Parts parts;
  ASSIGN_OR_RETURN(parts.embedders, OpenEmbedders(config));
  ASSIGN_OR_RETURN(parts.targets, OpenSnapshotTargets(config));
  ASSIGN_OR_RETURN(parts.chat, OpenChat(config));
  ASSIGN_OR_RETURN(const auto server, gateway::Server::Start(server_options, RoutesOf(config, slots)));
  ASSIGN_OR_RETURN(const bool opened, Open(config, role, server->port(), parts, slots, stop));
  if (opened) {
    const double seconds = static_cast<double>(SystemClock().MonotonicNs() - start_ns) / 1e9;
    SayReady(config, role, fmt::format("{}:{}", server_options.address, server->port()), seconds, parts);
    stop.Wait(-1);
  }
  spdlog::info("stopping");
  server->Stop(kDrainMs);
  parts.backups.reset();
  parts.self_monitor.reset();
  parts.ruler_seat.reset();
  if (parts.runtime != nullptr) parts.runtime->Stop(kDrainMs);
  return Status::Ok();
}

}  // namespace rhizome::app
