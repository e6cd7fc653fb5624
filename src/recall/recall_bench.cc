// recall_bench [--passages N] [--json]: what recall adds to a question, by processor time of one thread: fusing two
// rankings of a hundred, and the walk over a graph in memory. Passages have 25 entities each, drawn so that few
// entities have many passages and most have few, as in texts; every passage is about one.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/cpu_time.h"
#include "recall/passage_graph.h"

namespace rhizome::recall {
namespace {

PassageGraph Made(uint64_t passages) {
  PassageGraph graph;
  std::mt19937_64 random(11);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (uint64_t passage = 0; passage < passages; ++passage) {
    extract::Extraction extraction;
    for (uint32_t i = 0; i < 25; ++i) {
      // Of 4 entities for each passage, the rank is drawn with a density that falls as 1 / rank.
      const auto rank =
          static_cast<uint64_t>(std::exp(uniform(random) * std::log(4.0 * static_cast<double>(passages))));
      extract::Entity entity;
      entity.is_title = i == 0;
      entity.is_phrase = rank % 3 == 0;
      entity.key = "entity " + std::to_string(i == 0 ? passage + 1 : rank);
      extraction.entities.push_back(std::move(entity));
      extraction.mentions.push_back({i, 0, 1 + i % 3, 0, 1});
    }
    graph.Add(extraction);
  }
  graph.Seal();
  return graph;
}

int Run(int argc, char** argv) {
  uint64_t passages = 60'000;
  bool json = false;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) json = true;
    if (std::strcmp(argv[i], "--passages") == 0 && i + 1 < argc) passages = std::strtoull(argv[++i], nullptr, 10);
  }
  const PassageGraph graph = Made(passages);
  constexpr int kQuestions = 300;
  std::mt19937_64 random(5);
  std::vector<double> ms;
  for (int question = 0; question < kQuestions; ++question) {
    std::vector<Leg> legs(2);
    for (Leg& leg : legs) {
      for (int i = 0; i < 100; ++i)
        leg.passages.push_back({(random() % 40 + static_cast<uint64_t>(i) * 41) % passages, 100.0 - i});
    }
    const std::vector<Weighted> entities{{random() % graph.entities(), 1}, {random() % graph.entities(), 1}};
    const double start = ThreadCpuSeconds();
    Recall recall({}, legs, entities, graph.passages());
    CHECK(Complete(recall.walk(), graph.expander()).ok());
    CHECK(recall.Answer(10).size() == 10);
    ms.push_back((ThreadCpuSeconds() - start) * 1e3);
  }
  std::ranges::sort(ms);
  const double median = ms[kQuestions / 2], late = ms[kQuestions * 99 / 100];
  if (json) {
    fmt::print("{{\"passages\": {}, \"p50_ms\": {:.3f}, \"p99_ms\": {:.3f}}}\n", passages, median, late);
  } else {
    fmt::print("{} passages, {} entities: {:.2f} ms in the median, 99th percentile {:.2f} ms\n", passages,
               graph.entities(), median, late);
  }
  return 0;
}

}  // namespace
}  // namespace rhizome::recall

int main(int argc, char** argv) { return rhizome::recall::Run(argc, argv); }
