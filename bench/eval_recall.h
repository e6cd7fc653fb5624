// The graph's part of ./dev eval: passages and entities of a corpus in memory, and what recall makes of the rankings of
// two searches.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "recall/passage_graph.h"
#include "recall/recall.h"

namespace rhizome::eval {

using Ranking = std::vector<std::string>;  // document ids, best first

struct EvalDocument {
  std::string id, title, text;
};

// What the searches by text and by meaning found for one query, to a depth of a hundred.
struct Searched {
  std::string query;
  recall::Leg text, dense;
};

class RecallEval {
 public:
  explicit RecallEval(const std::vector<EvalDocument>& corpus);

  // The number of a document; documents are numbered as they come.
  uint64_t NumberOf(const std::string& id) const { return numbers_.at(id); }
  uint64_t entities() const { return graph_.entities(); }

  Ranking Fused(const Searched& searched) const;                                     // both searches, no graph
  Ranking ByWalk(const recall::RecallOptions& options, const Searched& searched);    // where the walk was
  Ranking Recalled(const recall::RecallOptions& options, const Searched& searched);  // everything
  static constexpr size_t kDepth = 10;

 private:
  recall::Recall Run(const recall::RecallOptions& options, const Searched& searched);

  std::vector<std::string> ids_;
  std::unordered_map<std::string, uint64_t> numbers_;
  extract::Extractor extractor_;
  recall::PassageGraph graph_;
};

struct Variation {
  std::string name;
  recall::RecallOptions options;
};
// The default configuration, and each of its values by itself lower and higher.
std::vector<Variation> Variations();

}  // namespace rhizome::eval
