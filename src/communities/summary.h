// Summaries without a model: the sentences of a community's documents that speak of most of its entities. They are
// chosen once and kept as places (communities/book.h), and read as they stand when they are shown, so a summary never
// says what its documents do not say any more.
//
// Reads are bounded: of each community kMembersRead entities, kPassagesRead passages of each, kChunksRead chunks.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cluster/node.h"
#include "communities/book.h"
#include "engines/graph/types.h"
#include "extract/tokens.h"
#include "shard/graph_shards.h"

namespace rhizome::communities {

inline constexpr size_t kMembersRead = 16;
inline constexpr uint32_t kPassagesRead = 24;
inline constexpr size_t kChunksRead = 12;
inline constexpr size_t kSentencesMax = 3;

// A memory to read from.
struct Source {
  cluster::Node& node;
  std::string collection;
  std::shared_ptr<const shard::GraphShards> graph;
};

// `members`: the most central first, as many as there are or kMembersRead. Best first; none where no document speaks
// of them.
Result<std::vector<Citation>> ChooseSentences(const Source& source, std::span<const format::EntityId> members,
                                              extract::Tokenizer& tokenizer);

// The texts of citations as they are now, in their order; "" for what is not there any more.
Result<std::vector<std::string>> ReadSentences(const Source& source, std::span<const Citation> citations);

}  // namespace rhizome::communities
