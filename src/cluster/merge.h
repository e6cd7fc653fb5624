// Merging what the partitions of a collection answered into one ranking. Pure functions.
#pragma once

#include <vector>

#include "cluster/node.h"
#include "engines/vector/engine.h"

namespace rhizome::cluster {

// Candidates wanted of each leg so that `top_k` answers remain after fusing and, if asked for, grouping.
uint32_t CandidateDepth(const SearchRequest& request);

// One list from those of all partitions, best first; at most `limit` long.
std::vector<vector::Candidate> MergeByScore(std::vector<std::vector<vector::Candidate>> lists, size_t limit);

// The ranking the request asks for: one leg as it is, or both fused; cut by min_score, one_per_document and top_k.
std::vector<vector::Candidate> Rank(const SearchRequest& request, std::vector<vector::Candidates> answers);

}  // namespace rhizome::cluster
