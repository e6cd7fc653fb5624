#include "ask/asker.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <set>

#include "ask/confidence.h"
#include "ask/graph_links.h"
#include "base/clock.h"
#include "base/steps.h"

namespace rhizome::ask {
namespace {

constexpr std::string_view kNotInMemory = "Not in memory.";
constexpr size_t kAnswersMax = 3;  // ends of facts that one answer names

// Where a passage stands in its document.
struct Origin {
  uint64_t begin = 0;
  std::string source;
};

Origin OriginOf(const Passage& passage) {
  boost::json::error_code error;
  const boost::json::value payload = boost::json::parse(passage.payload.empty() ? "{}" : passage.payload, error);
  Origin origin;
  const auto* const document = !error && payload.is_object() ? payload.get_object().if_contains("document") : nullptr;
  if (document == nullptr || !document->is_object()) return origin;
  const auto* const begin = document->get_object().if_contains("begin");
  if (begin != nullptr && begin->is_number()) origin.begin = begin->to_number<uint64_t>(error);
  const auto* const source = document->get_object().if_contains("source");
  if (source != nullptr && source->is_string()) origin.source = source->get_string();
  return origin;
}

Citation Cite(const Passage& passage, size_t begin, size_t end) {
  const Origin origin = OriginOf(passage);
  Citation citation{passage.id, origin.begin + begin, origin.begin + end, passage.score, passage.title, origin.source};
  citation.text = passage.text.substr(begin, end - begin);
  return citation;
}

// What answers, of facts that say the same kind of thing at the same time.
std::string TextOf(const std::vector<FactAnswer>& facts, const Shape& shape, int64_t at_ms) {
  const FactAnswer& first = facts[0];
  std::vector<std::string> ends;
  for (const FactAnswer& one : facts) {
    if (one.fact.type != first.fact.type || HoldsAt(one.fact, at_ms) != HoldsAt(first.fact, at_ms)) continue;
    if (one.fact.valid_from != first.fact.valid_from || ends.size() >= kAnswersMax) continue;
    if (std::ranges::find(ends, one.answer) == ends.end()) ends.push_back(one.answer);
  }
  std::string text;
  for (const std::string& end : ends) text.append(text.empty() ? "" : ", ").append(end);
  const std::string interval = TimeText(first.fact);
  if (shape.wanted != Wanted::kTime && !interval.empty()) text.append(" (").append(interval).append(")");
  return text;
}

}  // namespace

std::string_view AnswerKindName(AnswerKind kind) {
  switch (kind) {
    case AnswerKind::kNone: return "none";
    case AnswerKind::kFact: return "fact";
    case AnswerKind::kSentences: return "sentences";
    case AnswerKind::kGenerated: return "generated";
  }
  return "";
}

// One question on its way.
struct Asker::Work {
  const Question& question;
  const cluster::ReadOptions& read;
  std::shared_ptr<shard::GraphShards> graph;
  std::unique_ptr<Senses> senses;
  Shape shape;
  Retrieved retrieved;
  Extract extract;
  std::vector<Passage> fact_passages;  // of answer.facts, those that still have a text
  Answer answer;
};

// Everything that is read: passages, facts, and the passages that say the facts.
Status Asker::Gather(Work& work) const {
  ASSIGN_OR_RETURN(work.retrieved, retriever_.Retrieve(work.question, work.graph.get(), *work.senses, work.read,
                                                       work.answer.latencies));
  work.answer.mode = work.retrieved.mode;
  work.answer.failed_partitions = work.retrieved.failed_partitions;
  const bool asks_graph = work.answer.mode == Mode::kMultiHop || work.answer.mode == Mode::kLocal;
  if (work.graph == nullptr || !asks_graph) return Status::Ok();
  const Timed step("facts", work.answer.latencies);
  const GraphLinks links(*work.graph, work.question.times.known_at_ms);
  ASSIGN_OR_RETURN(work.answer.facts,
                   FindFacts(links, work.shape, work.retrieved.entities, work.question.times, SystemClock().WallMs()));
  std::vector<graph::ChunkId> chunks;
  for (const FactAnswer& one : work.answer.facts) {
    if (one.fact.origin.kind != graph::GraphOrigin::Kind::kDocument || one.fact.chunks.empty()) continue;
    chunks.push_back({one.fact.origin.id, one.fact.chunks[0]});
  }
  ASSIGN_OR_RETURN(work.fact_passages, retriever_.ReadPassages(work.question, chunks, work.read));
  for (Passage& passage : work.fact_passages) {
    for (const FactAnswer& one : work.answer.facts) {
      if (one.fact.origin.id == passage.id.document)
        passage.score = std::max<double>(passage.score, one.fact.confidence);
    }
  }
  return Status::Ok();
}

void Asker::Compose(Work& work) const {
  const Timed step("answer", work.answer.latencies);
  Answer& answer = work.answer;
  const auto& passages = work.retrieved.passages;
  work.extract = ExtractAnswer(work.question.text, work.shape, work.retrieved.entities, passages, *work.senses);
  answer.confidence = ConfidenceOf(EvidenceOf(work.retrieved, work.extract, !answer.facts.empty()));
  std::set<graph::ChunkId> cited;
  const auto cite = [&](const Passage& passage, size_t begin, size_t end) {
    if (answer.citations.size() < work.question.top_k && cited.insert(passage.id).second) {
      answer.citations.push_back(Cite(passage, begin, end));
    }
  };
  const bool known = answer.confidence >= kConfidenceMin;
  if (known && !answer.facts.empty()) {
    answer.kind = AnswerKind::kFact;
    answer.text = TextOf(answer.facts, work.shape, work.question.times.as_of_ms.value_or(SystemClock().WallMs()));
    for (const Passage& passage : work.fact_passages) {
      const auto [begin, end] = SentenceWith(passage.text, answer.facts[0].answer, work.senses->tokenizer);
      cite(passage, begin, end);
    }
  } else if (known && !work.extract.quotes.empty()) {
    answer.kind = AnswerKind::kSentences;
    for (const Quote& quote : work.extract.quotes) {
      const std::string& text = passages[quote.passage].text;
      answer.text.append(answer.text.empty() ? "" : " ").append(text.substr(quote.begin, quote.end - quote.begin));
    }
  } else {
    answer.text = kNotInMemory;
  }
  if (answer.kind == AnswerKind::kSentences) {
    for (const Quote& quote : work.extract.quotes) cite(passages[quote.passage], quote.begin, quote.end);
  }
  for (const Passage& passage : passages) cite(passage, 0, passage.text.size());
}

void Asker::Generate(Work& work) const {
  Answer& answer = work.answer;
  if (parts_.chat == nullptr || answer.kind == AnswerKind::kNone) return;
  const Timed step("generate", answer.latencies);
  std::vector<std::string> passages;
  for (const Citation& citation : answer.citations) {
    if (!citation.text.empty()) passages.push_back(citation.title + "\n" + citation.text);
  }
  const auto said = parts_.chat->Ask(work.question.text, passages, work.read.deadline_ns);
  if (!said.ok()) {
    answer.note = std::string(said.status().message()) + "; the answer is in the passages' own words";
    return;
  }
  if (!said->in_memory) {
    answer.kind = AnswerKind::kNone;
    answer.text = kNotInMemory;
    answer.confidence = std::min(answer.confidence, kConfidenceMin / 2);
    return;
  }
  answer.kind = AnswerKind::kGenerated;
  answer.text = said->text;
}

Result<Answer> Asker::Ask(const Question& question, const cluster::ReadOptions& read) {
  const int64_t started_ns = SystemClock().MonotonicNs();
  Work work{question, read, nullptr, nullptr, {}, {}, {}, {}, {}};
  if (parts_.memory != nullptr) {
    auto graph = parts_.memory->Graph(question.collection);
    if (!graph.ok() && graph.status().code() != Code::kFailedPrecondition) return graph.status();
    if (graph.ok()) work.graph = std::move(*graph);
  }
  work.senses = Borrow();
  if (work.senses == nullptr) {
    ASSIGN_OR_RETURN(work.senses, Senses::Make());
  }
  work.senses->tokenizer.Run(question.text);
  work.shape = ShapeOf(work.senses->tokenizer);
  const Status gathered = Gather(work);
  if (gathered.ok()) Compose(work);
  Return(std::move(work.senses));
  RETURN_IF_ERROR(gathered);
  Generate(work);
  work.answer.latencies.emplace_back("total", SystemClock().MonotonicNs() - started_ns);
  return std::move(work.answer);
}

std::unique_ptr<Senses> Asker::Borrow() {
  MutexLock lock(mutex_);
  if (idle_.empty()) return nullptr;
  std::unique_ptr<Senses> senses = std::move(idle_.back());
  idle_.pop_back();
  return senses;
}

void Asker::Return(std::unique_ptr<Senses> senses) {
  MutexLock lock(mutex_);
  idle_.push_back(std::move(senses));
}

}  // namespace rhizome::ask
