#include "cluster/node_store.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "cluster/query_codec.h"
#include "cluster/shard_query.h"
#include "engines/series/series_records.h"
#include "format/series_record.h"
#include "shard/series_query.h"
#include "shard/series_shard.h"

namespace rhizome::cluster {

using fabric::InventoryRequest;
using fabric::ReadRequest;
using fabric::ShardNumber;
using fabric::VersionsRequest;

namespace {

uint32_t QueryThreads(uint32_t asked) { return asked > 0 ? asked : std::max(2U, std::thread::hardware_concurrency()); }

// Whether bytes are a record of a shard of series: no operation batch begins as those do.
bool IsSeriesRecord(std::string_view bytes) {
  return format::SeriesRecordKindOf(bytes) != format::SeriesRecordKind::kNone;
}

Status ApplyTo(Node& node, ShardNumber number, const std::string& bytes) {
  if (IsSeriesRecord(bytes)) {
    ASSIGN_OR_RETURN(const auto series, node.SeriesReplica(number));
    return series->Merge(bytes);
  }
  ASSIGN_OR_RETURN(const auto shard, node.Replica(number));
  return shard->MergeEncoded(bytes);
}

// The replica of series with this number; null when it is one of points.
Result<std::shared_ptr<shard::SeriesShard>> SeriesOrNull(Node& node, ShardNumber number) {
  auto series = node.SeriesReplica(number);
  if (series.status().code() == Code::kInvalidArgument) return std::shared_ptr<shard::SeriesShard>();
  return series;
}

Result<VersionsRequest::Reply> VersionsIn(Node& node, ShardNumber number, const std::vector<std::string>& keys,
                                          const std::string& request) {
  ASSIGN_OR_RETURN(const auto series, SeriesOrNull(node, number));
  if (series != nullptr) {
    const std::vector<Version> highest(keys.size(), series->engine().max_version());
    return VersionsRequest::Reply{highest, std::vector<bool>(keys.size()), std::nullopt, 0};
  }
  ASSIGN_OR_RETURN(const auto shard, node.Replica(number));
  ASSIGN_OR_RETURN(const std::vector<format::RegisterVersion> found, shard->engine().Versions(keys));
  VersionsRequest::Reply reply;
  for (const format::RegisterVersion& entry : found) {
    reply.versions.push_back(entry.version);
    reply.tombstones.push_back(entry.tombstone);
  }
  if (request.empty()) return reply;
  ASSIGN_OR_RETURN(const format::IdempotencyKey key, format::ParseIdempotencyKey(request));
  ASSIGN_OR_RETURN(const auto record, shard->engine().FindRequest(key));
  if (record) {
    reply.request = record->version;
    reply.content_hash = record->content_hash;
  }
  return reply;
}

Result<ReadRequest::Reply> ReadFrom(Node& node, ShardNumber number, const std::vector<std::string>& keys) {
  ASSIGN_OR_RETURN(const auto shard, node.Replica(number));
  ReadRequest::Reply reply;
  ASSIGN_OR_RETURN(reply.registers, shard->engine().ReadRegisters(keys));
  return reply;
}

Result<std::string> QuerySeriesOn(Node& node, const std::vector<ShardNumber>& numbers, const std::string& bytes) {
  ASSIGN_OR_RETURN(const shard::SeriesQuery query, shard::DecodeSeriesQuery(bytes));
  std::vector<shard::AskedSeries> shards;
  for (const ShardNumber number : numbers) {
    ASSIGN_OR_RETURN(const auto shard, node.SeriesReplica(number));
    shards.push_back({number, shard});
  }
  ASSIGN_OR_RETURN(const shard::SeriesQuery::Answer answer, shard::AnswerSeriesQuery(shards, query));
  return shard::EncodeSeriesAnswer(answer);
}

Result<std::string> QueryOn(Node& node, const std::vector<ShardNumber>& numbers, const std::string& bytes,
                            WorkerPool& pool) {
  if (!numbers.empty()) {
    ASSIGN_OR_RETURN(const auto first, SeriesOrNull(node, numbers[0]));
    if (first != nullptr) return QuerySeriesOn(node, numbers, bytes);
  }
  ASSIGN_OR_RETURN(const VectorQuery query, DecodeQuery(bytes));
  std::vector<AskedShard> shards;
  for (const ShardNumber number : numbers) {
    ASSIGN_OR_RETURN(const auto shard, node.Replica(number));
    shards.push_back({number, shard});
  }
  return AnswerQuery(shards, query, pool);
}

std::optional<int64_t> BeforeOf(const std::optional<Version>& below) {
  if (!below) return std::nullopt;
  return below->WallMs();
}

Status OpenIn(Node& node, const fabric::ShardSpec& wanted) {
  if (node.Replica(wanted.shard).status().code() != Code::kNotFound) {
    return Status::AlreadyExists("a replica of shard " + std::to_string(wanted.shard) + " is here");
  }
  ReplicaSpec spec;
  if (wanted.collection.kind == fabric::ShardKind::kSeries) {
    spec.kind = ReplicaKind::kSeries;
  } else {
    RETURN_IF_ERROR(DecodeSpec(wanted.collection.spec, spec.spec));
  }
  spec.spec.name = wanted.collection.name;
  spec.spec.shards = wanted.collection.partitions;
  spec.spec.replication_factor = wanted.collection.factor;
  spec.collection = wanted.collection.id;
  spec.partition = wanted.shard - wanted.collection.first_shard;
  spec.shard = wanted.shard;
  spec.since = wanted.since;
  spec.complete = wanted.complete;
  return node.AddReplica(spec);
}

}  // namespace

NodeStore::NodeStore(fabric::Loop& loop, Node& node, NodeStoreOptions options)
    : node_(node),
      options_(options),
      query_threads_(QueryThreads(options.query_threads)),
      outstanding_(loop),
      writes_("store-write", options.write_threads, options.queue_len_max),
      keys_("store-keys", options.key_threads, options.queue_len_max),
      queries_("store-query", query_threads_, options.queue_len_max),
      background_("store-back", options.background_threads, options.queue_len_max, true) {}

template <typename R>
Task<R> NodeStore::Run(WorkerPool& lane, std::function<R()> call) {
  co_return co_await outstanding_.Call<R>([this, &lane, &call](std::function<void(R)> done) {
    const int64_t asked_ns = SystemClock().MonotonicNs();
    const int64_t patience_ns = &lane == &background_ ? INT64_MAX : options_.queue_wait_ms_max * 1'000'000;
    std::function<void()> task = [call = std::move(call), done, asked_ns, patience_ns] {
      if (SystemClock().MonotonicNs() - asked_ns <= patience_ns) return done(call());
      done(Status::ResourceExhausted("it waited for this member's disk for longer than anybody waits for it"));
    };
    if (!lane.TrySubmit(task)) done(Status::ResourceExhausted("too much waits for this member's disk already"));
  });
}

Task<Status> NodeStore::Apply(ShardNumber shard, std::string batch) {
  return Run<Status>(writes_, [this, shard, batch = std::move(batch)] { return ApplyTo(node_, shard, batch); });
}

Task<Result<VersionsRequest::Reply>> NodeStore::Versions(ShardNumber shard, std::vector<std::string> keys,
                                                         std::string request) {
  return Run<Result<VersionsRequest::Reply>>(keys_,
                                             [this, shard, keys = std::move(keys), request = std::move(request)] {
                                               return VersionsIn(node_, shard, keys, request);
                                             });
}

Task<Result<ReadRequest::Reply>> NodeStore::Read(ShardNumber shard, std::vector<std::string> keys) {
  return Run<Result<ReadRequest::Reply>>(
      keys_, [this, shard, keys = std::move(keys)] { return ReadFrom(node_, shard, keys); });
}

Task<Result<std::string>> NodeStore::Query(std::vector<ShardNumber> shards, std::string query) {
  return Run<Result<std::string>>(queries_, [this, shards = std::move(shards), query = std::move(query)] {
    return QueryOn(node_, shards, query, queries_);
  });
}

Task<Result<format::RangeDigest>> NodeStore::Digest(ShardNumber shard, uint32_t bits, std::optional<Version> below) {
  return Run<Result<format::RangeDigest>>(background_, [this, shard, bits, below]() -> Result<format::RangeDigest> {
    ASSIGN_OR_RETURN(const auto series, SeriesOrNull(node_, shard));
    if (series != nullptr) return series->digests().Compute(bits, BeforeOf(below));
    ASSIGN_OR_RETURN(const auto found, node_.Replica(shard));
    return found->engine().Digest(bits, below);
  });
}

Task<Result<format::InventoryPage>> NodeStore::Inventory(InventoryRequest request) {
  return Run<Result<format::InventoryPage>>(
      background_, [this, request = std::move(request)]() -> Result<format::InventoryPage> {
        ASSIGN_OR_RETURN(const auto found, node_.Replica(request.target.shard));
        return found->engine().Inventory(request.leaves, request.bits, request.after, request.limit);
      });
}

Task<Status> NodeStore::Collect(ShardNumber shard, Version below) {
  return Run<Status>(background_, [this, shard, below]() -> Status {
    ASSIGN_OR_RETURN(const auto found, node_.Replica(shard));
    return found->engine().CollectTombstones(below);
  });
}

Task<Result<format::RequestPage>> NodeStore::Requests(ShardNumber shard, std::string after, uint32_t limit) {
  return Run<Result<format::RequestPage>>(
      background_, [this, shard, after = std::move(after), limit]() -> Result<format::RequestPage> {
        ASSIGN_OR_RETURN(const auto series, SeriesOrNull(node_, shard));
        if (series != nullptr) return format::RequestPage{};  // samples have no requests to remember
        ASSIGN_OR_RETURN(const auto found, node_.Replica(shard));
        return found->engine().Requests(after, limit);
      });
}

Task<Result<fabric::ScanRequest::Reply>> NodeStore::Scan(fabric::ScanRequest request) {
  using Reply = Result<fabric::ScanRequest::Reply>;
  return Run<Reply>(background_, [this, request = std::move(request)]() -> Reply {
    ASSIGN_OR_RETURN(const auto series, node_.SeriesReplica(request.target.shard));
    series::LeafScan scan;
    scan.bits = request.bits;
    scan.leaves = request.leaves;
    scan.before_ms = BeforeOf(request.below);
    scan.after = request.after;
    ASSIGN_OR_RETURN(series::LeafPage page, series::ScanLeaves(series->engine(), scan));
    return fabric::ScanRequest::Reply{std::move(page.records), page.samples, std::move(page.next)};
  });
}

Task<Result<std::vector<std::string>>> NodeStore::Join(ShardNumber, std::vector<std::string> records) {
  using Joined = Result<std::vector<std::string>>;
  return Run<Joined>(background_, [records = std::move(records)]() -> Joined {
    series::SampleUnion all;
    for (const std::string& record : records) RETURN_IF_ERROR(all.Add(record));
    return all.Join();
  });
}

Task<Status> NodeStore::Probe() {
  return Run<Status>(writes_, [this] { return node_.ProbeDisk(); });
}

Task<Status> NodeStore::Open(fabric::ShardSpec spec) {
  return Run<Status>(background_, [this, spec = std::move(spec)] { return OpenIn(node_, spec); });
}

Task<Status> NodeStore::MarkComplete(ShardNumber shard, uint64_t since) {
  return Run<Status>(background_, [this, shard, since] { return node_.MarkReplicaComplete(shard, since); });
}

Task<Status> NodeStore::Drop(ShardNumber shard) {
  return Run<Status>(background_, [this, shard] { return node_.DropReplica(shard); });
}

std::vector<fabric::ReplicaStore::Held> NodeStore::List() {
  std::vector<Held> held;
  for (const ReplicaInfo& info : node_.Replicas()) {
    held.push_back({info.spec.shard, info.spec.collection, info.spec.since, info.spec.complete, info.damage,
                    info.refusal, info.points, info.documents});
  }
  return held;
}

uint32_t NodeStore::LoadPermille() const {
  const WorkerPool::Load queries = queries_.load();
  const WorkerPool::Load writes = writes_.load();
  const auto share = [](const WorkerPool::Load& load, uint32_t threads) {
    return (load.queued + load.running) * 1'000 / threads;
  };
  const size_t busiest = std::max(share(queries, query_threads_), share(writes, options_.write_threads));
  return static_cast<uint32_t>(std::min<size_t>(busiest, 1'000));
}

}  // namespace rhizome::cluster
