// THE read path of a cluster: gather candidates, let a majority say what is superseded, rank, show.
#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/steps.h"
#include "cluster/cluster.h"
#include "cluster/cluster_parts.h"
#include "cluster/merge.h"
#include "engines/vector/graph_index.h"
#include "format/register.h"

namespace rhizome::cluster {

using fabric::Level;
using format::PointId;
using vector::Candidate;

namespace {

// Candidates beyond what an answer needs, so that a few superseded ones do not cost a second round.
constexpr uint32_t kSpare = 16;
constexpr int kRoundsMax = 6;

Status ValidateVectorFor(const CollectionSpec& spec, const SearchRequest& request) {
  if (request.mode == SearchMode::kText) return Status::Ok();
  if (spec.dimension == 0) return Status::InvalidArgument("vector", "the collection has no vectors, only text");
  return vector::ValidateVector(request.vector, spec.dimension, spec.metric, "vector");
}

}  // namespace

// One search on its way: what the members said, and what is left of it.
struct Cluster::SearchRound {
  uint32_t depth = 0;
  std::vector<SearchQuery::Reply> replies;
  std::map<uint32_t, Status> failed;
  NewestVersions newest;                                    // above one
  std::unordered_map<std::string, StoredPointView> points;  // by encoded id, the newest seen
  std::vector<Candidate> ranked;

  void Keep(std::vector<StoredPointView> found) {
    for (StoredPointView& stored : found) {
      StoredPointView& kept = points[stored.point.id.Encode()];
      if (kept.version <= stored.version) kept = std::move(stored);
    }
  }
};

void Cluster::Gather(Call& call, const SearchRequest& request, SearchRound& round) {
  const Step step("gather");
  SearchQuery query;
  query.request = request;
  query.depth = round.depth;
  query.with_versions = call.level != Level::kOne;
  round.failed.clear();
  round.replies = Ask(call, query, round.failed);
  for (SearchQuery::Reply& reply : round.replies) round.Keep(std::move(reply.points));
  if (call.level == Level::kOne) return;
  std::map<std::string, uint32_t> keys;
  for (const SearchQuery::Reply& reply : round.replies) {
    for (const auto* leg : {&reply.dense, &reply.text}) {
      for (const SearchQuery::Candidate& candidate : *leg) {
        keys.emplace(format::RegisterOf(candidate.id), call.view.PartitionOf(candidate.id));
      }
    }
  }
  round.newest = Newest(call, keys, round.failed);
}

// Ranks what is not superseded. False when so much was that better candidates may lie deeper.
bool Cluster::Settle(const Call& call, const SearchRequest& request, SearchRound& round) {
  const Step step("settle");
  const bool checks = call.level != Level::kOne;
  const uint32_t needed = CandidateDepth(request);
  bool enough = true;
  // Each leg once per id: a shard may have answered through several members.
  const auto living = [&](const std::vector<SearchQuery::Candidate>& leg,
                          std::unordered_map<std::string, Candidate>& best) {
    size_t left = 0;
    for (const SearchQuery::Candidate& candidate : leg) {
      if (checks) {
        const auto newest = round.newest.find(format::RegisterOf(candidate.id));
        if (newest == round.newest.end() || candidate.version < newest->second) continue;
      }
      ++left;
      Candidate& kept = best.try_emplace(candidate.id.Encode(), Candidate{candidate.id, candidate.score}).first->second;
      kept.score = std::max(kept.score, candidate.score);
    }
    if (checks && round.failed.empty() && leg.size() >= round.depth && left < needed) enough = false;
  };
  std::unordered_map<std::string, Candidate> dense, text;
  for (const SearchQuery::Reply& reply : round.replies) {
    living(reply.dense, dense);
    living(reply.text, text);
  }
  vector::Candidates merged;
  for (auto& [id, candidate] : dense) merged.dense.push_back(std::move(candidate));
  for (auto& [id, candidate] : text) merged.text.push_back(std::move(candidate));
  std::vector<vector::Candidates> answers;
  answers.push_back(std::move(merged));
  round.ranked = Rank(request, std::move(answers));
  return enough;
}

// Shows the ranked points; asks for those that no member had among its own best.
void Cluster::Fill(Call& call, const SearchRequest& request, SearchRound& round, SearchResponse& response) {
  const Step step("fill");
  const bool wants_points = request.with_payload || request.with_vector;
  const auto current = [&](const PointId& id) -> const StoredPointView* {
    const auto found = round.points.find(id.Encode());
    if (found == round.points.end()) return nullptr;
    if (call.level == Level::kOne) return &found->second;
    const auto newest = round.newest.find(format::RegisterOf(id));
    return newest == round.newest.end() || found->second.version < newest->second ? nullptr : &found->second;
  };
  FetchQuery missing{{}, request.with_payload, request.with_vector};
  for (const Candidate& candidate : round.ranked) {
    if (wants_points && current(candidate.id) == nullptr) missing.ids.push_back(candidate.id);
  }
  if (!missing.ids.empty()) {
    std::map<uint32_t, Status> failed;
    for (FetchQuery::Reply& reply : Ask(call, missing, failed)) round.Keep(std::move(reply.points));
    for (const PointId& id : missing.ids) {
      const auto failure = failed.find(call.view.PartitionOf(id));
      if (failure != failed.end()) round.failed.insert(*failure);
    }
  }
  for (const Candidate& candidate : round.ranked) {
    Hit hit{candidate.id, candidate.score, {}, {}, {}, {}};
    if (wants_points) {
      const StoredPointView* stored = current(candidate.id);
      if (stored == nullptr) continue;  // deleted since it was found
      hit.title = stored->point.title;
      hit.text = stored->point.text;
      hit.payload = stored->point.payload;
      hit.vector = stored->point.vector;
    }
    response.hits.push_back(std::move(hit));
  }
}

Result<SearchResponse> Cluster::Search(const SearchRequest& request, const ReadOptions& options) {
  RETURN_IF_ERROR(ValidateSearch(request));
  ASSIGN_OR_RETURN(Call call, Begin(request.collection, options, Level::kOne));
  RETURN_IF_ERROR(ValidateVectorFor(call.view.spec, request));
  SearchRound round;
  round.depth = CandidateDepth(request) + (call.level == Level::kOne ? 0 : kSpare);
  for (int count = 0; count < kRoundsMax; ++count) {
    Gather(call, request, round);
    if (Settle(call, request, round) || round.depth >= kDepthMax / 2) break;
    round.depth *= 2;
  }
  SearchResponse response;
  Fill(call, request, round, response);
  for (const auto& [partition, status] : round.failed) response.failed_partitions.push_back(partition);
  const bool nothing = round.failed.size() == call.view.record.partitions;
  if (nothing || (options.all_or_error && !round.failed.empty())) return FirstFailure(round.failed);
  return response;
}

}  // namespace rhizome::cluster
