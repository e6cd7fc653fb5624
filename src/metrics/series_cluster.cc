#include "metrics/series_cluster.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/task.h"

namespace rhizome::metrics {
namespace {

using cluster::CallOptions;
using cluster::Consistency;
using cluster::LoopCalls;
using fabric::CollectionRecord;
using fabric::WriteReceipt;
using shard::SeriesQuery;

constexpr int64_t kDefaultTimeoutNs = 30'000'000'000;
// An answer of all partitions of a member together, and of one alone: messages take 64 MiB.
constexpr uint64_t kTogetherBytesMax = 16ULL << 20;
constexpr uint64_t kAloneBytesMax = 60ULL << 20;

fabric::CallContext ContextOf(const CallOptions& options) {
  fabric::CallContext context;
  context.deadline_ns = options.deadline_ns > 0 ? options.deadline_ns : SystemClock().MonotonicNs() + kDefaultTimeoutNs;
  context.request_id = options.request_id;
  context.traceparent = options.traceparent;
  return context;
}

fabric::Level LevelOf(Consistency consistency) {
  switch (consistency) {
    case Consistency::kOne: return fabric::Level::kOne;
    case Consistency::kAll: return fabric::Level::kAll;
    default: return fabric::Level::kQuorum;
  }
}

Task<Result<fabric::QueryAnswers>> AsResult(Task<fabric::QueryAnswers> answers) {
  co_return co_await std::move(answers);
}

std::string PartitionName(uint32_t partition) { return "partition " + std::to_string(partition) + " of the metrics"; }

}  // namespace

// What the topology says here, or what coordination says if there is none here.
Task<Result<std::optional<CollectionRecord>>> SeriesCluster::Find(bool fresh) {
  for (const bool refreshed : {false, true}) {
    if (refreshed || fresh) {
      const Status status = co_await member_.directory().Refresh();
      if (!status.ok()) co_return Status::Unavailable("where metrics are is not known: " + status.ToString());
    }
    const fabric::TopologyPointer topology = member_.directory().Now();
    const auto known = topology->collections.find(kName);
    if (known != topology->collections.end()) co_return std::optional(known->second.value);
  }
  co_return std::optional<CollectionRecord>();
}

Result<std::optional<uint32_t>> SeriesCluster::Partitions() {
  using Found = Result<std::optional<CollectionRecord>>;
  ASSIGN_OR_RETURN(const auto found, calls_.One<Found>([this] { return Find(false); }));
  if (!found) return std::optional<uint32_t>();
  return std::optional(found->partitions);
}

Result<uint32_t> SeriesCluster::MakePartitions() {
  ASSIGN_OR_RETURN(const auto there, Partitions());
  if (there) return *there;
  fabric::NewCollection wanted{kName, defaults_.shards, defaults_.replication_factor, ""};
  wanted.kind = fabric::ShardKind::kSeries;
  const auto made = calls_.One<Result<CollectionRecord>>([this, wanted] { return member_.Create(wanted); });
  if (made.ok()) return made->partitions;
  if (made.status().code() == Code::kAlreadyExists) {
    ASSIGN_OR_RETURN(const auto others, Partitions());
    if (others) return *others;
  }
  return Status::Unavailable("there is no place for metrics yet: " + made.status().ToString());
}

Status SeriesCluster::Append(std::vector<std::string> records, bool after_all, const CallOptions& options) {
  using Found = Result<std::optional<CollectionRecord>>;
  ASSIGN_OR_RETURN(const auto collection, calls_.One<Found>([this] { return Find(false); }));
  if (!collection) return Status::NotFound("there are no metrics yet");
  CHECK(records.size() == collection->partitions);
  std::vector<LoopCalls::Start<Result<WriteReceipt>>> starts;
  std::vector<uint32_t> partitions;
  for (uint32_t p = 0; p < records.size(); ++p) {
    if (records[p].empty()) continue;
    fabric::AppendCommand command{collection->first_shard + p, std::move(records[p]), after_all,
                                  LevelOf(options.consistency), ContextOf(options)};
    starts.push_back(
        [this, command = std::move(command)]() mutable { return member_.coordinator().Append(std::move(command)); });
    partitions.push_back(p);
  }
  const auto receipts = calls_.All<Result<WriteReceipt>>(std::move(starts));
  Status worst;
  for (size_t i = 0; i < receipts.size(); ++i) {
    const Status status = receipts[i].status().Annotate(PartitionName(partitions[i]));
    if (worst.ok() || status.code() == Code::kDeadlineExceeded) worst = status.ok() ? worst : status;
  }
  return worst;
}

Result<SeriesCluster::Answers> SeriesCluster::AskSome(const CollectionRecord& collection,
                                                      const std::vector<uint32_t>& partitions, const SeriesQuery& query,
                                                      const CallOptions& options) {
  fabric::QueryCommand command;
  for (const uint32_t p : partitions) command.shards.push_back(collection.first_shard + p);
  command.query = shard::EncodeSeriesQuery(query);
  command.level = fabric::Level::kQuorum;
  command.context = ContextOf(options);
  ASSIGN_OR_RETURN(const fabric::QueryAnswers answers, calls_.One<Result<fabric::QueryAnswers>>([this, command] {
    return AsResult(member_.coordinator().Query(command));
  }));
  for (const auto& [shard, status] : answers.failed) {
    return Status::Unavailable(PartitionName(shard - collection.first_shard) + ": " + status.ToString());
  }
  Answers all(collection.partitions);
  for (const fabric::QueryAnswers::Part& answer : answers.parts) {
    auto decoded = shard::DecodeSeriesAnswer(answer.answer);
    if (!decoded.ok()) return decoded.status().Annotate("member " + std::to_string(answer.member));
    for (SeriesQuery::Part& part : decoded->parts) {
      if (std::find(command.shards.begin(), command.shards.end(), part.shard) == command.shards.end()) {
        return Status::Corruption("member " + std::to_string(answer.member) + " answered about another shard");
      }
      all[part.shard - collection.first_shard].push_back(std::move(part));
    }
  }
  return all;
}

Result<SeriesCluster::Answers> SeriesCluster::Ask(SeriesQuery query, const CallOptions& options) {
  using Found = Result<std::optional<CollectionRecord>>;
  ASSIGN_OR_RETURN(const auto collection, calls_.One<Found>([this] { return Find(false); }));
  if (!collection) return Answers{};
  std::vector<uint32_t> partitions(collection->partitions);
  for (uint32_t p = 0; p < partitions.size(); ++p) partitions[p] = p;
  query.bytes_max = kTogetherBytesMax;
  ASSIGN_OR_RETURN(Answers all, AskSome(*collection, partitions, query, options));
  const auto too_much = [](const SeriesQuery::Part& part) { return part.too_much; };
  query.bytes_max = kAloneBytesMax;
  for (uint32_t p = 0; p < partitions.size(); ++p) {
    if (std::none_of(all[p].begin(), all[p].end(), too_much)) continue;
    ASSIGN_OR_RETURN(Answers alone, AskSome(*collection, {p}, query, options));
    all[p] = std::move(alone[p]);
    if (std::none_of(all[p].begin(), all[p].end(), too_much)) continue;
    return Status::ResourceExhausted("the query reads more than " + std::to_string(kAloneBytesMax >> 20) +
                                     " MiB of samples of " + PartitionName(p) + ": ask for fewer series or less time");
  }
  return all;
}

}  // namespace rhizome::metrics
