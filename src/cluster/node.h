// Node: one process's collections on one data directory; what the gateway and the pipeline talk to.
//
// THE write path is Node::Write → Shard::Write (docs/write_path.md); THE read path is Node::Search → Shard::Query
// (docs/read_path.md). A Node owns the directory's lock, the log, the database, the catalogue and every shard.
//
// Thread-safe. Every call may block on disk; callers bring their own threads. A failed write is "unknown" only for
// DeadlineExceeded and IoError; every other error means nothing was written.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/uuid.h"
#include "engines/vector/slot.h"
#include "format/point.h"

namespace rhizome::io {
class Disk;
}
namespace rhizome::vector {
struct Filter;
}

namespace rhizome::cluster {

// What a client asks for when it creates a collection. Constant for the collection's life.
struct CollectionSpec {
  std::string name;        // [A-Za-z0-9_-]{1,128}
  uint32_t dimension = 0;  // 1..4096; 0: no vectors, text search only
  vector::Metric metric = vector::Metric::kCosine;
  std::string embedder;              // model that turns text into vectors; "" when clients bring their own
  std::string language = "english";  // Snowball stemmer of the text index; "none" for no stemming
  uint32_t shards = 1;               // partitions, 1..64
};

// Checks every field; InvalidArgument names the one at fault.
Status ValidateSpec(const CollectionSpec& spec);

struct CollectionInfo {
  CollectionSpec spec;
  Uuid id;
  int64_t created_ms = 0;
  uint64_t points = 0;     // live points, the chunks of documents included
  uint64_t documents = 0;  // live documents
};

struct ShardInfo {
  uint32_t shard = 0;  // number in the log
  std::string collection;
  uint32_t partition = 0;
  std::string state;   // "active" or "read_only"
  std::string detail;  // why it is read-only
  uint64_t points = 0;
  uint64_t slots = 0;          // stored versions, dead ones included
  uint64_t pending_index = 0;  // vectors searched by scan, not yet linked into the graph
  uint64_t applied_lsn = 0;
  uint64_t checkpoint_lsn = 0;
};

enum class SearchMode { kDense, kText, kHybrid };

struct SearchRequest {
  std::string collection;
  std::vector<float> vector;  // dense leg; required by kDense and kHybrid
  std::string text;           // text leg; required by kText and kHybrid
  SearchMode mode = SearchMode::kHybrid;
  uint32_t top_k = 10;  // 1..10000
  std::shared_ptr<const vector::Filter> filter;
  std::optional<float> min_score;  // against the score of the mode asked for
  bool with_payload = true;        // title, text and payload
  bool with_vector = false;
  bool one_per_document = false;  // only the best chunk of each document
  bool exact = false;             // full scan instead of the graph
  uint32_t ef = 0;                // candidates kept while walking the graph; 0: chosen
};

struct Hit {
  format::PointId id;
  float score = 0;  // higher is better; for hybrid the fused score
  std::string title;
  std::string text;
  std::string payload;  // JSON object as text
  std::vector<float> vector;
};

struct SearchResponse {
  std::vector<Hit> hits;
  std::vector<uint32_t> failed_partitions;  // not empty: the answer is partial
};

struct StoredPointView {
  format::Point point;
  Version version;
};

struct ScrollRequest {
  std::string collection;
  std::optional<format::PointId> after;  // exclusive; none: from the start
  uint32_t limit = 100;                  // 1..10000
  std::shared_ptr<const vector::Filter> filter;
  bool with_vector = false;
};

struct ScrollResponse {
  std::vector<StoredPointView> points;  // in id order
  std::optional<format::PointId> next;  // pass as `after`; none: the end
};

struct NodeOptions {
  std::string data_dir;
  uint64_t checkpoint_log_bytes = 64ULL << 20;  // log written since the last checkpoint that triggers the next
  uint32_t index_threads = 0;                   // 0: one per core
  uint64_t memtable_bytes = 32ULL << 20;
};

struct NodeState;

class Node {
 public:
  // Recovers everything: snapshots, then the log's tail. `disk` outlives the node. FailedPrecondition when
  // another process holds the directory. Damage does not fail Open: the node comes up read-only and says why.
  static Result<std::unique_ptr<Node>> Open(io::Disk& disk, NodeOptions options);
  ~Node();  // closes: checkpoints what is dirty, so that the next start replays nothing

  Result<CollectionInfo> CreateCollection(const CollectionSpec& spec);  // AlreadyExists
  Result<CollectionInfo> GetCollection(const std::string& name);        // NotFound
  std::vector<CollectionInfo> ListCollections();                        // by name
  Status DropCollection(const std::string& name);

  // Returns once every operation is durable in its shard's log and visible to reads. Versions are assigned here.
  // All operations are checked before the first is logged; "operations[3]…" prefixes the field at fault. Within
  // one partition a batch is atomic.
  Status Write(const std::string& collection, std::vector<format::Operation> operations);

  Result<SearchResponse> Search(const SearchRequest& request);
  // Points in the order asked for; a missing one is nullopt.
  Result<std::vector<std::optional<StoredPointView>>> Get(const std::string& collection,
                                                          std::span<const format::PointId> ids, bool with_vector);
  Result<ScrollResponse> Scroll(const ScrollRequest& request);
  // Live points that match (all when `filter` is null).
  Result<uint64_t> Count(const std::string& collection, const vector::Filter* filter);

  Result<std::optional<format::StoredDocument>> GetDocument(const std::string& collection, const format::PointId& id);
  // The document already holding exactly this content, if any.
  Result<std::optional<format::PointId>> FindContent(const std::string& collection,
                                                     std::pair<uint64_t, uint64_t> content_hash);

  std::vector<ShardInfo> Shards();
  // Figures for /stats and /metrics by name: "wal_syncs", "wal_bytes", …
  std::map<std::string, double> Stats();
  // Empty while everything can be written; else why the node is read-only, in one paragraph for the operator.
  std::string ReadOnlyReason();
  // Writes snapshots of every dirty shard and cuts the log.
  Status Checkpoint();

 private:
  explicit Node(std::unique_ptr<NodeState> state);
  std::unique_ptr<NodeState> state_;
};

}  // namespace rhizome::cluster
