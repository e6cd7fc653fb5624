#include "ask/retrieve.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <charconv>

#include "ask/graph_links.h"

namespace rhizome::ask {
namespace {

constexpr uint32_t kDepth = 100;  // of each search
// Passages that are read, so that some can be left out and an answer has what to choose from.
constexpr size_t kReadMin = 10, kReadSpare = 20;

// A chunk's id is its document's, '#' and its number.
Result<graph::ChunkId> ChunkOf(const format::PointId& id) {
  const std::string text = id.ToString();
  const size_t mark = text.rfind('#');
  if (!format::PointId::IsChunk(id.Encode()) || mark == std::string::npos) return graph::ChunkId{id, kWholePoint};
  graph::ChunkId chunk;
  ASSIGN_OR_RETURN(chunk.document, format::PointId::FromString(text.substr(0, mark)));
  const auto [end, error] = std::from_chars(text.data() + mark + 1, text.data() + text.size(), chunk.chunk);
  if (error != std::errc() || end != text.data() + text.size()) return Status::Corruption("a chunk without a number");
  return chunk;
}

bool Passes(const vector::Filter* filter, const std::string& payload) {
  if (filter == nullptr) return true;
  boost::json::error_code error;
  const boost::json::value value = boost::json::parse(payload.empty() ? "{}" : payload, error);
  return !error && vector::Matches(*filter, value);
}

}  // namespace

format::PointId PointOf(const graph::ChunkId& id) {
  return id.chunk == kWholePoint ? id.document : format::PointId::OfChunk(id.document, id.chunk);
}

Result<std::unique_ptr<Senses>> Senses::Make() {
  auto senses = std::make_unique<Senses>();
  ASSIGN_OR_RETURN(senses->analyzer, vector::Analyzer::Create({"english", true}));
  return senses;
}

// One question on its way.
struct Retriever::Work {
  const Question& question;
  const shard::GraphShards* graph;
  const cluster::ReadOptions& read;
  cluster::CollectionSpec spec;
  std::vector<float> vector;
  std::unordered_map<uint64_t, graph::ChunkId> chunks;
  std::unordered_map<uint64_t, double> closeness;
  std::vector<recall::Leg> legs;
  std::vector<recall::Recalled> recalled;
  Retrieved answer;
};

Result<Mode> Retriever::ModeOf(const Question& question, const cluster::CollectionSpec& spec, bool has_graph) const {
  const Mode mode = question.mode;
  if (mode == Mode::kAuto) return has_graph ? Mode::kMultiHop : Mode::kHybrid;
  const auto refuse = [](std::string_view why) { return Status(Code::kFailedPrecondition, std::string(why), "mode"); };
  if (mode == Mode::kGlobal)
    return refuse("global is not answered yet: GET /communities tells what a collection is about");
  if (mode == Mode::kVector && spec.embedder.empty()) {
    return refuse("vector needs an embedder, and collection " + spec.name + " has none");
  }
  if ((mode == Mode::kLocal || mode == Mode::kMultiHop) && !has_graph) {
    return refuse(std::string(ModeName(mode)) + " needs a knowledge graph, and collection " + spec.name +
                  " has none: make it with \"graph\": true");
  }
  return mode;
}

Status Retriever::Search(Work& work) const {
  const bool by_meaning = !work.vector.empty(), by_words = work.answer.mode != Mode::kVector;
  work.answer.by_meaning = by_meaning && work.spec.metric == vector::Metric::kCosine;
  for (const auto& [mode, wanted] :
       {std::pair(cluster::SearchMode::kText, by_words), std::pair(cluster::SearchMode::kDense, by_meaning)}) {
    if (!wanted) continue;
    cluster::SearchRequest request;
    request.collection = work.question.collection;
    request.mode = mode;
    request.top_k = std::max(kDepth, work.question.top_k);
    request.with_payload = false;
    request.filter = work.question.filter;
    const bool text = mode == cluster::SearchMode::kText;
    if (text) request.text = work.question.text;
    if (!text) request.vector = work.vector;
    ASSIGN_OR_RETURN(const cluster::SearchResponse found, parts_.database.Search(request, work.read));
    recall::Leg leg;
    for (const cluster::Hit& hit : found.hits) {
      ASSIGN_OR_RETURN(const graph::ChunkId chunk, ChunkOf(hit.id));
      const uint64_t number = GraphLinks::NumberOf(chunk);
      work.chunks.try_emplace(number, chunk);
      leg.passages.push_back({number, hit.score});
      if (!text) work.closeness[number] = hit.score;
    }
    work.legs.push_back(std::move(leg));
    for (const uint32_t partition : found.failed_partitions) work.answer.failed_partitions.push_back(partition);
  }
  auto& failed = work.answer.failed_partitions;
  std::ranges::sort(failed);
  failed.erase(std::unique(failed.begin(), failed.end()), failed.end());
  return Status::Ok();
}

Status Retriever::Walk(Work& work) const {
  const size_t limit = std::max<size_t>(work.question.top_k, kReadMin) + kReadSpare;
  const bool walks = work.answer.mode == Mode::kMultiHop || work.answer.mode == Mode::kLocal;
  if (!walks || work.graph == nullptr) {
    for (const recall::ScoredPassage& one : recall::FuseLegs(work.legs)) {
      if (work.recalled.size() < limit) work.recalled.push_back({one.passage, one.score, one.score, 0});
    }
    return Status::Ok();
  }
  recall::RecallOptions options = options_;
  if (work.answer.mode == Mode::kLocal) {  // from what the question names, and nowhere else
    options.start_passages_max = 0;
    options.entity_share = 1;
  }
  GraphLinks links(*work.graph, work.question.times.known_at_ms, options.walk);
  for (const auto& [number, chunk] : work.chunks) links.Know(chunk);
  ASSIGN_OR_RETURN(const auto entities, links.QueryEntities(work.answer.entities));
  for (const extract::Entity& entity : work.answer.entities) {
    if (entity.is_phrase) continue;
    ++work.answer.names;
    const uint64_t number = format::EntityIdOf(entity.key).low;
    work.answer.entities_known += std::ranges::any_of(entities, [&](const auto& e) { return e.id == number; }) ? 1 : 0;
  }
  recall::Recall recall(options, work.legs, entities, links.passages());
  RETURN_IF_ERROR(recall::Complete(recall.walk(), links.expander()));
  work.recalled = recall.Answer(work.answer.mode == Mode::kLocal ? SIZE_MAX : limit);
  if (work.answer.mode == Mode::kLocal) {
    std::erase_if(work.recalled, [](const recall::Recalled& one) { return one.arrived <= 0; });
    if (work.recalled.size() > limit) work.recalled.resize(limit);
  }
  for (const recall::Recalled& one : work.recalled) {
    if (const graph::ChunkId* const chunk = links.Find(one.passage)) work.chunks.try_emplace(one.passage, *chunk);
  }
  return Status::Ok();
}

Result<std::vector<Passage>> Retriever::ReadPassages(const Question& question, std::span<const graph::ChunkId> chunks,
                                                     const cluster::ReadOptions& read) const {
  std::vector<format::PointId> ids;
  for (const graph::ChunkId& chunk : chunks) ids.push_back(PointOf(chunk));
  ASSIGN_OR_RETURN(auto points, parts_.database.Get(question.collection, ids, false, read));
  const auto& known_at = question.times.known_at_ms;
  std::vector<Passage> passages;
  for (size_t i = 0; i < points.size(); ++i) {
    // Deleted a moment ago, or written after the time that is asked of.
    if (!points[i] || (known_at && points[i]->version.WallMs() > *known_at)) continue;
    format::Point& point = points[i]->point;
    if (!Passes(question.filter.get(), point.payload)) continue;
    Passage passage;
    passage.id = chunks[i];
    passage.title = std::move(point.title);
    passage.text = std::move(point.text);
    passage.payload = std::move(point.payload);
    passage.written_ms = points[i]->version.WallMs();
    passages.push_back(std::move(passage));
  }
  return passages;
}

Status Retriever::Read(Work& work) const {
  std::vector<graph::ChunkId> chunks;
  for (const recall::Recalled& one : work.recalled) chunks.push_back(work.chunks.at(one.passage));
  ASSIGN_OR_RETURN(auto passages, ReadPassages(work.question, chunks, work.read));
  const size_t wanted = std::max<size_t>(work.question.top_k, kReadMin);
  if (passages.size() > wanted) passages.resize(wanted);
  size_t at = 0;
  for (Passage& passage : passages) {
    while (chunks[at] != passage.id) ++at;
    const recall::Recalled& recalled = work.recalled[at++];
    passage.score = recalled.score;
    passage.base = recalled.base;
    passage.arrived = recalled.arrived;
    const auto close = work.closeness.find(recalled.passage);
    if (close != work.closeness.end()) passage.closeness = close->second;
  }
  work.answer.passages = std::move(passages);
  return Status::Ok();
}

Result<Retrieved> Retriever::Retrieve(const Question& question, const shard::GraphShards* graph, Senses& senses,
                                      const cluster::ReadOptions& read, Latencies& latencies) const {
  Work work{question, graph, read, {}, {}, {}, {}, {}, {}, {}};
  ASSIGN_OR_RETURN(work.spec, parts_.database.GetSpec(question.collection));
  ASSIGN_OR_RETURN(work.answer.mode, ModeOf(question, work.spec, graph != nullptr));
  {
    const Timed step("understand", latencies);
    work.answer.entities = senses.extractor.ExtractQuery(question.text);
  }
  if (!work.spec.embedder.empty()) {
    const Timed step("embed", latencies);
    ASSIGN_OR_RETURN(pipeline::Embedder* const embedder, parts_.embedders.For(work.spec.name, work.spec.embedder));
    const std::string text[] = {question.text};
    ASSIGN_OR_RETURN(auto vectors, embedder->Embed(text));
    work.vector = std::move(vectors[0]);
  }
  if (read.deadline_ns != 0 && SystemClock().MonotonicNs() > read.deadline_ns) {
    return Status::DeadlineExceeded("embedding the question used up the request's time");
  }
  {
    const Timed step("search", latencies);
    RETURN_IF_ERROR(Search(work));
  }
  {
    const Timed step("walk", latencies);
    RETURN_IF_ERROR(Walk(work));
  }
  const Timed step("read", latencies);
  RETURN_IF_ERROR(Read(work));
  return std::move(work.answer);
}

}  // namespace rhizome::ask
