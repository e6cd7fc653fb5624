// Asker: a question put to a collection, answered in its own words, with what it rests on.
//
//   retrieve (ask/retrieve.h) → facts of the graph (ask/facts.h) → sentences of the passages (ask/answer.h) → how sure
//   (ask/confidence.h) → a chat server, where one is configured, puts it into words (ask/chat.h)
//
// Without a chat server, or when it fails, the answer is what a typed relation of the graph says, else the best
// sentences. Below kConfidenceMin it is that the memory does not know. Every answer cites passages; a passage is a
// chunk of a document, or a point of its own.
//
// Thread-safe. What it is given outlives it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ask/answer.h"
#include "ask/chat.h"
#include "ask/facts.h"
#include "ask/question.h"
#include "ask/retrieve.h"
#include "base/mutex.h"
#include "base/status.h"
#include "cluster/database.h"
#include "memory/service.h"

namespace rhizome::ask {

struct Citation {
  graph::ChunkId id;   // chunk kWholePoint: a point of its own
  uint64_t begin = 0;  // what is cited, in bytes of the document's text; 0 and 0 where the text is gone
  uint64_t end = 0;
  double score = 0;  // of the passage, 0 to 1
  std::string title;
  std::string source;  // the document's file or URL, "" when it came as text
  std::string text;    // what is cited; "" where the text has been changed since the time that is asked of
};

enum class AnswerKind : uint8_t { kNone, kFact, kSentences, kGenerated };
std::string_view AnswerKindName(AnswerKind kind);

struct Answer {
  AnswerKind kind = AnswerKind::kNone;  // kNone: not in memory
  std::string text;
  double confidence = 0;
  Mode mode = Mode::kAuto;          // the one that was used
  std::vector<Citation> citations;  // what the answer rests on first; at most top_k
  std::vector<FactAnswer> facts;
  std::string note;  // why it is not put into words by the chat server; "" when nothing is amiss
  Latencies latencies;
  std::vector<uint32_t> failed_partitions;
};

struct AskerParts {
  cluster::Database& database;
  memory::Service* memory = nullptr;  // null: no collection has a graph
  pipeline::Embedders embedders;
  Chat* chat = nullptr;  // null: answers are in the passages' words
};

class Asker {
 public:
  explicit Asker(const AskerParts& parts) : parts_(parts), retriever_({parts.database, parts.embedders}) {}

  // Errors: those of Retriever. What a chat server does wrong is no error.
  Result<Answer> Ask(const Question& question, const cluster::ReadOptions& read);

 private:
  struct Work;
  Status Gather(Work& work) const;
  void Compose(Work& work) const;
  void Generate(Work& work) const;
  std::unique_ptr<Senses> Borrow() EXCLUDES(mutex_);
  void Return(std::unique_ptr<Senses> senses) EXCLUDES(mutex_);

  const AskerParts parts_;
  const Retriever retriever_;
  Mutex mutex_;
  std::vector<std::unique_ptr<Senses>> idle_ GUARDED_BY(mutex_);
};

}  // namespace rhizome::ask
