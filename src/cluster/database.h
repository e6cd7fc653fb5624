// Database: what the gateway and the pipeline talk to: collections of points and documents, whoever keeps them.
// Implemented by Node (everything on this machine's disk) and by Cluster (replicas on many).
//
// Every call blocks until it is answered; other nodes are waited for until the deadline, this machine's disk however
// long it takes. Callers bring their own threads. Thread-safe. A failed write is "unknown" only for DeadlineExceeded
// and IoError: repeat it; every other error means that nothing was written. What each level promises is in
// docs/consistency.md.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/uuid.h"
#include "engines/vector/slot.h"
#include "format/point.h"

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
  uint32_t replication_factor = 1;   // copies of each partition, 1..16
};

// Checks every field; InvalidArgument names the one at fault.
Status ValidateSpec(const CollectionSpec& spec);

struct CollectionInfo {
  CollectionSpec spec;
  Uuid id;
  int64_t created_ms = 0;
  uint64_t points = 0;                      // live points, the chunks of documents included
  uint64_t documents = 0;                   // live documents
  std::vector<uint32_t> failed_partitions;  // not counted: nobody answered for them
};

struct ShardInfo {
  uint32_t shard = 0;  // number in the log; of a replica, in the cluster
  std::string collection;
  uint32_t partition = 0;
  std::string state;   // "active" or "read_only"
  std::string detail;  // why it is read-only
  uint64_t points = 0;
  uint64_t documents = 0;
  uint64_t slots = 0;          // stored versions, dead ones included
  uint64_t pending_index = 0;  // vectors searched by scan, not yet linked into the graph
  uint64_t applied_lsn = 0;
  uint64_t checkpoint_lsn = 0;
  uint64_t epoch = 1;         // of its placement in the cluster
  std::string role = "sole";  // "owner", "joining", "leaving", "unowned"; "sole" on a server alone
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

// How many of a key's replicas an answer rests on. One replica alone satisfies every level.
enum class Consistency : uint8_t {
  kDefault,  // quorum for writes and key reads, one for the rest
  kOne,
  kQuorum,
  kAll,
};
// "one", "quorum" or "all"; nullopt for anything else.
std::optional<Consistency> ParseConsistency(std::string_view name);

// What is wrong with a request whoever answers it; InvalidArgument names the field.
Status ValidateSearch(const SearchRequest& request);
Status ValidateScroll(const ScrollRequest& request);

// How a call is carried out.
struct CallOptions {
  Consistency consistency = Consistency::kDefault;
  int64_t deadline_ns = 0;  // for other nodes' answers, by the machine's monotonic clock; 0: 30 s from now
  std::string request_id;   // in every log line the call causes, on every node
  std::string traceparent;  // W3C trace context; "" for none
};
struct ReadOptions : CallOptions {
  bool all_or_error = false;  // a search fails where it would leave partitions out
};
struct WriteOptions : CallOptions {
  // Of the client's request, "" for none: a request that is repeated with the same key within a day changes nothing
  // again, not even over what others wrote meanwhile. The key with another request is InvalidArgument.
  std::string idempotency_key;
};
inline constexpr int64_t kRequestsKeptMs = 24 * 3'600'000;
// What is logged with the effect of a request that has a key: the key's hash, and that of what is asked.
std::optional<format::RequestStamp> StampOf(const WriteOptions& options, std::span<const format::Operation> operations);
Status OtherRequest();  // the refusal of a key that came with another request

// What a collection gets whose creator does not say.
struct CollectionDefaults {
  uint32_t shards = 1;
  uint32_t replication_factor = 1;
};

class Database {
 public:
  virtual ~Database() = default;

  virtual CollectionDefaults Defaults() = 0;
  // InvalidArgument names the field; AlreadyExists; FailedPrecondition when there are too few nodes for the factor.
  virtual Result<CollectionInfo> CreateCollection(const CollectionSpec& spec) = 0;
  virtual Result<CollectionSpec> GetSpec(const std::string& name) = 0;        // NotFound; asks no other node
  virtual Result<CollectionInfo> GetCollection(const std::string& name) = 0;  // NotFound; counts what it holds
  virtual Result<std::vector<CollectionInfo>> ListCollections() = 0;          // by name
  virtual Status DropCollection(const std::string& name) = 0;                 // NotFound

  // Returns once every operation is durable and visible on as many replicas as the level asks for. Versions are
  // assigned here. All operations are checked before the first is logged; "operations[3]…" prefixes the field at
  // fault. Within one partition a batch is atomic.
  virtual Status Write(const std::string& collection, std::vector<format::Operation> operations,
                       const WriteOptions& options = {}) = 0;

  virtual Result<SearchResponse> Search(const SearchRequest& request, const ReadOptions& options = {}) = 0;
  // Points in the order asked for; a missing one is nullopt.
  virtual Result<std::vector<std::optional<StoredPointView>>> Get(const std::string& collection,
                                                                  std::span<const format::PointId> ids,
                                                                  bool with_vector,
                                                                  const ReadOptions& options = {}) = 0;
  virtual Result<ScrollResponse> Scroll(const ScrollRequest& request, const ReadOptions& options = {}) = 0;
  // Live points that match (all when `filter` is null).
  virtual Result<uint64_t> Count(const std::string& collection, const vector::Filter* filter,
                                 const ReadOptions& options = {}) = 0;

  virtual Result<std::optional<format::StoredDocument>> GetDocument(const std::string& collection,
                                                                    const format::PointId& id,
                                                                    const ReadOptions& options = {}) = 0;
  // The document already holding exactly this content, if any.
  virtual Result<std::optional<format::PointId>> FindContent(const std::string& collection,
                                                             std::pair<uint64_t, uint64_t> content_hash,
                                                             const ReadOptions& options = {}) = 0;

  // What this process keeps itself.
  virtual std::vector<ShardInfo> Shards() = 0;
  // Figures for /stats and /metrics by name: "wal_syncs", "wal_bytes", …
  virtual std::map<std::string, double> Stats() = 0;
  // Empty while everything can be written; else why this process is read-only, in one paragraph for the operator.
  virtual std::string ReadOnlyReason() = 0;
};

}  // namespace rhizome::cluster
