#include "config.h"

#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <sstream>

namespace rhizome::app {
namespace {

ConfigOption Text(std::string name, std::string Config::*member, std::string meaning) {
  return {std::move(name),
          std::move(meaning),
          "",
          false,
          [member](Config& config, const std::string& text) {
            config.*member = text;
            return Status::Ok();
          },
          [member](const Config& config) { return config.*member; }};
}

ConfigOption Choice(std::string name, std::string Config::*member, std::vector<std::string> choices,
                    std::string meaning) {
  std::string bounds;
  for (size_t i = 0; i < choices.size(); ++i) {
    bounds += (i == 0 ? "" : i + 1 == choices.size() ? " or " : ", ") + choices[i];
  }
  ConfigOption option = Text(std::move(name), member, std::move(meaning));
  option.bounds = bounds;
  option.set = [member, choices, bounds](Config& config, const std::string& text) {
    if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
      return Status::InvalidArgument("", "must be " + bounds + ", not '" + text + "'");
    }
    config.*member = text;
    return Status::Ok();
  };
  return option;
}

ConfigOption Number(std::string name, uint64_t Config::*member, uint64_t min, uint64_t max, std::string meaning) {
  const std::string bounds = std::to_string(min) + " to " + std::to_string(max);
  return {std::move(name),
          std::move(meaning),
          bounds,
          false,
          [member, min, max, bounds](Config& config, const std::string& text) {
            uint64_t value = 0;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
            if (error != std::errc() || end != text.data() + text.size() || value < min || value > max) {
              return Status::InvalidArgument("", "must be a whole number from " + bounds + ", not '" + text + "'");
            }
            config.*member = value;
            return Status::Ok();
          },
          [member](const Config& config) { return std::to_string(config.*member); }};
}

ConfigOption Switch(std::string name, bool Config::*member, std::string meaning) {
  return {std::move(name),
          std::move(meaning),
          "true or false",
          true,
          [member](Config& config, const std::string& text) {
            if (text != "true" && text != "false") {
              return Status::InvalidArgument("", "must be true or false, not '" + text + "'");
            }
            config.*member = text == "true";
            return Status::Ok();
          },
          [member](const Config& config) { return config.*member ? "true" : "false"; }};
}

ConfigOption CommaList(std::string name, std::vector<std::string> Config::*member, std::string meaning) {
  return {std::move(name),
          std::move(meaning),
          "comma-separated",
          false,
          [member](Config& config, const std::string& text) {
            (config.*member).clear();
            std::stringstream items(text);
            for (std::string item; std::getline(items, item, ',');) {
              if (!item.empty()) (config.*member).push_back(item);
            }
            return Status::Ok();
          },
          [](const Config&) { return std::string(); }};  // keys are not shown
}

std::vector<ConfigOption> DeclareOptions() {
  return {
      Text("data_dir", &Config::data_dir, "folder that holds everything; made when absent"),
      Text("listen", &Config::listen, "address and port; port 0 takes a free one"),
      CommaList("api_keys", &Config::api_keys, "keys that clients must send as 'Authorization: Bearer KEY'"),
      Switch("insecure_bind", &Config::insecure_bind, "listen beyond loopback without API keys"),
      Text("default_collection", &Config::default_collection,
           "collection that requests mean when they name none; made with its first document"),
      Choice("embedder", &Config::embedder, {"minilm", "static", "http", "none"},
             "what turns text into vectors where a collection does not say; static: what 'rhizome distill' made"),
      Text("model_dir", &Config::model_dir, "folder of the MiniLM weights; empty: found beside the program"),
      Text("static_model", &Config::static_model,
           "file of the static model, which collections may choose beside the other; empty: found beside the weights"),
      Choice("precision", &Config::precision, {"auto", "f32", "bf16"}, "arithmetic of the local model"),
      Text("embedder_url", &Config::embedder_url, "base URL of an OpenAI-compatible server, for embedder = http"),
      Text("embedder_model", &Config::embedder_model, "model to ask that server for"),
      Text("embedder_api_key", &Config::embedder_api_key, "key for that server"),
      Number("embedder_dimension", &Config::embedder_dimension, 0, 4096, "length of that model's vectors"),
      Text("chat_url", &Config::chat_url,
           "base URL of an OpenAI-compatible server that puts answers into words; empty: they are the passages' own"),
      Text("chat_model", &Config::chat_model, "model to ask that server for"),
      Text("chat_api_key", &Config::chat_api_key, "key for that server; empty: $RHIZOME_CHAT_API_KEY"),
      Number("chat_timeout_ms", &Config::chat_timeout_ms, 100, 600'000, "how long an answer waits for that server"),
      Number("io_threads", &Config::io_threads, 0, 1024, "threads that serve connections; 0: one per core"),
      Number("index_threads", &Config::index_threads, 0, 1024, "threads that link vectors; 0: one per core"),
      Number("body_mib_max", &Config::body_mib_max, 1, 4096, "largest request body in MiB"),
      Number("connections_max", &Config::connections_max, 1, 1'000'000, "open connections at most"),
      Number(
          "checkpoint_log_mib", &Config::checkpoint_log_mib, 1, 65536,
          "MiB of log after which a snapshot is written; bounds the replay after a crash. Samples count for an eighth"),
      Number("slow_request_ms", &Config::slow_request_ms, 1, 3'600'000,
             "a request that takes longer is logged with the time each of its steps took"),
      Choice("log_level", &Config::log_level, {"trace", "debug", "info", "warning", "error", "off"},
             "least severe line logged"),
      Text("functional_relations", &Config::functional_relations,
           "relations of which one end has one other end at a time, as 'lives_in leads:target capital_of:both'; empty: "
           "the usual ones"),
      Number("evolve_every_s", &Config::evolve_every_s, 0, 31'536'000,
             "seconds between passes over each memory, which merge names and forget what nobody names; 0: none"),
      Switch("evolve_ageing", &Config::evolve_ageing, "these passes also archive, and then hide, what nobody reads"),
  };
}

std::vector<ConfigOption> DeclareMetricsOptions() {
  return {
      Number("metrics_shards", &Config::metrics_shards, 1, 64,
             "shards that metrics are kept in, from the first sample on and for ever"),
      Number("metrics_retention_days", &Config::metrics_retention_days, 0, 36'500,
             "days after which samples are gone; 0: they are kept"),
      Number("metrics_series_max", &Config::metrics_series_max, 1, 1'000'000'000,
             "series written to lately at most, about, of a server alone: samples of more are refused"),
      Number("metrics_tenant_series_max", &Config::metrics_tenant_series_max, 0, 1'000'000'000,
             "the same of one tenant, in a cluster at all nodes together; 0: no limit"),
      CommaList("metrics_tenant_limits", &Config::metrics_tenant_limits, "such limits of single tenants, TENANT=COUNT"),
      Switch("metrics_admin", &Config::metrics_admin, "let /api/v1/admin/tsdb/delete_series delete"),
      CommaList("rule_files", &Config::rule_files,
                "files of recording and alerting rules in Prometheus' format; * ? [a-z] stand for many"),
      Number("rule_interval_s", &Config::rule_interval_s, 1, 86'400,
             "seconds between evaluations of groups of rules that do not say"),
      CommaList("alertmanagers", &Config::alertmanagers, "base URLs of the Alertmanagers that are told of alerts"),
      Number("alert_resend_s", &Config::alert_resend_s, 1, 86'400,
             "seconds after which they are told again of an alert that fires on"),
      CommaList("alert_labels", &Config::alert_labels, "labels that they see on every alert, NAME=VALUE"),
      Text("external_url", &Config::external_url,
           "URL under which people reach this server, for links in alerts; empty: http:// and listen"),
      Choice("self_metrics", &Config::self_metrics, {"auto", "on", "off"},
             "keep this server's own metrics among the others, for a week; auto: once there are others"),
      Switch("builtin_alerts", &Config::builtin_alerts, "evaluate alerts over these: errors, slowness, resources"),
  };
}

std::vector<ConfigOption> DeclarePipelineOptions() {
  return {
      Text("queue", &Config::queue,
           "where what waits to be learned lies: embedded, or kafka://HOST:PORT,HOST:PORT; the same for all processes"),
      Text("queue_prefix", &Config::queue_prefix, "before the names of that queue's topics and groups"),
      Number("extract_workers", &Config::extract_workers, 0, 64,
             "threads of this server that extract; 0: 'rhizome worker' does, in processes of its own"),
      Number("retry_base_ms", &Config::retry_base_ms, 1, 86'400'000,
             "milliseconds until a failed job is repeated; twice as long each time"),
      Number("retries_max", &Config::retries_max, 0, 16, "repetitions of a job before it is a dead letter"),
  };
}

std::vector<ConfigOption> DeclareSnapshotOptions() {
  ConfigOption secret = Text("s3_secret_key", &Config::s3_secret_key, "its secret");
  ConfigOption token = Text("s3_session_token", &Config::s3_session_token, "token of temporary keys");
  secret.show = token.show = [](const Config&) { return std::string(); };
  return {
      CommaList("snapshot_targets", &Config::snapshot_targets,
                "where snapshots of collections may go, dir:PATH or s3://BUCKET/PREFIX; the first unless told"),
      Number("snapshot_mib_per_s_max", &Config::snapshot_mib_per_s_max, 0, 1'000'000,
             "MiB a second that snapshots read or write at most; 0: as fast as it goes"),
      Text("s3_endpoint", &Config::s3_endpoint, "base URL of the S3 server of s3:// targets"),
      Text("s3_region", &Config::s3_region, "region that server wants named"),
      Text("s3_access_key", &Config::s3_access_key, "access key for that server"),
      std::move(secret),
      std::move(token),
      Switch("s3_virtual_host", &Config::s3_virtual_host, "put the bucket in front of the host, not into the path"),
      Text("s3_ca_file", &Config::s3_ca_file, "PEM file of who signs that server's certificate; empty: the system's"),
  };
}

std::vector<ConfigOption> DeclareClusterOptions() {
  return {
      CommaList("etcd", &Config::etcd, "etcd v3 endpoints, HOST:PORT or URL, that make this server part of a cluster"),
      Text("etcd_ca_file", &Config::etcd_ca_file, "PEM file of who signs etcd's certificates, for https endpoints"),
      Text("etcd_certificate_file", &Config::etcd_certificate_file, "PEM file that etcd is shown"),
      Text("etcd_key_file", &Config::etcd_key_file, "PEM file of its key"),
      Text("node_name", &Config::node_name,
           "name in the cluster, 1 to 64 of A-Z a-z 0-9 _ -, that its certificate carries; empty: the machine's"),
      Text("rpc_listen", &Config::rpc_listen, "address and port for other nodes; port 0 takes a free one"),
      Text("rpc_advertise", &Config::rpc_advertise, "HOST:PORT under which other nodes reach it; empty: rpc_listen"),
      Text("http_advertise", &Config::http_advertise, "HOST:PORT of its HTTP as operators are told; empty: listen"),
      Text("rpc_ca_file", &Config::rpc_ca_file,
           "PEM file of who signs the nodes' certificates; with the next two, TLS"),
      Text("rpc_certificate_file", &Config::rpc_certificate_file, "PEM file with this node's certificate"),
      Text("rpc_key_file", &Config::rpc_key_file, "PEM file of its key"),
      Switch("insecure_rpc", &Config::insecure_rpc, "talk to other nodes beyond loopback without TLS"),
      Text("zone", &Config::zone, "what may fail at once (a rack, a site): replicas are spread over zones"),
      Number("capacity_gib", &Config::capacity_gib, 0, 1'000'000,
             "disk it may fill, its weight in sharing out shards; 0: the same as other nodes"),
      Choice("join", &Config::join, {"auto", "wait"}, "take shards at once, or when an operator admits it"),
      Number("replication_factor", &Config::replication_factor, 1, 16,
             "replicas of each shard of a new collection that does not say"),
      Number("shards", &Config::shards, 1, 64, "shards of a new collection that does not say"),
      Number("lease_ms", &Config::lease_ms, 1'000, 600'000,
             "a node that etcd has not heard for so long counts as dead"),
      Number("suspect_ms", &Config::suspect_ms, 100, 60'000,
             "a node that has not answered for so long is asked last; less than lease_ms"),
      Number("replace_after_s", &Config::replace_after_s, 0, 1'000'000,
             "a node dead for so long has its shards given to others; 0: only when an operator removes it"),
      Number("concurrent_moves", &Config::concurrent_moves, 1, 64, "shards under way at a time"),
  };
}

const ConfigOption* FindOption(const std::string& name) {
  for (const ConfigOption& option : ConfigOptions()) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

Status Set(const ConfigOption& option, const std::string& text, const std::string& origin, Config& config) {
  const Status status = option.set(config, text);
  if (status.ok()) return status;
  return Status::InvalidArgument(option.name, std::string(status.message()) + " (from " + origin + ")");
}

Result<std::string> TextOf(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto number = node.value_exact<int64_t>()) return std::to_string(*number);
  if (const auto flag = node.value_exact<bool>()) return std::string(*flag ? "true" : "false");
  const toml::array* list = node.as_array();
  if (list == nullptr)
    return Status::InvalidArgument("", "must be a string, a whole number, true, false or a list of strings");
  std::string joined;
  for (const toml::node& item : *list) {
    const auto text = item.value_exact<std::string>();
    if (!text) return Status::InvalidArgument("", "must be a list of strings");
    joined += (joined.empty() ? "" : ",") + *text;
  }
  return joined;
}

Status ReadFile(const std::string& path, Config& config) {
  toml::table table;
  try {
    table = toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    std::ostringstream where;
    where << error.source().begin;
    return Status::InvalidArgument("config", path + ": " + std::string(error.description()) + " at " + where.str());
  }
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    const ConfigOption* option = FindOption(name);
    if (option == nullptr) return Status::InvalidArgument(name, "is not an option (from " + path + ")");
    const Result<std::string> text = TextOf(node);
    if (!text.ok()) return Status::InvalidArgument(name, std::string(text.status().message()) + " (from " + path + ")");
    RETURN_IF_ERROR(Set(*option, *text, path, config));
  }
  return Status::Ok();
}

}  // namespace

std::string ConfigOption::Flag() const {
  std::string flag = "--" + name;
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

std::string ConfigOption::Environment() const {
  std::string variable = "RHIZOME_" + name;
  std::transform(variable.begin(), variable.end(), variable.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return variable;
}

const std::vector<ConfigOption>& ConfigOptions() {
  static const std::vector<ConfigOption> options = [] {
    std::vector<ConfigOption> all = DeclareOptions();
    for (ConfigOption& option : DeclareClusterOptions()) all.push_back(std::move(option));
    for (ConfigOption& option : DeclareMetricsOptions()) all.push_back(std::move(option));
    for (ConfigOption& option : DeclarePipelineOptions()) all.push_back(std::move(option));
    for (ConfigOption& option : DeclareSnapshotOptions()) all.push_back(std::move(option));
    return all;
  }();
  return options;
}

Result<Config> LoadConfig(const std::string& file, const std::function<const char*(const char*)>& environment,
                          const FlagValues& flags, Config defaults) {
  Config config = std::move(defaults);
  if (!file.empty()) RETURN_IF_ERROR(ReadFile(file, config));
  for (const ConfigOption& option : ConfigOptions()) {
    const char* text = environment(option.Environment().c_str());
    if (text != nullptr) RETURN_IF_ERROR(Set(option, text, option.Environment(), config));
  }
  for (const auto& [name, text] : flags) {
    const ConfigOption* option = FindOption(name);
    CHECK(option != nullptr);  // flags are made from the same table
    RETURN_IF_ERROR(Set(*option, text, option->Flag(), config));
  }
  return config;
}

std::string ConfigReference() {
  const Config defaults;
  std::string page = "| option | default | allowed | meaning |\n|---|---|---|---|\n";
  for (const ConfigOption& option : ConfigOptions()) {
    const std::string value = option.show(defaults);
    page += "| `" + option.name + "` | " + (value.empty() ? "" : "`" + value + "`") + " | " + option.bounds + " | " +
            option.meaning + " |\n";
  }
  return page;
}

}  // namespace rhizome::app
