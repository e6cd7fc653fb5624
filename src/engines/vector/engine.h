// VectorEngine: the state of one shard of a collection: points with vectors, text and payload, and the documents they
// come from. It unites a graph index over the vectors, a text index, a payload index and the database.
//
// The state is a join-semilattice: operations are registers ordered by version (a point, or a document with all of
// its chunks), so applying them is commutative, associative and idempotent, and a replay may repeat what is there.
// All of it is derived from the log. What is in memory comes back from the newest snapshot by mmap; the database
// holds its own applied LSN, at or past the snapshot's. Replay starts at the snapshot's LSN.
//
// Threads: Apply and Open have one caller at a time. Reads run beside Apply and each other and see whole batches.
// ImproveIndex may run beside both. Checkpoint stops Apply for the time it takes to copy the
// slot table, Compact for as long as it takes.
#pragma once

#include <array>
#include <atomic>
#include <boost/json/value.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"
#include "engines/vector/engine_types.h"
#include "engines/vector/graph_index.h"
#include "engines/vector/payload_index.h"
#include "engines/vector/slot.h"
#include "engines/vector/slot_table.h"
#include "engines/vector/snapshot.h"
#include "engines/vector/text_index.h"
#include "engines/vector/validation.h"
#include "format/point.h"
#include "format/register.h"
#include "io/disk.h"
#include "kv/store.h"

namespace rhizome::vector {

class RegisterView;

class VectorEngine {
 public:
  // Opens the snapshot in `options.directory`, or an empty state when there is none. `disk` and `store` outlive it.
  static Result<std::unique_ptr<VectorEngine>> Open(io::Disk& disk, kv::Store& store, EngineOptions options);
  ~VectorEngine();

  // The query's own checks: dimension, finite values. InvalidArgument names "vector".
  Status ValidateQuery(const Query& query) const;
  // ValidateOperations with this collection's dimension and metric.
  Status Validate(std::span<const format::Operation> operations) const;

  // Brings the state to `lsn`; what the batch wrote is visible on return, and the requests that its operations name,
  // even those whose registers are newer here, and `fates` are remembered. After a failure readers see what was there
  // before, and the engine takes no more writes and makes no more snapshots (ReadOnly): it has to be reopened. After
  // NoSpace from the database Retry may finish it instead.
  Status Apply(uint64_t lsn, std::span<const format::Operation> operations,
               std::span<const format::RequestFate> fates = {}) EXCLUDES(apply_mutex_);
  // Finishes an Apply that the database had no room for. NoSpace: not yet. ReadOnly: it failed otherwise.
  Status Retry() EXCLUDES(apply_mutex_);
  uint64_t applied_lsn() const { return applied_lsn_.load(); }
  // The snapshot's LSN: the log may be cut up to and with it.
  uint64_t checkpoint_lsn() const { return checkpoint_lsn_.load(); }
  // How far the database is; at or past the snapshot, and never past what was durable in the log.
  uint64_t database_lsn() const EXCLUDES(apply_mutex_);
  // The highest version ever applied, for the clock.
  Version max_version() const EXCLUDES(apply_mutex_);

  Result<Candidates> Search(const Query& query) const;
  // nullopt for what does not exist.
  Result<std::vector<std::optional<FetchedPoint>>> Get(std::span<const format::PointId> ids, bool with_vector) const;
  Result<Page> Scroll(const std::optional<format::PointId>& after, uint32_t limit, const Filter* filter,
                      bool with_vector) const;
  Result<uint64_t> Count(const Filter* filter) const;
  Result<std::optional<format::StoredDocument>> GetDocument(const format::PointId& id) const;
  Result<std::optional<format::PointId>> FindContent(std::pair<uint64_t, uint64_t> content_hash) const;

  // --- what replicas tell each other (engine_replica.cc); keys are Operation::Key() ---
  // Tombstones included, in the order of `keys`. InvalidArgument names "keys[i]".
  Result<std::vector<format::RegisterVersion>> Versions(std::span<const std::string> keys) const;
  // The operation that recreates each register with version and stamp, a delete's too; nullopt: never written. Each is
  // of one moment, a document with all of its chunks. Applied elsewhere it gives the same register, digest and answers:
  // texts and payloads byte for byte, vectors as the index keeps them (under cosine of length one, and such a vector
  // is kept as it is).
  Result<std::vector<std::optional<format::Operation>>> ReadRegisters(std::span<const std::string> keys) const
      EXCLUDES(apply_mutex_);
  // All registers as they are now, for who reads long: writes go on meanwhile. ReadOnly after a failed Apply.
  Result<std::unique_ptr<RegisterView>> ViewRegisters() const EXCLUDES(apply_mutex_);
  // Up to `limit` registers of the named leaves, tombstones included, in key order behind `after` ("": from the start).
  Result<format::InventoryPage> Inventory(const std::vector<uint32_t>& leaves, uint32_t bits, const std::string& after,
                                          uint32_t limit) const;
  // Of all registers, or of those with a version below `below`, by reading them; of one moment unless writes go on.
  Result<format::RangeDigest> Digest(uint32_t bits, const std::optional<Version>& below) const EXCLUDES(digest_mutex_);
  // Forgets deletes with a version below `below`, once every replica is known to have them. Durable as writes are; a
  // replay of the log may bring one back, which only costs its place.
  Status CollectTombstones(Version below) EXCLUDES(apply_mutex_);
  // What is known of the request with this key; of several operations with one key the highest version counts.
  Result<std::optional<format::RequestRecord>> FindRequest(const format::IdempotencyKey& key) const;
  // Up to `limit` remembered requests in key order behind `after` ("": from the start). InvalidArgument names the
  // field.
  Result<format::RequestPage> Requests(const std::string& after, uint32_t limit) const;
  // Forgets requests whose version is of before `before_ms` (wall clock), and until it is called again or the engine is
  // reopened remembers no more of them: registers keep their stamps.
  Status DropRequests(int64_t before_ms) EXCLUDES(apply_mutex_);

  uint64_t points() const { return View()->table.Live()->Count(); }
  uint64_t documents() const { return documents_.load(); }
  uint64_t slots() const { return View()->table.size(); }
  uint64_t pending_index() const;
  // Links up to `limit` vectors into the graph with `threads` threads and mends as many neighbourhoods of removed
  // ones; false when there was nothing to do.
  bool ImproveIndex(uint32_t limit, uint32_t threads) EXCLUDES(improve_mutex_);

  // Publishes a snapshot at the LSN applied when called. The database is flushed first, so it is never behind.
  Status Checkpoint() EXCLUDES(apply_mutex_, checkpoint_mutex_);
  // Whether so many slots are dead that Compact pays.
  bool NeedsCompaction() const;
  // Gives the live points new slots without gaps, so that the memory of dead ones comes back. Writes wait meanwhile
  // (about 100 µs for each live point), reads go on; the new graph is linked in the background as new vectors are.
  Status Compact() EXCLUDES(apply_mutex_, checkpoint_mutex_, indexes_mutex_);
  // Reads every file of the snapshot against its checksum. Corruption names the file.
  Status VerifySnapshot() const EXCLUDES(checkpoint_mutex_);

  // Removes all that a shard keeps in the database, in steps with `pause` between them, or all that shards other than
  // `kept` keep. After an error some of it is still there.
  static Status DropRows(kv::Store& store, uint32_t shard, std::chrono::milliseconds pause);
  static Status DropRowsExcept(kv::Store& store, const std::set<uint32_t>& kept);

 private:
  // What is in memory. Compaction replaces it as a whole; a reader keeps the one it began with.
  struct Indexes {
    SlotTable table;
    std::unique_ptr<GraphIndex> graph;  // null: no vectors
    std::unique_ptr<TextIndex> text;
    std::unique_ptr<PayloadIndex> payload;
  };
  struct Batch;
  // What one reader sees.
  struct Moment {
    std::shared_ptr<const Indexes> in;
    std::shared_ptr<const SlotSet> live;
    std::optional<kv::Snapshot> database;  // nullopt: as it is when it is read
    const kv::Snapshot* at() const { return database ? &*database : nullptr; }
  };
  friend class RegisterView;
  // All of a batch but the database's part and the publishing.
  struct Prepared {
    uint64_t lsn = 0;
    Version max_version;
    uint64_t documents = 0;
    bool store = true;
    kv::WriteBatch database;
  };

  VectorEngine(io::Disk& disk, kv::Store& store, EngineOptions options);
  std::shared_ptr<Indexes> View() const EXCLUDES(indexes_mutex_);
  void Replace(std::shared_ptr<Indexes> in) EXCLUDES(indexes_mutex_);
  Result<std::shared_ptr<Indexes>> MakeEmpty() const;
  Result<std::shared_ptr<Indexes>> LoadSnapshot() EXCLUDES(checkpoint_mutex_);
  Status CopyLive(const Indexes& from, Indexes& to) const;
  Status LoadApplied();
  // Writes the prepared batch and publishes it.
  Status Complete() REQUIRES(apply_mutex_);
  // ReadOnly after a failed Apply.
  Status CheckWhole() const REQUIRES(apply_mutex_);

  Status ApplyOne(const format::Operation& operation, Batch& batch) REQUIRES(apply_mutex_);
  // What a register is written with.
  struct Origin {
    Version version;
    std::optional<format::RequestStamp> request;
  };
  Status ApplyPoint(const format::Point& point, const Origin& origin, Batch& batch) REQUIRES(apply_mutex_);
  Status AppendPoint(const format::Point& point, const boost::json::value& payload, Version version, Indexes& in) const;
  Status KillPoint(const format::PointId& id, const Origin& origin, Batch& batch) REQUIRES(apply_mutex_);
  Status ApplyDocument(const format::PutDocument& put, const Origin& origin, Batch& batch) REQUIRES(apply_mutex_);
  Status KillDocument(const format::PointId& id, const Origin& origin, Batch& batch) REQUIRES(apply_mutex_);
  Status KillChunksFrom(const format::PointId& document, uint32_t first, Version version, Batch& batch)
      REQUIRES(apply_mutex_);
  Result<bool> Wins(const format::PointId& id, Version version, bool live, const Batch& batch) const;
  Status Remember(std::span<const format::Operation> operations, std::span<const format::RequestFate> fates,
                  kv::WriteBatch& batch) const REQUIRES(apply_mutex_);
  Result<std::optional<format::StoredDocument>> ReadDocument(const format::PointId& id,
                                                             const kv::Snapshot* at = nullptr) const;

  void FindLive(std::span<const format::RegisterKey> keys, std::span<Version> versions) const;
  Status FindStored(kv::Family family, std::span<const format::RegisterKey> keys,
                    std::span<format::RegisterVersion> versions) const;
  using ReadOperation = std::function<Result<std::optional<format::Operation>>()>;
  Result<std::optional<format::Operation>> ReadOneMoment(const ReadOperation& read) const EXCLUDES(apply_mutex_);
  Moment Now() const;
  Result<std::optional<format::Operation>> ReadRegister(const format::RegisterKey& key, const Moment& moment) const;
  Result<std::optional<format::Operation>> ReadPointRegister(const format::PointId& id, const Moment& moment) const;
  Result<std::optional<format::Operation>> ReadDocumentRegister(const format::PointId& id, const Moment& moment) const;
  Result<format::Point> ReadLive(const format::PointId& id, const std::optional<std::string>& value, Version version,
                                 const Moment& moment) const;
  using VisitRegister = std::function<bool(const format::RegisterVersion&)>;  // false: enough
  Status ScanRegisters(const std::string& after, const VisitRegister& visit, const kv::Snapshot* at = nullptr) const;
  Status ScanFamily(kv::Family family, const std::string& after, const VisitRegister& visit,
                    const kv::Snapshot* at) const;
  // Deletes those of `keys` whose values still are `condemned`, as one step between two batches.
  using Condemned = std::function<Result<bool>(std::string_view value)>;
  Status DeleteIf(kv::Family family, std::span<const std::string> keys, const Condemned& condemned)
      EXCLUDES(apply_mutex_);
  Status Sweep(kv::Family family, const std::string& prefix, const Condemned& condemned) EXCLUDES(apply_mutex_);

  // The slots that satisfy `filter` and are live.
  static SlotSet Select(const Filter& filter, const Indexes& in, const SlotSet& live);
  static Result<std::vector<Candidate>> SearchVectors(const Query& query, const Indexes& in, const SlotSet* selected);
  static std::vector<Candidate> SearchText(const Query& query, const Indexes& in, const SlotSet& live,
                                           const SlotSet* selected);
  static std::vector<float> VectorOf(const format::PointId& id, const Indexes& in, const SlotSet& live);
  static FetchedPoint MakePoint(const format::PointId& id, format::StoredPoint stored);

  std::string Key(const format::PointId& id) const;

  // Constant after construction.
  io::Disk& disk_;
  kv::Store& store_;
  const EngineOptions options_;

  mutable Mutex indexes_mutex_;
  std::shared_ptr<Indexes> indexes_ GUARDED_BY(indexes_mutex_);
  std::atomic<uint64_t> applied_lsn_{0};
  std::atomic<uint64_t> checkpoint_lsn_{0};
  std::atomic<uint64_t> documents_{0};

  mutable Mutex apply_mutex_;
  uint64_t stored_lsn_ GUARDED_BY(apply_mutex_) = 0;  // the database's applied LSN
  Version max_version_ GUARDED_BY(apply_mutex_);
  // An Apply is under way or failed on its way: what is not published may be a part of a batch.
  bool half_applied_ GUARDED_BY(apply_mutex_) = false;
  std::optional<Prepared> prepared_ GUARDED_BY(apply_mutex_);
  int64_t forgotten_ms_ GUARDED_BY(apply_mutex_) = 0;  // requests from before are not remembered

  mutable Mutex checkpoint_mutex_;
  Manifest manifest_ GUARDED_BY(checkpoint_mutex_);  // of the snapshot on disk
  uint64_t checkpoint_sequence_ GUARDED_BY(checkpoint_mutex_) = 0;

  // Odd while the database and what is published are apart; rises with every change of either. A reader that finds the
  // same even number before and after has read one moment.
  std::atomic<uint64_t> changes_{0};
  std::atomic<uint64_t> applies_{0};  // odd from the beginning of an Apply until it has succeeded
  struct KnownDigest {
    uint64_t changes = 0;
    std::optional<Version> below;
    format::RangeDigest digest;
  };
  mutable Mutex digest_mutex_;
  mutable std::optional<KnownDigest> known_digest_ GUARDED_BY(digest_mutex_);  // the last one

  Mutex improve_mutex_;  // one thread links and mends at a time
};

// All registers of one shard as they were at one LSN, for who reads them over minutes, as a backup does.
//
// Exact: everything applied up to lsn() is in it and nothing newer, whatever is written, deleted or compacted
// meanwhile. While it lives the memory and the database space of what has been replaced since are kept. Thread-safe.
// The engine outlives it.
class RegisterView {
 public:
  uint64_t lsn() const { return lsn_; }
  // Every register in key order, tombstones included, until `visit` answers false.
  Status Scan(const std::function<bool(const format::RegisterVersion&)>& visit) const;
  // As VectorEngine::ReadRegisters.
  Result<std::vector<std::optional<format::Operation>>> Read(std::span<const std::string> keys) const;

 private:
  friend class VectorEngine;
  RegisterView(const VectorEngine& engine, VectorEngine::Moment moment, uint64_t lsn)
      : engine_(engine), moment_(std::move(moment)), lsn_(lsn) {}

  const VectorEngine& engine_;
  const VectorEngine::Moment moment_;
  const uint64_t lsn_;
};

}  // namespace rhizome::vector
