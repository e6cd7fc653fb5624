// The rhizome program: server and client in one binary.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "ask.h"
#include "commands.h"
#include "config.h"
#include "serve.h"
#include "tasks.h"
#include "worker.h"

namespace {

using rhizome::app::Config;
using rhizome::app::ConfigOption;
using rhizome::app::ConfigOptions;
using rhizome::app::FlagValues;

struct ServeArguments {
  rhizome::app::Role role = rhizome::app::Role::kServe;
  Config defaults;
  std::string config_file;
  bool print_options = false;
  std::map<std::string, std::string> values;
};

// The roles of a server take the same options.
void AddServe(CLI::App& app, const std::string& name, const std::string& help, ServeArguments& arguments) {
  CLI::App* serve = app.add_subcommand(name, help);
  serve->add_option("--config", arguments.config_file, "TOML file with options; flags and RHIZOME_… win over it");
  serve->add_flag("--print-options", arguments.print_options, "Print the reference of all options and leave");
  for (const ConfigOption& option : ConfigOptions()) {
    std::string& value = arguments.values[option.name];
    const std::string shown = option.show(arguments.defaults);
    const std::string meaning = option.meaning + (option.bounds.empty() ? "" : " (" + option.bounds + ")") +
                                (shown.empty() ? "" : " [" + shown + "]");
    if (option.is_flag) {
      serve->add_flag_callback(
          option.Flag(), [&value] { value = "true"; }, meaning);
    } else {
      serve->add_option(option.Flag(), value, meaning);
    }
  }
}

int RunServe(const CLI::App& serve, const ServeArguments& arguments) {
  if (arguments.print_options) {
    fmt::print("{}", rhizome::app::ConfigReference());
    return 0;
  }
  FlagValues flags;
  for (const ConfigOption& option : ConfigOptions()) {
    if (serve.count(option.Flag()) > 0) flags.emplace_back(option.name, arguments.values.at(option.name));
  }
  const auto config = rhizome::app::LoadConfig(
      arguments.config_file, [](const char* name) { return std::getenv(name); }, flags, arguments.defaults);
  const rhizome::Status status = config.ok() ? rhizome::app::Serve(*config, arguments.role) : config.status();
  if (status.ok()) return 0;
  fmt::print(stderr, "rhizome {}: {}\n", serve.get_name(), status.ToString());
  return 1;
}

template <typename Arguments>
void AddServer(CLI::App& command, Arguments& arguments) {
  command.add_option("-s,--server", arguments.server, "Base URL of the server")
      ->envname("RHIZOME_SERVER")
      ->capture_default_str();
  command.add_option("--api-key", arguments.api_key, "Key of that server")->envname("RHIZOME_API_KEY");
  command.add_option("-c,--collection", arguments.collection, "Collection; the server's default when left out");
}

void AddCluster(CLI::App& app, rhizome::app::ClusterArguments& arguments) {
  CLI::App* cluster = app.add_subcommand("cluster", "Look at a cluster and change it");
  cluster->require_subcommand(1);
  cluster->add_option("-s,--server,--url", arguments.server, "Base URL of any of its servers")
      ->envname("RHIZOME_SERVER")
      ->capture_default_str();
  cluster->add_option("--api-key", arguments.api_key, "Key of that server")->envname("RHIZOME_API_KEY");
  cluster->add_flag("--json", arguments.json, "Print the server's answer as it is");
  cluster->fallthrough();
  const auto add = [&](const std::string& name, const std::string& help) {
    return cluster->add_subcommand(name, help)->fallthrough()->callback([&arguments, name] {
      arguments.action = name;
    });
  };
  const auto may_wait = [&arguments](CLI::App* command) {
    command->add_flag("!--no-wait", arguments.wait, "Return at once; what was begun goes on");
  };
  add("status", "What the cluster is made of");
  add("nodes", "Every node");
  add("shards", "Where every shard is, and what moves");
  add("health", "What is wrong; exit code 0 ok, 2 degraded, 3 critical");
  CLI::App* node = add("add", "Admit a node that was started with --join wait, or keep one that was leaving");
  node->add_option("name", arguments.node, "The node's name")->required();
  node->add_option("address", arguments.address, "HOST:PORT of its HTTP")->required();
  may_wait(node);
  node = add("remove", "Move a node's shards to the others and let it go");
  node->add_option("name", arguments.node, "The node's name or number")->required();
  node->add_flag("--force", arguments.force, "It is dead: give its shards to others at once");
  may_wait(node);
  may_wait(add("rebalance", "What the leader moves and will move; waits for its end"));
  add("repair", "Have all replicas compared and mended now");
  add("compare", "Whether all replicas hold the same now; exit code 0 equal, 2 not");
  CLI::App* factor = add("factor", "Change how often a collection is kept");
  factor->add_option("collection", arguments.collection, "The collection")->required();
  factor->add_option("factor", arguments.factor, "Replicas of each shard")->required()->check(CLI::Range(1, 16));
  may_wait(factor);
  CLI::App* reshard = add("reshard", "Give a collection more partitions while it is used");
  reshard->add_option("collection", arguments.collection, "The collection")->required();
  CLI::Option* partitions =
      reshard->add_option("--partitions", arguments.partitions, "A multiple of those it has")->check(CLI::Range(2, 64));
  reshard->add_flag("--cancel", arguments.cancel, "Leave it as it is, while it is not done yet")->excludes(partitions);
  may_wait(reshard);
}

void AddSnapshot(CLI::App& app, rhizome::app::SnapshotArguments& arguments) {
  CLI::App* snapshot = app.add_subcommand("snapshot", "Make, check, restore and prune snapshots of a collection");
  snapshot->require_subcommand(1);
  snapshot->add_option("-s,--server,--url", arguments.server, "Base URL of the server")
      ->envname("RHIZOME_SERVER")
      ->capture_default_str();
  snapshot->add_option("--api-key", arguments.api_key, "Key of that server")->envname("RHIZOME_API_KEY");
  snapshot->add_option("-c,--collection", arguments.collection, "The collection")->required();
  snapshot->add_option("--to,--target", arguments.target,
                       "dir:PATH or s3://BUCKET/PREFIX out of the server's snapshot_targets; its first when left out");
  snapshot->add_flag("--json", arguments.json, "Print the server's answer as it is");
  snapshot->add_flag("-q,--quiet", arguments.quiet, "No progress");
  snapshot->fallthrough();
  const auto add = [&](const std::string& name, const std::string& help) {
    return snapshot->add_subcommand(name, help)->fallthrough()->callback([&arguments, name] {
      arguments.action = name;
    });
  };
  add("create", "Make a snapshot; only what has changed since the last is written");
  add("list", "The collection's snapshots");
  CLI::App* verify = add("verify", "Read a snapshot and check all of it; exit code 1 when it is damaged");
  verify->add_option("--snapshot", arguments.snapshot, "Which; the newest when left out");
  CLI::App* restore = add("restore", "Put a snapshot into a new or empty collection");
  restore->add_option("--snapshot", arguments.snapshot, "Which; the newest when left out");
  restore->add_option("--from", arguments.from, "Collection it was made of; the same when left out");
  restore->add_option("--shards", arguments.shards, "Partitions of the collection made")->check(CLI::Range(1, 64));
  restore->add_option("--factor", arguments.factor, "Replicas of each")->check(CLI::Range(1, 16));
  restore->add_flag("--merge", arguments.merge, "Continue an interrupted restore; what is newer stays");
  CLI::App* prune = add("prune", "Say which old snapshots and unneeded chunks would go; --yes removes them");
  prune->add_option("--keep", arguments.keep, "The newest so many stay; all when left out")
      ->check(CLI::Range(1, 1'000'000));
  prune->add_flag("--yes", arguments.yes, "Remove them");
}

void AddEvolve(CLI::App& app, rhizome::app::EvolveArguments& arguments) {
  CLI::App* evolve =
      app.add_subcommand("evolve", "Show what a memory's ageing and merging of names would change, or do it");
  evolve->add_option("-s,--server,--url", arguments.server, "Base URL of the server")
      ->envname("RHIZOME_SERVER")
      ->capture_default_str();
  evolve->add_option("--api-key", arguments.api_key, "Key of that server")->envname("RHIZOME_API_KEY");
  evolve->add_option("-c,--collection", arguments.collection, "The collection; the server's default when left out");
  const std::string dry_run = "Only show it; so it is unless --yes or --plan say otherwise";
  evolve->add_flag("--dry-run", dry_run);
  CLI::Option* yes = evolve->add_flag("--yes", arguments.yes, "Do it at once")->excludes("--dry-run");
  CLI::Option* plan = evolve->add_option("--plan", arguments.plan, "Carry out a plan that was shown")->excludes(yes);
  CLI::Option* undo =
      evolve->add_option("--undo", arguments.undo, "Take back an event of --audit")->excludes(yes, plan);
  evolve->add_flag("--audit", arguments.audit, "Show what was done, newest first")->excludes(yes, plan, undo);
  evolve->add_option("--limit", arguments.limit, "Events shown")->check(CLI::Range(1, 1000))->capture_default_str();
  evolve->add_flag("--names-only", arguments.names_only, "Merge and part names; archive nothing");
  evolve->add_flag("--json", arguments.json, "Print the server's answer as it is");
}

void AddBench(CLI::App& app, rhizome::app::BenchMetricsArguments& arguments) {
  CLI::App* bench = app.add_subcommand("bench", "Load a server and measure how it answers");
  bench->require_subcommand(1);
  CLI::App* metrics = bench->add_subcommand(
      "metrics",
      "Send generated samples, as a fleet of machines would, to any server that takes one of the protocols; tell "
      "samples "
      "per second and how long acknowledgements take. Nothing is sent twice. Exit code 2: some requests failed");
  rhizome::metrics_load::LoadOptions& load = arguments.load;
  const auto add = [&](const char* name, auto& value, const char* help) {
    return metrics->add_option(name, value, help)->capture_default_str();
  };
  add("-u,--url,--server", load.url, "Base URL of the server")->envname("RHIZOME_SERVER");
  metrics->add_option("--api-key", load.api_key, "Key of that server")->envname("RHIZOME_API_KEY");
  add("-p,--protocol", arguments.protocol, "native, remote_write or influx")
      ->check(CLI::IsMember({"native", "remote_write", "influx"}));
  add("-n,--series", load.series, "Series, of eight labels each")->check(CLI::Range(1, 100'000'000));
  add("-k,--samples-per-series", load.body.samples_per_series, "Samples of each series in a request")
      ->check(CLI::Range(1, 1'000'000));
  metrics->add_option("--batch", arguments.batch, "Samples in a request; 10000 for native, else 1000 when left out")
      ->check(CLI::Range(1, 1'000'000));
  add("--connections", load.connections, "Connections, which share the series out")->check(CLI::Range(1, 1'000));
  add("--seconds", load.seconds, "How long; 0: until the rounds are done")->check(CLI::Range(0.0, 86'400.0));
  add("--rounds", load.rounds, "Stop when each series was sent so often; 0: no such end");
  add("--rate", load.rate,
      "Samples per second, due at even times, from which latencies count (open loop); 0: each connection sends again "
      "when it is answered (closed loop)")
      ->check(CLI::NonNegativeNumber);
  metrics->add_option("--start-ms", load.start_ms, "Time of the first samples, in ms since 1970")
      ->check(CLI::PositiveNumber);
  metrics
      ->add_option(
          "--interval-ms", load.interval_ms,
          "Between two samples of a series. Without these two samples are live: of when they are due (open "
          "loop), of the last nine minutes and 50 ms apart (closed loop), or of rounds 15 s apart that end now. "
          "With one of them the other is 15 s, or 30 days ago")
      ->check(CLI::Range(1, 86'400'000));
  metrics->add_flag("--full-precision", load.full_precision, "Values of random digits, which compress least");
  add("--seed", load.seed, "The same seed gives the same samples");
  add("--timeout-ms", load.timeout_ms, "Of a request")->check(CLI::Range(1, 3'600'000));
  metrics->add_flag("--json", arguments.json, "One JSON object of figures");
  metrics->add_flag("-q,--quiet", arguments.quiet, "No progress");
}

CLI::App* AddDistill(CLI::App& app, rhizome::app::DistillArguments& distill) {
  CLI::App* command = app.add_subcommand(
      "distill", "Make the fast static embedder out of MiniLM; a server started afterwards offers it to collections");
  command->add_option("--out", distill.out, "File to write; beside the weights when left out");
  command->add_option("--model-dir", distill.model_dir, "Folder of the MiniLM weights; found when left out")
      ->envname("RHIZOME_MODEL_DIR");
  command->add_option("--dimension", distill.dimension, "Length of its vectors")
      ->check(CLI::Range(1, 384))
      ->capture_default_str();
  command->add_flag("-q,--quiet", distill.quiet, "No progress");
  return command;
}

CLI::App* AddIngest(CLI::App& app, rhizome::app::IngestArguments& ingest) {
  CLI::App* command = app.add_subcommand("ingest", "Read documents from files, folders or standard input");
  command->add_option("paths", ingest.paths, "Files, folders, or - for standard input")->required();
  AddServer(*command, ingest);
  command->add_option("-f,--format", ingest.format, "Take inputs for this format: txt, md, html, json, jsonl, csv, pdf")
      ->check(CLI::IsMember({"txt", "md", "html", "json", "jsonl", "csv", "pdf"}));
  command->add_option("--batch", ingest.batch_documents, "Documents in a request")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--connections", ingest.connections, "Requests at a time")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->add_flag("!--no-wait", ingest.wait, "Do not wait until a collection with a graph has learned what was sent");
  command->add_flag("-q,--quiet", ingest.quiet, "No progress");
  return command;
}

CLI::App* AddSearch(CLI::App& app, rhizome::app::SearchArguments& search) {
  CLI::App* command = app.add_subcommand("search", "Search in plain words");
  command->add_option("query", search.query, "What to look for")->required();
  AddServer(*command, search);
  command->add_option("-k,--top-k", search.top_k, "Answers")->check(CLI::Range(1, 10000))->capture_default_str();
  command->add_option("-m,--mode", search.mode, "dense, text or hybrid")
      ->check(CLI::IsMember({"dense", "text", "hybrid"}))
      ->capture_default_str();
  command->add_option("--filter", search.filter, "Condition on payloads as JSON (docs/filters.md)");
  command->add_flag("--json", search.json, "Print the server's answer as it is");
  return command;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Rhizome: a distributed memory for applications", "rhizome");
  app.require_subcommand(1);
  app.set_version_flag("--version", RHIZOME_VERSION);

  std::map<std::string, ServeArguments> servers;
  servers["serve"] = {};
  servers["node"].role = rhizome::app::Role::kNode;
  servers["node"].defaults.embedder = "none";
  servers["gateway"].role = rhizome::app::Role::kGateway;
  AddServe(app, "serve", "Run a server: everything in one process, alone or with --etcd in a cluster",
           servers["serve"]);
  AddServe(app, "node", "Run a node of a cluster, which keeps replicas; without an embedder unless told",
           servers["node"]);
  AddServe(app, "gateway", "Run a gateway of a cluster, which keeps nothing and can be one of many",
           servers["gateway"]);

  rhizome::app::IngestArguments ingest;
  CLI::App* ingest_command = AddIngest(app, ingest);

  rhizome::app::SearchArguments search;
  CLI::App* search_command = AddSearch(app, search);
  rhizome::app::AskArguments ask;
  CLI::App* ask_command = AddAsk(app, ask);
  rhizome::app::McpArguments mcp;
  CLI::App* mcp_command = AddMcp(app, mcp);
  rhizome::app::ClusterArguments cluster;
  AddCluster(app, cluster);

  rhizome::app::SnapshotArguments snapshot;
  AddSnapshot(app, snapshot);

  rhizome::app::EvolveArguments evolve;
  AddEvolve(app, evolve);

  rhizome::app::TasksArguments tasks;
  rhizome::app::AddTasks(app, tasks);
  rhizome::app::WorkerArguments worker;
  rhizome::app::AddWorker(app, worker);
  rhizome::app::BenchMetricsArguments bench;
  AddBench(app, bench);

  rhizome::app::DistillArguments distill;
  CLI::App* distill_command = AddDistill(app, distill);

  std::string salvage_dir;
  CLI::App* salvage_command = app.add_subcommand("salvage", "Recover what is still good of a damaged log");
  salvage_command->add_option("--data-dir", salvage_dir, "Data folder of the server, which must be stopped")
      ->required();

  CLI11_PARSE(app, argc, argv);
  for (const auto& [name, arguments] : servers) {
    if (app.got_subcommand(name)) return RunServe(*app.get_subcommand(name), arguments);
  }
  if (*ask_command) return rhizome::app::Ask(ask);
  if (*mcp_command) return rhizome::app::Mcp(mcp);
  if (*ingest_command) return rhizome::app::Ingest(ingest);
  if (app.got_subcommand("cluster")) return rhizome::app::Cluster(cluster);
  if (app.got_subcommand("snapshot")) return rhizome::app::Snapshot(snapshot);
  if (app.got_subcommand("evolve")) return rhizome::app::Evolve(evolve);
  if (app.got_subcommand("worker")) return rhizome::app::RunWorker(worker);
  if (app.got_subcommand("tasks")) return rhizome::app::Tasks(tasks);
  if (app.got_subcommand("bench")) return rhizome::app::BenchMetrics(bench);
  if (*distill_command) return rhizome::app::Distill(distill);
  if (*search_command) return rhizome::app::Search(search);
  return rhizome::app::Salvage(salvage_dir);
}
