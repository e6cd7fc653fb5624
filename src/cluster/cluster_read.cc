// Reads of a cluster but the search: registers by key, pages in id order, counts, documents.
#include <algorithm>
#include <set>
#include <utility>

#include "cluster/cluster.h"
#include "cluster/cluster_parts.h"
#include "cluster/routing.h"
#include "format/register.h"

namespace rhizome::cluster {

using fabric::Level;
using fabric::ReadCommand;
using fabric::VersionsRequest;
using format::Operation;
using format::PointId;
using format::PutDocument;

namespace {

// The commands that ask each partition about its keys.
std::map<uint32_t, ReadCommand> SplitKeys(const std::map<std::string, uint32_t>& partition_of_key) {
  std::map<uint32_t, ReadCommand> commands;
  for (const auto& [key, partition] : partition_of_key) commands[partition].keys.push_back(key);
  return commands;
}

std::string DocumentKey(const PointId& id) { return "d" + id.Encode(); }

// The point `id` as its register has it: the register's own point, or that of a document's chunks.
std::optional<StoredPointView> PointIn(const Operation& operation, const PointId& id, bool with_vector) {
  std::optional<StoredPointView> found;
  if (const auto* upsert = std::get_if<format::UpsertPoint>(&operation.body)) {
    found = {upsert->point, operation.version};
  } else if (const auto* put = std::get_if<PutDocument>(&operation.body)) {
    const auto chunk = std::find_if(put->chunks.begin(), put->chunks.end(),
                                    [&](const format::Point& point) { return point.id == id; });
    if (chunk != put->chunks.end()) found = {*chunk, operation.version};
  }
  if (found && !with_vector) found->point.vector.clear();
  return found;
}

}  // namespace

Result<std::map<std::string, Operation>> Cluster::ReadRegisters(
    const Call& call, const std::map<std::string, uint32_t>& partition_of_key) {
  std::vector<LoopCalls::Start<Result<Registers>>> starts;
  const std::map<uint32_t, ReadCommand> commands = SplitKeys(partition_of_key);
  for (auto [partition, command] : commands) {
    command.shard = call.view.ShardOf(partition);
    command.level = call.level;
    command.context = call.context;
    starts.push_back([this, command = std::move(command)] { return parts_.member.coordinator().Read(command); });
  }
  std::vector<Result<Registers>> answers = parts_.calls.All<Result<Registers>>(std::move(starts));
  std::map<std::string, Operation> found;
  size_t next = 0;
  for (const auto& [partition, command] : commands) {
    Result<Registers>& answer = answers[next++];
    if (!answer.ok()) return answer.status().Annotate(call.view.Name(partition));
    for (size_t i = 0; i < command.keys.size(); ++i) {
      if ((*answer)[i]) found.emplace(command.keys[i], std::move(*(*answer)[i]));
    }
  }
  return found;
}

Cluster::NewestVersions Cluster::Newest(const Call& call, const std::map<std::string, uint32_t>& partition_of_key,
                                        std::map<uint32_t, Status>& failed) {
  using Versions = Result<VersionsRequest::Reply>;
  std::vector<LoopCalls::Start<Versions>> starts;
  const std::map<uint32_t, ReadCommand> commands = SplitKeys(partition_of_key);
  for (auto [partition, command] : commands) {
    command.shard = call.view.ShardOf(partition);
    command.level = call.level;
    command.context = call.context;
    starts.push_back([this, command = std::move(command)] { return parts_.member.coordinator().Versions(command); });
  }
  const std::vector<Versions> answers = parts_.calls.All<Versions>(std::move(starts));
  NewestVersions newest;
  size_t next = 0;
  for (const auto& [partition, command] : commands) {
    const Versions& answer = answers[next++];
    if (!answer.ok()) {
      failed.emplace(partition, answer.status().Annotate(call.view.Name(partition)));
      continue;
    }
    for (size_t i = 0; i < command.keys.size(); ++i) {
      if (!answer->tombstones[i]) newest[command.keys[i]] = answer->versions[i];
    }
  }
  return newest;
}

Result<std::vector<std::optional<StoredPointView>>> Cluster::Get(const std::string& collection,
                                                                 std::span<const PointId> ids, bool with_vector,
                                                                 const ReadOptions& options) {
  ASSIGN_OR_RETURN(const Call call, Begin(collection, options, Level::kQuorum));
  std::map<std::string, uint32_t> keys;
  for (const PointId& id : ids) keys.emplace(format::RegisterOf(id), call.view.PartitionOf(id));
  ASSIGN_OR_RETURN(const auto registers, ReadRegisters(call, keys));
  std::vector<std::optional<StoredPointView>> found;
  for (const PointId& id : ids) {
    const auto it = registers.find(format::RegisterOf(id));
    found.push_back(it == registers.end() ? std::nullopt : PointIn(it->second, id, with_vector));
  }
  return found;
}

Result<std::optional<format::StoredDocument>> Cluster::GetDocument(const std::string& collection, const PointId& id,
                                                                   const ReadOptions& options) {
  ASSIGN_OR_RETURN(const Call call, Begin(collection, options, Level::kQuorum));
  const std::string key = DocumentKey(id);
  ASSIGN_OR_RETURN(const auto registers, ReadRegisters(call, {{key, call.view.PartitionOf(id)}}));
  const auto it = registers.find(key);
  if (it == registers.end()) return std::optional<format::StoredDocument>();
  const auto* put = std::get_if<PutDocument>(&it->second.body);
  if (put == nullptr) return std::optional<format::StoredDocument>();
  return std::optional<format::StoredDocument>({it->second.version, false, put->record});
}

Result<std::optional<PointId>> Cluster::FindContent(const std::string& collection,
                                                    std::pair<uint64_t, uint64_t> content_hash,
                                                    const ReadOptions& options) {
  ASSIGN_OR_RETURN(Call call, Begin(collection, options, Level::kQuorum));
  std::map<uint32_t, Status> failed;
  std::set<PointId> holders;
  for (const ContentQuery::Reply& reply : Ask(call, ContentQuery{content_hash}, failed)) {
    holders.insert(reply.holders.begin(), reply.holders.end());
  }
  RETURN_IF_ERROR(FirstFailure(failed));
  // A replica that was away may name a document that has been deleted or changed since.
  for (const PointId& holder : holders) {
    ASSIGN_OR_RETURN(const auto stored, GetDocument(collection, holder, options));
    if (stored && stored->record.content_hash == content_hash) return std::optional<PointId>(holder);
  }
  return std::optional<PointId>();
}

// At one the members' pages are merged as they are. Above, several members tell of the same ids: a page that was cut
// says nothing of what lies behind its end, so only ids up to the nearest such end are taken, and of those what a
// majority still holds in that version.
Result<ScrollQuery::Reply> Cluster::Page(Call& call, const ScrollQuery& query) {
  std::map<uint32_t, Status> failed;
  std::vector<ScrollQuery::Reply> replies = Ask(call, query, failed);
  RETURN_IF_ERROR(FirstFailure(failed));
  ScrollQuery::Reply page;
  std::optional<std::string> end;
  std::map<std::string, StoredPointView> merged;
  for (ScrollQuery::Reply& reply : replies) {
    if (reply.more && !reply.points.empty()) {
      const std::string last = reply.points.back().point.id.Encode();
      if (!end || last < *end) end = last;
      page.more = true;
    }
    for (StoredPointView& stored : reply.points) {
      StoredPointView& kept = merged[stored.point.id.Encode()];
      if (kept.version <= stored.version) kept = std::move(stored);
    }
  }
  if (end) merged.erase(merged.upper_bound(*end), merged.end());
  NewestVersions newest;
  if (call.level != Level::kOne) {
    std::map<std::string, uint32_t> keys;
    for (const auto& [encoded, stored] : merged) {
      keys.emplace(format::RegisterOf(stored.point.id), call.view.PartitionOf(stored.point.id));
    }
    newest = Newest(call, keys, failed);
    RETURN_IF_ERROR(FirstFailure(failed));
  }
  for (auto& [encoded, stored] : merged) {
    if (call.level != Level::kOne) {
      const auto known = newest.find(format::RegisterOf(stored.point.id));
      if (known == newest.end() || stored.version < known->second) continue;
    }
    page.points.push_back(std::move(stored));
  }
  // Where nothing of a cut page is left, the walk still goes on behind its end.
  if (page.more && page.points.empty() && end) {
    ScrollQuery next = query;
    ASSIGN_OR_RETURN(next.request.after, PointId::Decode(*end));
    return Page(call, next);
  }
  return page;
}

Result<ScrollResponse> Cluster::Scroll(const ScrollRequest& request, const ReadOptions& options) {
  RETURN_IF_ERROR(ValidateScroll(request));
  ASSIGN_OR_RETURN(Call call, Begin(request.collection, options, Level::kOne));
  ASSIGN_OR_RETURN(ScrollQuery::Reply page, Page(call, ScrollQuery{request, false}));
  ScrollResponse response{std::move(page.points), {}};
  if (response.points.size() > request.limit) {
    response.points.resize(request.limit);
    page.more = true;
  }
  if (page.more && !response.points.empty()) response.next = response.points.back().point.id;
  return response;
}

Result<uint64_t> Cluster::Count(const std::string& collection, const vector::Filter* filter,
                                const ReadOptions& options) {
  ASSIGN_OR_RETURN(Call call, Begin(collection, options, Level::kOne));
  std::shared_ptr<const vector::Filter> shared;
  if (filter != nullptr) shared = std::make_shared<vector::Filter>(*filter);
  uint64_t total = 0;
  if (call.level == Level::kOne) {
    std::map<uint32_t, Status> failed;
    std::map<uint32_t, uint64_t> counts;  // a shard may have been asked twice
    for (const CountQuery::Reply& reply : Ask(call, CountQuery{shared}, failed)) {
      for (const auto& count : reply.shards) counts[count.shard] = count.points;
    }
    RETURN_IF_ERROR(FirstFailure(failed));
    for (const auto& [shard, points] : counts) total += points;
    return total;
  }
  ScrollQuery query;
  query.request.collection = collection;
  query.request.limit = kPageMax;
  query.request.filter = shared;
  query.ids_only = true;
  while (true) {
    ASSIGN_OR_RETURN(const ScrollQuery::Reply page, Page(call, query));
    total += page.points.size();
    if (!page.more || page.points.empty()) return total;
    query.request.after = page.points.back().point.id;
  }
}

}  // namespace rhizome::cluster
