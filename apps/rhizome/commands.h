// The client side of the program: ingest, search, cluster, snapshot, evolve, bench, distill and salvage. Each prints
// its result and returns the exit code: 0 done, 1 failed, 2 partly failed (ingest).
#pragma once

#include <string>
#include <vector>

#include "metrics_load/load.h"

namespace rhizome::app {

struct IngestArguments {
  std::vector<std::string> paths;  // files, folders or "-"
  std::string server = "http://127.0.0.1:8000";
  std::string api_key;
  std::string collection;  // "": the server's default
  std::string format;      // "": by name and content
  unsigned batch_documents = 64;
  unsigned connections = 2;
  bool wait = true;  // until a collection with a graph has learned what was ingested
  bool quiet = false;
};
int Ingest(const IngestArguments& arguments);

struct SearchArguments {
  std::string query;
  std::string server = "http://127.0.0.1:8000";
  std::string api_key;
  std::string collection;
  std::string mode = "hybrid";
  std::string filter;  // JSON
  unsigned top_k = 5;
  bool json = false;
};
int Search(const SearchArguments& arguments);

struct ClusterArguments {
  // "status", "nodes", "shards", "health", "compare", "add", "remove", "rebalance", "repair", "factor",
  // "reshard"
  std::string action;
  std::string server = "http://127.0.0.1:8000";
  std::string api_key;
  std::string node;        // of add and remove: a name, or for remove its number
  std::string address;     // of add: HOST:PORT
  std::string collection;  // of factor and reshard
  unsigned factor = 0;
  unsigned partitions = 0;  // of reshard
  bool cancel = false;      // likewise
  bool force = false;
  bool wait = true;  // until what was begun has ended
  bool json = false;
};
// 0 done; 1 failed; for health 2 degraded and 3 critical; for compare 2 not equal.
int Cluster(const ClusterArguments& arguments);

struct SnapshotArguments {
  std::string action;  // create, list, verify, restore or prune
  std::string collection;
  std::string server = "http://127.0.0.1:8000";
  std::string api_key;
  std::string target;    // one of the server's snapshot_targets; "": its first
  std::string snapshot;  // "": the newest
  std::string from;      // whose snapshot is restored; "": the collection's own
  unsigned shards = 0;
  unsigned factor = 0;
  unsigned keep = 0;
  bool merge = false;
  bool yes = false;
  bool json = false;
  bool quiet = false;
};
int Snapshot(const SnapshotArguments& arguments);

struct EvolveArguments {
  std::string server = "http://127.0.0.1:8000";
  std::string api_key;
  std::string collection;  // "": the server's default
  std::string plan;        // carry out this one
  std::string undo;        // take back this event
  bool audit = false;      // show what was done
  unsigned limit = 50;     // events shown
  bool yes = false;        // plan and carry out at once; else a dry run
  bool names_only = false;
  bool json = false;
};
int Evolve(const EvolveArguments& arguments);

struct BenchMetricsArguments {
  metrics_load::LoadOptions load;
  std::string protocol = "native";
  uint32_t batch = 0;  // samples of a request; 0: what the protocol's senders usually send
  bool json = false;
  bool quiet = false;
};
// 0 when every request was acknowledged, 2 when some failed, 1 when none was or the arguments are wrong.
int BenchMetrics(const BenchMetricsArguments& arguments);

struct DistillArguments {
  std::string out;  // "": beside the weights
  std::string model_dir;
  unsigned dimension = 256;
  bool quiet = false;
};
int Distill(const DistillArguments& arguments);

int Salvage(const std::string& data_dir);

}  // namespace rhizome::app
