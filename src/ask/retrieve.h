// Retriever: the passages of a collection that answer a question: those that searches by meaning and by words find,
// and those that recall's walk over the knowledge graph leads to from there (docs/recall.md). The cost does not grow
// with the collection but by its index: two searches of a hundred, at most four batched reads of the graph, one read of
// what is answered.
//
// Thread-safe: what belongs to a thread comes from its caller (Senses). What it is given outlives it.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ask/question.h"
#include "base/clock.h"
#include "base/status.h"
#include "base/steps.h"
#include "cluster/database.h"
#include "engines/graph/types.h"
#include "engines/vector/analyzer.h"
#include "extract/extract.h"
#include "pipeline/embedders.h"
#include "recall/recall.h"
#include "shard/graph_shards.h"

namespace rhizome::ask {

// The chunk number of a passage that is a point of its own, put there by a client and not by a document.
inline constexpr uint32_t kWholePoint = format::kAboutChunk - 1;

struct Passage {
  graph::ChunkId id;
  double score = 0;      // 0 to 1
  double base = 0;       // without the graph
  double arrived = 0;    // of the walk's mass
  double closeness = 0;  // the searches' own score by meaning: for cosine -1 to 1; 0 where that search missed it
  std::string title;
  std::string text;
  std::string payload;  // JSON object as text
  int64_t written_ms = 0;
};

// What one thread reads questions and texts with.
struct Senses {
  extract::Extractor extractor;
  extract::Tokenizer tokenizer;
  std::unique_ptr<vector::Analyzer> analyzer;  // without stop words, English stems
  static Result<std::unique_ptr<Senses>> Make();
};

// How long each step took, in the order they were taken.
using Latencies = std::vector<std::pair<std::string_view, int64_t>>;  // nanoseconds

// Measures one step for the reply and for the log of slow requests.
class Timed {
 public:
  Timed(std::string_view name, Latencies& latencies)
      : step_(name), name_(name), latencies_(latencies), started_ns_(SystemClock().MonotonicNs()) {}
  ~Timed() { latencies_.emplace_back(name_, SystemClock().MonotonicNs() - started_ns_); }
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

 private:
  const Step step_;
  const std::string_view name_;
  Latencies& latencies_;
  const int64_t started_ns_;
};

struct Retrieved {
  Mode mode = Mode::kAuto;                // what it came to
  std::vector<Passage> passages;          // best first
  std::vector<extract::Entity> entities;  // that the question names
  size_t entities_known = 0;              // names among them, no phrases, that the graph knows
  size_t names = 0;
  bool by_meaning = false;  // the collection has vectors of texts, compared by cosine
  std::vector<uint32_t> failed_partitions;
};

struct RetrieverParts {
  cluster::Database& database;
  pipeline::Embedders embedders;
};

class Retriever {
 public:
  explicit Retriever(const RetrieverParts& parts, const recall::RecallOptions& options = {})
      : parts_(parts), options_(options) {}

  // `graph`: the collection's, null when it has none. Errors: NotFound (no such collection), FailedPrecondition (a mode
  // that the collection has nothing for; field "mode"), those of the embedder and the searches.
  Result<Retrieved> Retrieve(const Question& question, const shard::GraphShards* graph, Senses& senses,
                             const cluster::ReadOptions& read, Latencies& latencies) const;

  // The named chunks as passages without scores, in order; those that are gone, do not match the question's filter or
  // were written after the time it asks of are left out.
  Result<std::vector<Passage>> ReadPassages(const Question& question, std::span<const graph::ChunkId> chunks,
                                            const cluster::ReadOptions& read) const;

 private:
  struct Work;
  Result<Mode> ModeOf(const Question& question, const cluster::CollectionSpec& spec, bool has_graph) const;
  Status Search(Work& work) const;
  Status Walk(Work& work) const;
  Status Read(Work& work) const;

  const RetrieverParts parts_;
  const recall::RecallOptions options_;
};

// The point that holds a passage.
format::PointId PointOf(const graph::ChunkId& id);

}  // namespace rhizome::ask
