// text_bench FOLDER [--json] [--sweep]: retrieval quality and speed of the text index on an evaluation folder
// (corpus.jsonl: {id, title, text}; queries.jsonl: {id, text, relevant}). Metrics as `./dev eval` defines them.
// --sweep prints quality over a grid of k1, b, title weight and stop words.
#include <boost/json.hpp>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <unordered_map>
#include <unordered_set>

#include "base/cpu_time.h"
#include "engines/vector/text_index.h"

namespace rhizome::vector {
namespace {

namespace json = boost::json;

struct Document {
  std::string title;
  std::string text;
};
struct Query {
  std::string text;
  std::unordered_set<Slot> relevant;
};
struct Collection {
  std::vector<Document> documents;
  std::vector<Query> queries;
};
struct Quality {
  double ndcg_at_10 = 0;
  double recall_at_10 = 0;
};

Collection Load(const std::string& folder) {
  Collection collection;
  std::unordered_map<std::string, Slot> slots;
  std::string line;
  for (std::ifstream in(folder + "/corpus.jsonl"); std::getline(in, line);) {
    const json::value row = json::parse(line);
    slots[std::string(row.at("id").as_string())] = static_cast<Slot>(collection.documents.size());
    collection.documents.push_back({std::string(row.at("title").as_string()), std::string(row.at("text").as_string())});
  }
  for (std::ifstream in(folder + "/queries.jsonl"); std::getline(in, line);) {
    const json::value row = json::parse(line);
    Query query{std::string(row.at("text").as_string()), {}};
    for (const json::value& id : row.at("relevant").as_array())
      query.relevant.insert(slots[std::string(id.as_string())]);
    collection.queries.push_back(std::move(query));
  }
  return collection;
}

std::unique_ptr<TextIndex> Build(const Collection& collection, const TextIndexOptions& options) {
  auto index = TextIndex::Create(options);
  if (!index.ok()) return nullptr;
  for (size_t i = 0; i < collection.documents.size(); ++i) {
    const Document& document = collection.documents[i];
    if (!(*index)->Add(static_cast<Slot>(i), document.text, document.title).ok()) return nullptr;
  }
  return std::move(*index);
}

Quality Measure(const TextIndex& index, const Collection& collection) {
  Quality sum;
  const SlotSet live(static_cast<Slot>(collection.documents.size()), true);
  for (const Query& query : collection.queries) {
    const auto found = index.Search(query.text, 10, nullptr, live);
    double gain = 0;
    double ideal = 0;
    size_t hits = 0;
    for (size_t i = 0; i < found.size(); ++i) {
      if (!query.relevant.contains(found[i].slot)) continue;
      gain += 1 / std::log2(static_cast<double>(i) + 2);
      ++hits;
    }
    for (size_t i = 0; i < std::min<size_t>(10, query.relevant.size()); ++i)
      ideal += 1 / std::log2(static_cast<double>(i) + 2);
    sum.ndcg_at_10 += gain / ideal;
    sum.recall_at_10 += static_cast<double>(hits) / static_cast<double>(query.relevant.size());
  }
  const auto count = static_cast<double>(collection.queries.size());
  return {sum.ndcg_at_10 / count, sum.recall_at_10 / count};
}

void Sweep(const Collection& collection) {
  for (const bool stop_words : {false, true}) {
    for (const uint32_t title_weight : {1u, 2u, 3u}) {
      for (const double k1 : {0.9, 1.2, 1.5, 2.0}) {
        for (const double b : {0.3, 0.4, 0.6, 0.75, 0.9}) {
          const TextIndexOptions options{{"english", stop_words}, k1, b, title_weight};
          const Quality quality = Measure(*Build(collection, options), collection);
          std::printf("stop %d title %u k1 %.1f b %.2f: ndcg@10 %.4f recall@10 %.4f\n", stop_words, title_weight, k1, b,
                      quality.ndcg_at_10, quality.recall_at_10);
        }
      }
    }
  }
}

int Run(int argc, char** argv) {
  std::string folder;
  bool as_json = false;
  bool sweep = false;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--json") {
      as_json = true;
    } else if (argument == "--sweep") {
      sweep = true;
    } else {
      folder = argument;
    }
  }
  const Collection collection = Load(folder);
  if (collection.documents.empty() || collection.queries.empty()) {
    std::printf("text_bench: skipped, no corpus.jsonl and queries.jsonl in \"%s\"\n", folder.c_str());
    return 0;
  }
  if (sweep) {
    Sweep(collection);
    return 0;
  }
  const double start = ThreadCpuSeconds();
  const auto index = Build(collection, {});
  const double built = ThreadCpuSeconds();
  const Quality quality = Measure(*index, collection);
  const double searching = ThreadCpuSeconds();
  for (int i = 0; i < 10; ++i) Measure(*index, collection);
  const double queries_per_s = 10 * static_cast<double>(collection.queries.size()) / (ThreadCpuSeconds() - searching);
  const double documents_per_s = static_cast<double>(collection.documents.size()) / (built - start);
  std::printf(
      as_json ? "{\"ndcg_at_10\": %.4f, \"recall_at_10\": %.4f, \"queries_per_s\": %.0f, \"documents_per_s\": %.0f}\n"
              : "ndcg@10 %.4f  recall@10 %.4f  %.0f queries/s  %.0f documents/s (one thread)\n",
      quality.ndcg_at_10, quality.recall_at_10, queries_per_s, documents_per_s);
  return 0;
}

}  // namespace
}  // namespace rhizome::vector

int main(int argc, char** argv) { return rhizome::vector::Run(argc, argv); }
