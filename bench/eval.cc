// ./dev eval FOLDER: how well Rhizome finds what is relevant, per search mode, on a folder of evaluation data:
// corpus.jsonl {id, title, text} and queries.jsonl {id, text, relevant: [id…]}.
//
// Everything runs as it does in a server: documents are chunked, embedded and written to a node in a temporary folder,
// queries go through Node::Search. The graph is learned through the queue as a server learns it ("served"), and built
// in memory (eval_recall.h; the others), with the same configuration for every folder; --sweep prints what each of its
// values by itself does. --reference FILE adds the figures of an independent runtime (tools/eval_reference.py) so that
// both stand in one table.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <thread>

#include "ask/confidence.h"
#include "ask/shape.h"
#include "base/metrics.h"
#include "base/uuid.h"
#include "cluster/node.h"
#include "eval_recall.h"
#include "io/disk.h"
#include "memory/service.h"
#include "pipeline/ingest.h"
#include "pipeline/minilm.h"

namespace {

using namespace rhizome;  // NOLINT: a program, not a header

constexpr uint32_t kDepth = 10;
constexpr uint32_t kLegDepth = 100;
constexpr size_t kDocumentsPerCall = 256;

struct EvalQuery {
  std::string text;
  std::set<std::string> relevant;
  std::string answer;  // "": the folder has none
};

Result<std::vector<boost::json::object>> ReadJsonLines(const std::string& path) {
  std::ifstream file(path);
  if (!file.is_open()) return Status::NotFound(path + " cannot be opened");
  std::vector<boost::json::object> objects;
  for (std::string line; std::getline(file, line);) {
    boost::json::error_code error;
    boost::json::value value = boost::json::parse(line, error);
    if (error || !value.is_object()) return Status::Corruption(path + " has a line that is no JSON object");
    objects.push_back(std::move(value.as_object()));
  }
  return objects;
}

std::string IdText(const boost::json::value& id) {
  return id.is_string() ? std::string(id.as_string()) : boost::json::serialize(id);
}

Result<std::vector<EvalQuery>> ReadQueries(const std::string& path) {
  ASSIGN_OR_RETURN(const auto objects, ReadJsonLines(path));
  std::vector<EvalQuery> queries;
  for (const boost::json::object& object : objects) {
    EvalQuery query{std::string(object.at("text").as_string()), {}, {}};
    if (const auto* answer = object.if_contains("answer"); answer != nullptr && answer->is_string()) {
      query.answer = std::string(answer->get_string());
    }
    for (const boost::json::value& id : object.at("relevant").as_array()) query.relevant.insert(IdText(id));
    queries.push_back(std::move(query));
  }
  return queries;
}

// The measures of one mode, summed over queries and then divided by their number.
struct Figures {
  double ndcg_at_10 = 0, recall_at_2 = 0, recall_at_5 = 0, recall_at_10 = 0, all_at_5 = 0, mrr_at_10 = 0;

  void Add(const std::vector<std::string>& ranked, const std::set<std::string>& relevant) {
    double gain = 0, ideal = 0, first = 0;
    size_t found = 0, found_at_2 = 0, found_at_5 = 0;
    for (size_t i = 0; i < ranked.size() && i < kDepth; ++i) {
      if (!relevant.contains(ranked[i])) continue;
      gain += 1 / std::log2(static_cast<double>(i) + 2);
      if (first == 0) first = 1.0 / static_cast<double>(i + 1);
      ++found;
      found_at_2 += i < 2 ? 1 : 0;
      found_at_5 += i < 5 ? 1 : 0;
    }
    for (size_t i = 0; i < relevant.size() && i < kDepth; ++i) ideal += 1 / std::log2(static_cast<double>(i) + 2);
    const auto all = static_cast<double>(relevant.size());
    ndcg_at_10 += ideal > 0 ? gain / ideal : 0;
    recall_at_2 += static_cast<double>(found_at_2) / all;
    recall_at_5 += static_cast<double>(found_at_5) / all;
    recall_at_10 += static_cast<double>(found) / all;
    all_at_5 += found_at_5 == relevant.size() ? 1 : 0;
    mrr_at_10 += first;
  }
  void Divide(double n) {
    for (double* figure : {&ndcg_at_10, &recall_at_2, &recall_at_5, &recall_at_10, &all_at_5, &mrr_at_10}) *figure /= n;
  }
  boost::json::object Json() const {
    return {{"ndcg_at_10", ndcg_at_10},     {"recall_at_2", recall_at_2}, {"recall_at_5", recall_at_5},
            {"recall_at_10", recall_at_10}, {"all_at_5", all_at_5},       {"mrr_at_10", mrr_at_10}};
  }
};

class TemporaryFolder {
 public:
  TemporaryFolder() : path_(std::filesystem::temp_directory_path() / ("rhizome-eval-" + Uuid::Random().ToString())) {}
  ~TemporaryFolder() {
    std::error_code ignored;  // a leftover in the temporary folder harms nobody
    std::filesystem::remove_all(path_, ignored);
  }
  std::string path() const { return path_.string(); }

 private:
  const std::filesystem::path path_;
};

Result<std::vector<std::string>> IngestCorpus(pipeline::Ingestor& ingestor,
                                              const std::vector<boost::json::object>& corpus) {
  std::vector<std::string> tasks;
  for (size_t at = 0; at < corpus.size(); at += kDocumentsPerCall) {
    std::vector<pipeline::IngestDocument> documents;
    for (size_t i = at; i < corpus.size() && i < at + kDocumentsPerCall; ++i) {
      pipeline::IngestDocument document;
      document.id = IdText(corpus[i].at("id"));
      document.title = std::string(corpus[i].at("title").as_string());
      document.text = std::string(corpus[i].at("text").as_string());
      documents.push_back(std::move(document));
    }
    ASSIGN_OR_RETURN(const auto results, ingestor.Ingest("eval", std::move(documents), {}));
    for (const pipeline::IngestResult& result : results) {
      RETURN_IF_ERROR(result.error);
      if (!result.task.empty()) tasks.push_back(result.task);
    }
    fmt::print(stderr, "\r{} of {} documents", std::min(at + kDocumentsPerCall, corpus.size()), corpus.size());
  }
  fmt::print(stderr, "\n");
  return tasks;
}

// Each document as one vector of its title, a space and its text.
Status WriteWhole(cluster::Node& node, pipeline::Embedder& embedder, const std::vector<boost::json::object>& corpus) {
  for (size_t at = 0; at < corpus.size(); at += kDocumentsPerCall) {
    std::vector<std::string> texts;
    std::vector<format::Operation> operations;
    for (size_t i = at; i < corpus.size() && i < at + kDocumentsPerCall; ++i) {
      texts.push_back(std::string(corpus[i].at("title").as_string()) + " " +
                      std::string(corpus[i].at("text").as_string()));
      ASSIGN_OR_RETURN(format::PointId id, format::PointId::FromString(IdText(corpus[i].at("id"))));
      operations.push_back({{}, format::UpsertPoint{{std::move(id), {}, {}, {}, {}}}});
    }
    ASSIGN_OR_RETURN(std::vector<std::vector<float>> vectors, embedder.Embed(texts));
    for (size_t i = 0; i < operations.size(); ++i) {
      std::get<format::UpsertPoint>(operations[i].body).point.vector = std::move(vectors[i]);
    }
    RETURN_IF_ERROR(node.Write("whole", std::move(operations)));
  }
  return Status::Ok();
}

struct Leg {
  std::string name;
  std::string collection;
  cluster::SearchMode mode;
};

Result<std::vector<cluster::Hit>> Search(cluster::Node& node, const EvalQuery& query, const std::vector<float>& vector,
                                         const Leg& leg, uint32_t depth) {
  cluster::SearchRequest request;
  request.collection = leg.collection;
  request.mode = leg.mode;
  request.text = query.text;
  request.vector = vector;
  request.top_k = depth;
  request.with_payload = false;
  request.one_per_document = true;
  ASSIGN_OR_RETURN(cluster::SearchResponse response, node.Search(request));
  return std::move(response.hits);
}

Result<Figures> Measure(cluster::Node& node, const std::vector<EvalQuery>& queries,
                        const std::vector<std::vector<float>>& vectors, const Leg& leg) {
  Figures figures;
  for (size_t i = 0; i < queries.size(); ++i) {
    ASSIGN_OR_RETURN(const auto hits, Search(node, queries[i], vectors[i], leg, kDepth));
    std::vector<std::string> ranked;
    for (const cluster::Hit& hit : hits) ranked.push_back(hit.id.RoutingKey());
    figures.Add(ranked, queries[i].relevant);
  }
  figures.Divide(static_cast<double>(queries.size()));
  return figures;
}

void PrintRow(const std::string& name, const boost::json::object& figures) {
  fmt::print("{:<22}", name);
  for (const char* key : {"ndcg_at_10", "recall_at_2", "recall_at_5", "recall_at_10", "all_at_5", "mrr_at_10"}) {
    fmt::print("{:>14.4f}", figures.at(key).to_number<double>());
  }
  fmt::print("\n");
}

// Through the graph as a server keeps it: documents learned through the queue, read from the database.
Result<Figures> MeasureServed(cluster::Node& node, pipeline::Embedder& embedder,
                              const std::vector<EvalQuery>& queries) {
  ASSIGN_OR_RETURN(const auto graph, node.Graph("eval"));
  ASSIGN_OR_RETURN(const auto senses, ask::Senses::Make());
  const ask::Retriever retriever({node, &embedder});
  Figures figures;
  std::map<std::string_view, double> spent_ms;
  for (const EvalQuery& query : queries) {
    ask::Question question;
    question.text = query.text;
    question.collection = "eval";
    question.mode = ask::Mode::kMultiHop;
    question.top_k = 3 * kDepth;  // passages, of which a document may have several
    ask::Latencies latencies;
    ASSIGN_OR_RETURN(const ask::Retrieved found, retriever.Retrieve(question, graph.get(), *senses, {}, latencies));
    std::vector<std::string> ranked;
    for (const ask::Passage& passage : found.passages) {
      const std::string document = passage.id.document.ToString();
      if (std::find(ranked.begin(), ranked.end(), document) == ranked.end()) ranked.push_back(document);
    }
    figures.Add(ranked, query.relevant);
    for (const auto& [step, ns] : latencies) spent_ms[step] += static_cast<double>(ns) / 1e6;
  }
  for (const auto& [step, ms] : spent_ms) {
    fmt::print(stderr, "{} {:.2f} ms  ", step, ms / static_cast<double>(queries.size()));
  }
  fmt::print(stderr, "a question, on average\n");
  figures.Divide(static_cast<double>(queries.size()));
  return figures;
}

// What confidence is fitted to: for each question the figures of its evidence and whether what is cited answers it;
// once with all documents, once without those that answer it.
Status WriteEvidence(cluster::Node& node, pipeline::Embedder& embedder, const std::vector<EvalQuery>& queries,
                     const std::string& path) {
  constexpr size_t kCited = 5;
  ASSIGN_OR_RETURN(const auto graph, node.Graph("eval"));
  ASSIGN_OR_RETURN(const auto senses, ask::Senses::Make());
  const ask::Retriever retriever({node, &embedder});
  std::ofstream out(path);
  for (const EvalQuery& query : queries) {
    boost::json::array relevant(query.relevant.begin(), query.relevant.end());
    const boost::json::object without{{"not", {{"field", "document.id"}, {"in", relevant}}}};
    ASSIGN_OR_RETURN(vector::Filter filter, vector::ParseFilter(without));
    for (const auto& wanted : {std::shared_ptr<const vector::Filter>(),
                               std::shared_ptr<const vector::Filter>(std::make_shared<vector::Filter>(filter))}) {
      ask::Question question;
      question.text = query.text;
      question.collection = "eval";
      question.filter = wanted;
      ask::Latencies latencies;
      ASSIGN_OR_RETURN(const auto found, retriever.Retrieve(question, graph.get(), *senses, {}, latencies));
      senses->tokenizer.Run(question.text);
      const ask::Shape shape = ask::ShapeOf(senses->tokenizer);
      const auto extract = ask::ExtractAnswer(question.text, shape, found.entities, found.passages, *senses);
      std::set<std::string> cited;
      bool has_answer = false;
      for (size_t i = 0; i < found.passages.size() && i < kCited; ++i) {
        cited.insert(found.passages[i].id.document.ToString());
        has_answer =
            has_answer || (query.answer.size() > 3 && found.passages[i].text.find(query.answer) != std::string::npos);
      }
      const bool all = std::ranges::includes(cited, query.relevant);
      const auto figures = ask::FiguresOf(ask::EvidenceOf(found, extract, false));
      out << boost::json::serialize(boost::json::object{{"figures", boost::json::array(figures.begin(), figures.end())},
                                                        {"answered", wanted == nullptr && (all || has_answer)}})
          << "\n";
    }
  }
  return out.good() ? Status::Ok() : Status::IoError(path + " cannot be written");
}

// Until what was ingested is in the graph.
Status AwaitLearned(memory::Service& memory, const std::vector<std::string>& tasks) {
  for (const std::string& id : tasks) {
    for (;;) {
      ASSIGN_OR_RETURN(const workers::Task task, memory.Task(id));
      if (task.state() == workers::TaskState::kDone) break;
      if (task.state() == workers::TaskState::kDeadLettered) return Status::Internal(task.reason());
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  return Status::Ok();
}

// The rankings that recall starts from, with scores.
Result<std::vector<eval::Searched>> SearchAll(cluster::Node& node, const eval::RecallEval& graph,
                                              const std::vector<EvalQuery>& queries,
                                              const std::vector<std::vector<float>>& vectors) {
  std::vector<eval::Searched> all;
  for (size_t i = 0; i < queries.size(); ++i) {
    eval::Searched searched;
    searched.query = queries[i].text;
    for (const auto& [mode, leg] : {std::pair(cluster::SearchMode::kText, &searched.text),
                                    std::pair(cluster::SearchMode::kDense, &searched.dense)}) {
      ASSIGN_OR_RETURN(const auto hits, Search(node, queries[i], vectors[i], {"", "eval", mode}, kLegDepth));
      for (const cluster::Hit& hit : hits) leg->passages.push_back({graph.NumberOf(hit.id.RoutingKey()), hit.score});
    }
    all.push_back(std::move(searched));
  }
  return all;
}

template <typename Rank>
Figures FiguresOf(const std::vector<EvalQuery>& queries, const std::vector<eval::Searched>& searched,
                  const Rank& rank) {
  Figures figures;
  for (size_t i = 0; i < queries.size(); ++i) figures.Add(rank(searched[i]), queries[i].relevant);
  figures.Divide(static_cast<double>(queries.size()));
  return figures;
}

// Adds "fused", "graph" and "all", and with `sweep` every variation.
Status MeasureRecall(cluster::Node& node, const std::vector<boost::json::object>& corpus,
                     const std::vector<EvalQuery>& queries, const std::vector<std::vector<float>>& vectors, bool sweep,
                     boost::json::object& result) {
  std::vector<eval::EvalDocument> documents;
  for (const boost::json::object& object : corpus) {
    documents.push_back({IdText(object.at("id")), std::string(object.at("title").as_string()),
                         std::string(object.at("text").as_string())});
  }
  eval::RecallEval graph(documents);
  ASSIGN_OR_RETURN(const auto searched, SearchAll(node, graph, queries, vectors));
  const recall::RecallOptions options;
  const auto add = [&](const std::string& name, const auto& rank) {
    result[name] = FiguresOf(queries, searched, rank).Json();
  };
  add("fused", [&](const eval::Searched& one) { return graph.Fused(one); });
  add("graph", [&](const eval::Searched& one) { return graph.ByWalk(options, one); });
  add("all", [&](const eval::Searched& one) { return graph.Recalled(options, one); });
  if (!sweep) return Status::Ok();
  for (const eval::Variation& variation : eval::Variations()) {
    add("all, " + variation.name, [&](const eval::Searched& one) { return graph.Recalled(variation.options, one); });
  }
  return Status::Ok();
}

Result<boost::json::object> Evaluate(const std::string& folder, bool sweep, bool whole, const std::string& evidence) {
  ASSIGN_OR_RETURN(const auto corpus, ReadJsonLines(folder + "/corpus.jsonl"));
  ASSIGN_OR_RETURN(const auto queries, ReadQueries(folder + "/queries.jsonl"));
  const TemporaryFolder data;
  ASSIGN_OR_RETURN(const auto embedder, pipeline::MiniLm::Open({}));
  cluster::NodeOptions options;
  options.data_dir = data.path();
  ASSIGN_OR_RETURN(const auto node, cluster::Node::Open(io::RealDisk(), options));
  cluster::CollectionSpec spec;
  spec.name = "eval";
  spec.dimension = embedder->dimension();
  spec.embedder = std::string(embedder->name());
  RETURN_IF_ERROR(node->CreateCollection(spec).status());
  MetricRegistry metrics;
  memory::ServiceOptions memory_options;
  memory_options.data_dir = data.path();
  ASSIGN_OR_RETURN(const auto memory, memory::Service::Open({*node, io::RealDisk(), metrics}, memory_options));
  RETURN_IF_ERROR(memory->MakeMemory("eval"));
  pipeline::DocumentWatch watch;
  watch.changed = [&](const auto& collection, auto documents) { return memory->Changed(collection, documents); };
  pipeline::Ingestor ingestor(*node, embedder.get(), watch);
  ASSIGN_OR_RETURN(const auto tasks, IngestCorpus(ingestor, corpus));
  RETURN_IF_ERROR(AwaitLearned(*memory, tasks));
  spec.name = "whole";
  RETURN_IF_ERROR(node->CreateCollection(spec).status());
  if (whole) RETURN_IF_ERROR(WriteWhole(*node, *embedder, corpus));

  std::vector<std::string> texts;
  for (const EvalQuery& query : queries) texts.push_back(query.text);
  ASSIGN_OR_RETURN(const auto vectors, embedder->Embed(texts));
  boost::json::object result{{"documents", corpus.size()}, {"queries", queries.size()}};
  const Leg legs[] = {{"text", "eval", cluster::SearchMode::kText},
                      {"dense", "eval", cluster::SearchMode::kDense},
                      {"dense_whole", "whole", cluster::SearchMode::kDense},
                      {"hybrid", "eval", cluster::SearchMode::kHybrid}};
  for (const Leg& leg : legs) {
    if (leg.collection == "whole" && !whole) continue;
    ASSIGN_OR_RETURN(const Figures figures, Measure(*node, queries, vectors, leg));
    result[leg.name] = figures.Json();
  }
  ASSIGN_OR_RETURN(const Figures served, MeasureServed(*node, *embedder, queries));
  result["served"] = served.Json();
  if (!evidence.empty()) RETURN_IF_ERROR(WriteEvidence(*node, *embedder, queries, evidence));
  RETURN_IF_ERROR(MeasureRecall(*node, corpus, queries, vectors, sweep, result));
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Retrieval quality on a folder of evaluation data", "eval");
  std::string folder, reference, evidence;
  bool json = false, sweep = false;
  app.add_option("folder", folder, "Holds corpus.jsonl and queries.jsonl")->required();
  app.add_option("--reference", reference, "JSON figures of an independent runtime for the dense mode");
  app.add_flag("--json", json, "One JSON object");
  app.add_option("--evidence", evidence, "Write what tools/fit_confidence.py reads to this file");
  app.add_flag("--sweep", sweep, "Each value of recall's configuration by itself lower and higher");
  CLI11_PARSE(app, argc, argv);

  Result<boost::json::object> result = Evaluate(folder, sweep, !reference.empty(), evidence);
  if (!result.ok()) {
    fmt::print(stderr, "eval: {}\n", result.status().ToString());
    return 1;
  }
  if (!reference.empty()) {
    const auto lines = ReadJsonLines(reference);
    if (!lines.ok() || lines->empty()) {
      fmt::print(stderr, "eval: no figures in {}\n", reference);
      return 1;
    }
    (*result)["dense_reference"] = lines->back();
  }
  if (json) {
    fmt::print("{}\n", boost::json::serialize(*result));
    return 0;
  }
  fmt::print("{} documents, {} queries\n{:<22}{:>14}{:>14}{:>14}{:>14}{:>14}{:>14}\n",
             result->at("documents").to_number<int>(), result->at("queries").to_number<int>(), "mode", "nDCG@10", "R@2",
             "R@5", "R@10", "All@5", "MRR@10");
  for (const char* mode :
       {"text", "dense", "dense_whole", "dense_reference", "hybrid", "fused", "graph", "all", "served"}) {
    if (const auto* figures = result->if_contains(mode)) PrintRow(mode, figures->as_object());
  }
  for (const auto& [name, figures] : *result) {
    if (name.starts_with("all, ")) PrintRow(std::string(name.substr(5)), figures.as_object());
  }
  return 0;
}
