#include "server_parts.h"

#include <unistd.h>

#include <array>
#include <charconv>
#include <map>
#include <sstream>

#include "ingest/taken.h"
#include "metrics/store.h"
#include "pipeline/http_embedder.h"
#include "pipeline/minilm.h"
#include "pipeline/static_embedder.h"
#include "rpc/address.h"
#include "ruler/builtin_alerts.h"
#include "shard/series_shards.h"

namespace rhizome::app {
namespace {

int64_t RetentionMsOf(const Config& config) {
  return static_cast<int64_t>(config.metrics_retention_days) * 24 * 3'600'000;
}

// "127.0.0.1:8000" or "[::1]:8000".
Status ParseListen(const std::string& listen, gateway::ServerOptions& options) {
  const size_t colon = listen.rfind(':');
  if (colon == std::string::npos) return Status::InvalidArgument("listen", "must be ADDRESS:PORT");
  const std::string port = listen.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), options.port);
  if (error != std::errc() || end != port.data() + port.size()) {
    return Status::InvalidArgument("listen", "'" + port + "' is not a port");
  }
  options.address = listen.substr(0, colon);
  if (options.address.starts_with('[') && options.address.ends_with(']')) {
    options.address = options.address.substr(1, options.address.size() - 2);
  }
  return Status::Ok();
}

// What others are told to call. Every address is no address: nobody can be told to call 0.0.0.0.
Status CheckReachable(const std::string& listen, const std::string& advertise, const std::string& option) {
  const std::string host = listen.substr(0, listen.rfind(':'));
  if (!advertise.empty() || (host != "0.0.0.0" && host != "[::]")) return Status::Ok();
  return Status::InvalidArgument(option, "is needed: " + listen + " is every address, and others need one to call");
}

Status CheckPlainText(const Config& config) {
  const bool tls = !config.rpc_ca_file.empty() || !config.rpc_certificate_file.empty() || !config.rpc_key_file.empty();
  const Result<rpc::Address> address = rpc::ParseAddress(config.rpc_listen);
  if (!address.ok()) return Status::InvalidArgument("rpc_listen", std::string(address.status().message()));
  if (address->is_loopback || tls || config.insecure_rpc) return Status::Ok();
  return Status::InvalidArgument(
      "rpc_listen",
      "beyond loopback needs TLS: set rpc_ca_file, rpc_certificate_file and rpc_key_file, or "
      "insecure_rpc where plain text is meant");
}

std::string UrlOf(const std::string& endpoint, bool tls) {
  if (endpoint.find("://") != std::string::npos) return endpoint;
  return (tls ? "https://" : "http://") + endpoint;
}

}  // namespace

Result<gateway::ServerOptions> ServerOptionsOf(const Config& config) {
  gateway::ServerOptions options;
  RETURN_IF_ERROR(ParseListen(config.listen, options));
  options.api_keys = config.api_keys;
  options.insecure_bind = config.insecure_bind;
  options.io_threads = static_cast<uint32_t>(config.io_threads);
  options.body_bytes_max = config.body_mib_max << 20;
  options.connections_max = static_cast<uint32_t>(config.connections_max);
  options.slow_request_ms = static_cast<uint32_t>(config.slow_request_ms);
  return options;
}

namespace {

using OneEmbedder = std::unique_ptr<pipeline::Embedder>;

// Null: there is no static model, and none was asked for.
Result<OneEmbedder> OpenStatic(const Config& config) {
  std::string path = config.static_model;
  if (path.empty()) {
    const auto folder = config.model_dir.empty() ? pipeline::FindModelFolder() : Result<std::string>(config.model_dir);
    if (folder.ok()) path = *folder + "/" + std::string(pipeline::kStaticModelFile);
    bool there = false;
    if (!path.empty()) {
      ASSIGN_OR_RETURN(there, io::RealDisk().Exists(path));
    }
    if (!there && config.embedder != "static") return OneEmbedder();
    if (!there) return Status::NotFound("there is no static model yet: make one with 'rhizome distill'");
  }
  ASSIGN_OR_RETURN(pipeline::StaticModel model, pipeline::ReadStaticModel(io::RealDisk(), path));
  ASSIGN_OR_RETURN(auto embedder, pipeline::StaticEmbedder::Open(std::move(model)));
  return OneEmbedder(std::move(embedder));
}

Result<OneEmbedder> OpenLarge(const Config& config) {
  if (config.embedder == "http") {
    pipeline::HttpEmbedderOptions options;
    options.base_url = config.embedder_url;
    options.model = config.embedder_model;
    options.api_key = config.embedder_api_key;
    options.dimension = static_cast<uint32_t>(config.embedder_dimension);
    ASSIGN_OR_RETURN(auto embedder, pipeline::HttpEmbedder::Open(std::move(options)));
    return OneEmbedder(std::move(embedder));
  }
  pipeline::MiniLmOptions options;
  options.model_dir = config.model_dir;
  options.precision = config.precision == "f32"    ? pipeline::Precision::kF32
                      : config.precision == "bf16" ? pipeline::Precision::kBf16
                                                   : pipeline::Precision::kAuto;
  ASSIGN_OR_RETURN(auto embedder, pipeline::MiniLm::Open(options));
  return OneEmbedder(std::move(embedder));
}

}  // namespace

Result<std::vector<OneEmbedder>> OpenEmbedders(const Config& config) {
  std::vector<OneEmbedder> embedders;
  if (config.embedder == "none") return embedders;
  if (config.embedder != "static") {
    ASSIGN_OR_RETURN(OneEmbedder large, OpenLarge(config));
    embedders.push_back(std::move(large));
  }
  ASSIGN_OR_RETURN(OneEmbedder fast, OpenStatic(config));
  if (fast != nullptr) embedders.push_back(std::move(fast));
  return embedders;
}

Result<std::unique_ptr<ask::Chat>> OpenChat(const Config& config) {
  if (config.chat_url.empty()) return std::unique_ptr<ask::Chat>();
  ask::ChatOptions options;
  options.base_url = config.chat_url;
  options.model = config.chat_model;
  options.api_key = config.chat_api_key;
  options.timeout_ms = static_cast<int64_t>(config.chat_timeout_ms);
  return ask::Chat::Open(std::move(options));
}

Result<std::vector<backup::Target>> OpenSnapshotTargets(const Config& config) {
  blob::S3Options s3;
  s3.endpoint = config.s3_endpoint;
  s3.region = config.s3_region;
  s3.access_key = config.s3_access_key;
  s3.secret_key = config.s3_secret_key;
  s3.session_token = config.s3_session_token;
  s3.path_style = !config.s3_virtual_host;
  s3.tls.ca_file = config.s3_ca_file;
  return backup::OpenTargets(config.snapshot_targets, s3, io::RealDisk());
}

series::TimeWindow MetricsWindowOf(const Config& config) {
  const int64_t retention_ms = RetentionMsOf(config);
  return {retention_ms > 0 ? retention_ms : INT64_MAX, shard::SeriesOptions{}.future_ms};
}

Result<std::string> KafkaBrokers(const std::string& queue) {
  constexpr std::string_view kScheme = "kafka://";
  if (queue == "embedded") return std::string();
  const std::string brokers = queue.starts_with(kScheme) ? queue.substr(kScheme.size()) : std::string();
  std::stringstream items(brokers + ",");
  for (std::string broker; std::getline(items, broker, ',');) {
    const size_t colon = broker.rfind(':');
    if (colon != 0 && colon != std::string::npos && colon + 1 < broker.size() &&
        broker.find('/') == std::string::npos) {
      continue;
    }
    return Status::InvalidArgument("queue", "must be embedded or kafka://HOST:PORT,HOST:PORT, not " + queue);
  }
  return brokers;
}

Result<memory::ServiceOptions> MemoryOptionsOf(const Config& config) {
  memory::ServiceOptions options;
  options.data_dir = config.data_dir;
  ASSIGN_OR_RETURN(options.kafka_brokers, KafkaBrokers(config.queue));
  options.extract_workers = static_cast<uint32_t>(config.extract_workers);
  options.settings.prefix = config.queue_prefix;
  options.settings.retry_base_ms = static_cast<int64_t>(config.retry_base_ms);
  options.settings.retries_max = static_cast<uint32_t>(config.retries_max);
  if (const Status valid = workers::CheckSettings(options.settings); !valid.ok()) {
    return Status::InvalidArgument("queue_prefix", std::string(valid.message()));
  }
  options.housekeeping = {static_cast<int64_t>(config.evolve_every_s) * 1000, config.evolve_ageing};
  if (config.functional_relations.empty()) return options;
  auto functional = graph::FunctionalRelations::Parse(config.functional_relations);
  if (!functional.ok()) {
    return Status::InvalidArgument("functional_relations", std::string(functional.status().message()));
  }
  options.functional = std::move(functional).value();
  return options;
}

cluster::NodeOptions NodeOptionsOf(const Config& config) {
  cluster::NodeOptions options;
  options.data_dir = config.data_dir;
  options.checkpoint_log_bytes = config.checkpoint_log_mib << 20;
  options.index_threads = static_cast<uint32_t>(config.index_threads);
  options.series_shards = static_cast<uint32_t>(config.metrics_shards);
  options.series_retention_ms = RetentionMsOf(config);
  options.series_max = config.metrics_series_max;
  return options;
}

Result<metrics::TenantLimits> TenantLimitsOf(const Config& config) {
  metrics::TenantLimits limits;
  if (config.metrics_tenant_series_max > 0) limits.series_max = config.metrics_tenant_series_max;
  for (const std::string& entry : config.metrics_tenant_limits) {
    const auto wrong = [&](const std::string& why) {
      return Status::InvalidArgument("metrics_tenant_limits", "'" + entry + "' " + why);
    };
    const size_t equals = entry.find('=');
    if (equals == std::string::npos) return wrong("is not TENANT=COUNT");
    const auto tenant = metrics::Tenancy::Of(std::string_view(entry).substr(0, equals));
    if (!tenant.ok()) return wrong("does not begin with a tenant's name");
    uint64_t count = 0;
    const auto [end, error] = std::from_chars(entry.data() + equals + 1, entry.data() + entry.size(), count);
    if (error != std::errc() || end != entry.data() + entry.size() || count == 0) {
      return wrong("does not end with a whole number from 1 on");
    }
    if (!limits.of.emplace(tenant->name(), count).second) return wrong("is of a tenant that is there twice");
  }
  return limits;
}

Result<ruler::RulerOptions> RulerOptionsOf(const Config& config, const std::string& url) {
  ruler::RulerOptions options;
  options.files = config.rule_files;
  if (config.builtin_alerts && config.self_metrics != "off") options.builtin["builtin"] = ruler::BuiltinAlerts();
  options.interval_ms = static_cast<int64_t>(config.rule_interval_s) * 1'000;
  options.resend_ms = static_cast<int64_t>(config.alert_resend_s) * 1'000;
  options.external.url = config.external_url.empty() ? url : config.external_url;
  while (options.external.url.ends_with('/')) options.external.url.pop_back();
  std::map<std::string, std::string> labels;
  for (const std::string& pair : config.alert_labels) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos) return Status::InvalidArgument("alert_labels", "'" + pair + "' is not NAME=VALUE");
    const std::string name = pair.substr(0, equals), value = pair.substr(equals + 1);
    const Status status = ingest::CheckLabel(name, value, {});
    if (!status.ok()) return Status::InvalidArgument("alert_labels", std::string(status.message()));
    if (!labels.emplace(name, value).second) return Status::InvalidArgument("alert_labels", name + " is there twice");
  }
  options.external.labels.assign(labels.begin(), labels.end());
  return options;
}

ruler::NotifierOptions NotifierOptionsOf(const Config& config) {
  ruler::NotifierOptions options;
  options.urls = config.alertmanagers;
  return options;
}

metrics_api::MetricsApiOptions MetricsApiOptionsOf(const Config& config, const std::string& version) {
  metrics_api::MetricsApiOptions options;
  options.tenant_default = metrics::kTenant;
  options.admin = config.metrics_admin;
  options.version = version;
  if (config.metrics_retention_days > 0) options.retention = std::to_string(config.metrics_retention_days) + "d";
  return options;
}

coordination::EtcdOptions EtcdOptionsOf(const Config& config) {
  coordination::EtcdOptions options;
  for (const std::string& endpoint : config.etcd) {
    options.endpoints.push_back(UrlOf(endpoint, !config.etcd_ca_file.empty()));
  }
  options.tls = {config.etcd_ca_file, config.etcd_certificate_file, config.etcd_key_file};
  return options;
}

Result<cluster::ClusterOptions> ClusterOptionsOf(const Config& config, uint16_t http_port, const std::string& machine) {
  RETURN_IF_ERROR(CheckReachable(config.rpc_listen, config.rpc_advertise, "rpc_advertise"));
  RETURN_IF_ERROR(CheckReachable(config.listen, config.http_advertise, "http_advertise"));
  RETURN_IF_ERROR(CheckPlainText(config));
  if (config.suspect_ms >= config.lease_ms) return Status::InvalidArgument("suspect_ms", "must be less than lease_ms");
  cluster::ClusterOptions options;
  options.name = config.node_name.empty() ? machine : config.node_name;
  options.listen = config.rpc_listen;
  options.advertise = config.rpc_advertise;
  options.http_address = config.http_advertise;
  if (options.http_address.empty()) {
    options.http_address = config.listen.substr(0, config.listen.rfind(':') + 1) + std::to_string(http_port);
  }
  options.zone = config.zone;
  options.capacity_bytes = config.capacity_gib << 30;
  options.waits_to_be_admitted = config.join == "wait";
  options.tls = {config.rpc_ca_file, config.rpc_certificate_file, config.rpc_key_file};
  options.insecure = config.insecure_rpc;
  options.slow_request_ms = static_cast<int64_t>(config.slow_request_ms);
  options.defaults = {static_cast<uint32_t>(config.shards), static_cast<uint32_t>(config.replication_factor)};
  fabric::Settings& settings = options.settings;
  settings.lease_ttl_ms = static_cast<int64_t>(config.lease_ms);
  settings.suspect_after_ms = static_cast<int64_t>(config.suspect_ms);
  settings.ping_interval_ms = settings.suspect_after_ms / 4;
  settings.replace_after_ms = static_cast<int64_t>(config.replace_after_s * 1'000);
  settings.concurrent_moves = static_cast<uint32_t>(config.concurrent_moves);
  return options;
}

Status NamingOption(const Status& status) {
  static constexpr std::pair<std::string_view, std::string_view> kOptions[] = {
      {"endpoints", "etcd"},
      {"name", "node_name"},
      {"tls.ca_file", "rpc_ca_file"},
      {"tls.cert_file", "rpc_certificate_file"},
      {"tls.key_file", "rpc_key_file"},
      {"address", "rpc_listen"},
  };
  const std::string_view field(status.field());
  for (const auto& [from, to] : kOptions) {
    if (status.ok() || field.substr(0, field.find('[')) != from) continue;
    return Status(status.code(), std::string(status.message()), std::string(to));
  }
  return status;
}

std::string MachineName() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "node";
  std::string text(name.data());
  text.resize(std::min<size_t>(text.size(), 64));
  for (char& c : text) {
    const bool allowed = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    if (!allowed) c = '-';
  }
  return text;
}

}  // namespace rhizome::app
