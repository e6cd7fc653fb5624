// Config: what a server (`rhizome serve`, `node`, `gateway`) can be told. Each option is declared once, in config.cc:
// name, meaning, default, bounds.
//
// Sources, later ones win: a TOML file, the environment (RHIZOME_DATA_DIR for data_dir), flags (--data-dir). An unknown
// key in the file or a value out of bounds is an error that names the option and where it came from. All options take
// effect at start only. The page docs/configuration.md is generated from the same table.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/status.h"

namespace rhizome::app {

struct Config {
  std::string data_dir = "rhizome-data";
  std::string listen = "127.0.0.1:8000";
  std::vector<std::string> api_keys;
  bool insecure_bind = false;
  std::string default_collection = "documents";
  std::string embedder = "minilm";
  std::string model_dir;
  std::string static_model;
  std::string precision = "auto";
  std::string embedder_url;
  std::string embedder_model;
  std::string embedder_api_key;
  uint64_t embedder_dimension = 0;
  std::string chat_url;  // empty: no chat server
  std::string chat_model;
  std::string chat_api_key;
  uint64_t chat_timeout_ms = 20'000;
  uint64_t io_threads = 0;
  uint64_t index_threads = 0;
  uint64_t body_mib_max = 32;
  uint64_t connections_max = 20'000;
  uint64_t checkpoint_log_mib = 64;
  uint64_t slow_request_ms = 1'000;
  std::string log_level = "info";
  std::string functional_relations;
  uint64_t evolve_every_s = 3'600;
  bool evolve_ageing = false;

  // In a cluster.
  std::vector<std::string> etcd;  // empty: this server is alone
  std::string etcd_ca_file;
  std::string etcd_certificate_file;
  std::string etcd_key_file;
  std::string node_name;
  std::string rpc_listen = "127.0.0.1:7000";
  std::string rpc_advertise;
  std::string http_advertise;
  std::string rpc_ca_file;
  std::string rpc_certificate_file;
  std::string rpc_key_file;
  bool insecure_rpc = false;
  std::string zone;
  uint64_t capacity_gib = 0;
  std::string join = "auto";
  uint64_t replication_factor = 3;
  uint64_t shards = 8;
  uint64_t lease_ms = 5'000;
  uint64_t suspect_ms = 600;
  uint64_t replace_after_s = 0;
  uint64_t concurrent_moves = 4;

  // Metrics, of a server alone.
  uint64_t metrics_shards = 4;
  uint64_t metrics_retention_days = 0;
  uint64_t metrics_series_max = 1'000'000;
  uint64_t metrics_tenant_series_max = 1'000'000;
  std::vector<std::string> metrics_tenant_limits;
  bool metrics_admin = false;
  std::vector<std::string> rule_files;
  uint64_t rule_interval_s = 60;
  std::vector<std::string> alertmanagers;
  uint64_t alert_resend_s = 60;
  std::vector<std::string> alert_labels;
  std::string external_url;
  std::string self_metrics = "auto";
  bool builtin_alerts = true;

  // The pipeline of memories.
  std::string queue = "embedded";
  std::string queue_prefix;
  uint64_t extract_workers = 1;
  uint64_t retry_base_ms = 60'000;
  uint64_t retries_max = 3;

  // Snapshots of collections.
  std::vector<std::string> snapshot_targets;
  uint64_t snapshot_mib_per_s_max = 0;
  std::string s3_endpoint;
  std::string s3_region = "us-east-1";
  std::string s3_access_key;
  std::string s3_secret_key;
  std::string s3_session_token;
  bool s3_virtual_host = false;
  std::string s3_ca_file;
};

struct ConfigOption {
  std::string name;     // as in the file: "data_dir"
  std::string meaning;  // for --help and the reference page
  std::string bounds;   // "1 to 64", "minilm, http or none", "" when free
  bool is_flag = false;
  std::function<Status(Config&, const std::string& text)> set;
  std::function<std::string(const Config&)> show;

  std::string Flag() const;         // "--data-dir"
  std::string Environment() const;  // "RHIZOME_DATA_DIR"
};

const std::vector<ConfigOption>& ConfigOptions();

// Values given as flags, by option name.
using FlagValues = std::vector<std::pair<std::string, std::string>>;

// Reads all sources over `defaults`. `file` may be "" for none; `environment` looks a variable up, nullptr when unset.
Result<Config> LoadConfig(const std::string& file, const std::function<const char*(const char*)>& environment,
                          const FlagValues& flags, Config defaults = {});

// The body of docs/configuration.md.
std::string ConfigReference();

}  // namespace rhizome::app
