#include "cluster/collection.h"

#include <algorithm>

#include "cluster/merge.h"
#include "cluster/routing.h"
#include "format/routing.h"

namespace rhizome::cluster {

using format::Operation;
using format::PointId;
using shard::PendingWrite;
using shard::Shard;
using vector::Candidate;
using vector::Candidates;

namespace {

// Numbers in "operations[i]" are those of the caller's batch, not of the partition's part of it.
Status Renumber(const Status& status, const std::vector<size_t>& positions) {
  constexpr std::string_view kStart = "operations[";
  const std::string_view field = status.field();
  if (!field.starts_with(kStart)) return status;
  const size_t close = field.find(']');
  const size_t local = std::stoul(std::string(field.substr(kStart.size(), close - kStart.size())));
  return Status(status.code(), std::string(status.message()),
                std::string(kStart) + std::to_string(positions[local]) + std::string(field.substr(close)));
}

}  // namespace

Collection::Collection(CatalogueEntry entry, std::vector<Partition> partitions)
    : entry_(std::move(entry)), partitions_(std::move(partitions)) {}

CollectionInfo Collection::Info() const {
  CollectionInfo info{entry_.spec, entry_.id, entry_.created_ms};
  for (const Partition& partition : partitions_) {
    if (partition.shard == nullptr) continue;
    info.points += partition.shard->engine().points();
    info.documents += partition.shard->engine().documents();
  }
  return info;
}

uint32_t Collection::PartitionOf(const PointId& id) const {
  return format::PartitionOf(id, static_cast<uint32_t>(partitions_.size()));
}

Result<Shard*> Collection::ShardOf(const PointId& id) const {
  const Partition& partition = partitions_[PartitionOf(id)];
  if (partition.shard == nullptr) return partition.damage;
  return partition.shard.get();
}

Result<bool> Collection::Repeats(const Partition& partition, const format::RequestStamp& request) const {
  ASSIGN_OR_RETURN(const auto known, partition.shard->engine().FindRequest(request.key));
  if (known && known->content_hash != request.content_hash) return OtherRequest();
  return known.has_value();
}

Status Collection::Write(std::vector<Operation> operations, shard::Stamp stamp,
                         const std::optional<format::RequestStamp>& request) {
  Parts<Operation> split(static_cast<uint32_t>(partitions_.size()));
  for (size_t i = 0; i < operations.size(); ++i) {
    const uint32_t partition = PartitionOf(operations[i].id());
    split.Add(partition, std::move(operations[i]), i);
  }
  auto& [parts, positions] = split;
  for (size_t p = 0; p < parts.size(); ++p) {
    if (parts[p].empty()) continue;
    if (partitions_[p].shard == nullptr) return partitions_[p].damage;
    const Shard& shard = *partitions_[p].shard;
    const bool brought = stamp == shard::Stamp::kKeep;
    RETURN_IF_ERROR(Renumber(brought ? shard.CheckMerge(parts[p]) : shard.Check(parts[p]), positions[p]));
    if (!request) continue;
    ASSIGN_OR_RETURN(const bool repeats, Repeats(partitions_[p], *request));
    if (repeats) parts[p].clear();
  }
  std::vector<std::pair<Shard*, PendingWrite>> pending;
  for (size_t p = 0; p < parts.size(); ++p) {
    if (parts[p].empty()) continue;
    Shard* shard = partitions_[p].shard.get();
    for (Operation& operation : parts[p]) {
      if (request) operation.request = request;
    }
    pending.emplace_back(shard, shard->Begin(std::move(parts[p]), stamp));
  }
  Status first_failure;
  size_t failed = 0;
  for (auto& [shard, write] : pending) {
    const Status status = shard->Finish(std::move(write));
    if (first_failure.ok()) first_failure = status;
    failed += status.ok() ? 0 : 1;
  }
  if (failed == 0 || failed == pending.size()) return first_failure;
  return Status::IoError("only some partitions took the write; repeat it: " + first_failure.ToString());
}

Result<SearchResponse> Collection::Search(const SearchRequest& request) const {
  vector::Query query;
  if (request.mode != SearchMode::kText) query.vector = request.vector;
  if (request.mode != SearchMode::kDense) query.text = request.text;
  query.depth = CandidateDepth(request);
  query.filter = request.filter.get();
  query.exact = request.exact;
  query.ef = request.ef;

  SearchResponse response;
  std::vector<Candidates> answers;
  for (const Partition& partition : partitions_) {
    if (partition.shard == nullptr) {
      response.failed_partitions.push_back(static_cast<uint32_t>(&partition - partitions_.data()));
      continue;
    }
    ASSIGN_OR_RETURN(Candidates answer, partition.shard->engine().Search(query));
    answers.push_back(std::move(answer));
  }
  if (answers.empty()) return partitions_[0].damage;

  const std::vector<Candidate> ranked = Rank(request, std::move(answers));
  return Fill(request, ranked, std::move(response));
}

Result<SearchResponse> Collection::Fill(const SearchRequest& request, const std::vector<Candidate>& ranked,
                                        SearchResponse response) const {
  std::vector<PointId> ids;
  for (const Candidate& candidate : ranked) ids.push_back(candidate.id);
  if (!request.with_payload && !request.with_vector) {
    for (const Candidate& candidate : ranked) response.hits.push_back({candidate.id, candidate.score, {}, {}, {}, {}});
    return response;
  }
  ASSIGN_OR_RETURN(auto points, Get(ids, request.with_vector));
  for (size_t i = 0; i < ranked.size(); ++i) {
    if (!points[i]) continue;  // deleted since it was found
    format::Point& point = points[i]->point;
    Hit hit{ranked[i].id, ranked[i].score, {}, {}, {}, std::move(point.vector)};
    if (request.with_payload) {
      hit.title = std::move(point.title);
      hit.text = std::move(point.text);
      hit.payload = std::move(point.payload);
    }
    response.hits.push_back(std::move(hit));
  }
  return response;
}

Result<std::vector<std::optional<StoredPointView>>> Collection::Get(std::span<const PointId> ids,
                                                                    bool with_vector) const {
  Parts<PointId> split(static_cast<uint32_t>(partitions_.size()));
  for (size_t i = 0; i < ids.size(); ++i) split.Add(PartitionOf(ids[i]), ids[i], i);
  const auto& [parts, positions] = split;
  std::vector<std::optional<StoredPointView>> found(ids.size());
  for (size_t p = 0; p < parts.size(); ++p) {
    if (parts[p].empty()) continue;
    if (partitions_[p].shard == nullptr) return partitions_[p].damage;
    ASSIGN_OR_RETURN(auto fetched, partitions_[p].shard->engine().Get(parts[p], with_vector));
    for (size_t i = 0; i < fetched.size(); ++i) {
      if (fetched[i]) found[positions[p][i]] = StoredPointView{std::move(fetched[i]->point), fetched[i]->version};
    }
  }
  return found;
}

Result<ScrollResponse> Collection::Scroll(const ScrollRequest& request) const {
  ScrollResponse response;
  bool more = false;
  for (const Partition& partition : partitions_) {
    if (partition.shard == nullptr) return partition.damage;
    ASSIGN_OR_RETURN(vector::Page page, partition.shard->engine().Scroll(request.after, request.limit,
                                                                         request.filter.get(), request.with_vector));
    more = more || page.next.has_value();
    for (vector::FetchedPoint& point : page.points) response.points.push_back({std::move(point.point), point.version});
  }
  // Each partition gave its first `limit`; the first of all of them are among these.
  std::sort(response.points.begin(), response.points.end(),
            [](const auto& a, const auto& b) { return a.point.id.Encode() < b.point.id.Encode(); });
  if (response.points.size() > request.limit) {
    response.points.resize(request.limit);
    more = true;
  }
  if (more && !response.points.empty()) response.next = response.points.back().point.id;
  return response;
}

Result<uint64_t> Collection::Count(const vector::Filter* filter) const {
  uint64_t total = 0;
  for (const Partition& partition : partitions_) {
    if (partition.shard == nullptr) return partition.damage;
    ASSIGN_OR_RETURN(const uint64_t count, partition.shard->engine().Count(filter));
    total += count;
  }
  return total;
}

Result<std::optional<format::StoredDocument>> Collection::GetDocument(const PointId& id) const {
  ASSIGN_OR_RETURN(const Shard* shard, ShardOf(id));
  return shard->engine().GetDocument(id);
}

Result<std::optional<PointId>> Collection::FindContent(std::pair<uint64_t, uint64_t> content_hash) const {
  for (const Partition& partition : partitions_) {
    if (partition.shard == nullptr) return partition.damage;
    ASSIGN_OR_RETURN(auto found, partition.shard->engine().FindContent(content_hash));
    if (found) return found;
  }
  return std::optional<PointId>();
}

}  // namespace rhizome::cluster
