#include "cluster/merge.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "engines/vector/fusion.h"

namespace rhizome::cluster {

using vector::Candidate;
using vector::Candidates;
using vector::RankedList;
using vector::ScoredSlot;
using vector::Slot;

namespace {

constexpr uint32_t kFusionDepthMin = 100;
constexpr uint32_t kChunksPerDocument = 4;  // looked at for each document wanted

bool Better(const Candidate& a, const Candidate& b) { return a.score != b.score ? a.score > b.score : a.id < b.id; }

// Fusion knows slots; here a slot is the place of an id in `ids`.
class IdNumbers {
 public:
  RankedList Number(const std::vector<Candidate>& candidates) {
    RankedList list;
    for (const Candidate& candidate : candidates) {
      const auto [it, inserted] = numbers_.try_emplace(candidate.id.Encode(), static_cast<Slot>(ids_.size()));
      if (inserted) ids_.push_back(candidate.id);
      list.slots.push_back({it->second, candidate.score});
    }
    return list;
  }
  const format::PointId& id(Slot number) const { return ids_[number]; }

 private:
  std::unordered_map<std::string, Slot> numbers_;
  std::vector<format::PointId> ids_;
};

// Each leg was asked for its best `depth`.
std::vector<Candidate> Fuse(const std::vector<Candidate>& dense, const std::vector<Candidate>& text, uint32_t depth) {
  IdNumbers numbers;
  RankedList lists[] = {numbers.Number(dense), numbers.Number(text)};
  if (text.size() < depth) lists[1].absent_score = 0;  // these are all with a word of the query
  std::vector<Candidate> fused;
  for (const ScoredSlot& scored : vector::FuseByScore(lists, size_t{depth} * 2))
    fused.push_back({numbers.id(scored.slot), scored.score});
  return fused;
}

}  // namespace

uint32_t CandidateDepth(const SearchRequest& request) {
  uint32_t depth = request.top_k;
  if (request.one_per_document) depth *= kChunksPerDocument;
  if (request.mode == SearchMode::kHybrid) depth = std::max(depth, kFusionDepthMin);
  return depth;
}

std::vector<Candidate> MergeByScore(std::vector<std::vector<Candidate>> lists, size_t limit) {
  std::vector<Candidate> merged;
  for (std::vector<Candidate>& list : lists) {
    merged.insert(merged.end(), std::make_move_iterator(list.begin()), std::make_move_iterator(list.end()));
  }
  std::stable_sort(merged.begin(), merged.end(), Better);
  if (merged.size() > limit) merged.resize(limit);
  return merged;
}

std::vector<Candidate> Rank(const SearchRequest& request, std::vector<Candidates> answers) {
  const uint32_t depth = CandidateDepth(request);
  std::vector<std::vector<Candidate>> dense_lists, text_lists;
  for (Candidates& answer : answers) {
    dense_lists.push_back(std::move(answer.dense));
    text_lists.push_back(std::move(answer.text));
  }
  std::vector<Candidate> dense = MergeByScore(std::move(dense_lists), depth);
  std::vector<Candidate> text = MergeByScore(std::move(text_lists), depth);
  std::vector<Candidate> ranked = request.mode == SearchMode::kDense  ? std::move(dense)
                                  : request.mode == SearchMode::kText ? std::move(text)
                                                                      : Fuse(dense, text, depth);
  std::vector<Candidate> chosen;
  std::unordered_set<std::string> documents;
  for (Candidate& candidate : ranked) {
    if (chosen.size() == request.top_k) break;
    if (request.min_score && candidate.score < *request.min_score) continue;
    if (request.one_per_document && !documents.insert(candidate.id.RoutingKey()).second) continue;
    chosen.push_back(std::move(candidate));
  }
  return chosen;
}

}  // namespace rhizome::cluster
