#include "eval_recall.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace rhizome::eval {

RecallEval::RecallEval(const std::vector<EvalDocument>& corpus) {
  for (const EvalDocument& document : corpus) {
    numbers_.emplace(document.id, ids_.size());
    ids_.push_back(document.id);
    graph_.Add(extractor_.Extract(document.title, document.text));
  }
  graph_.Seal();
}

Ranking RecallEval::Fused(const Searched& searched) const {
  Ranking ranking;
  for (const recall::ScoredPassage& passage : recall::FuseLegs(std::vector{searched.text, searched.dense})) {
    if (ranking.size() < kDepth) ranking.push_back(ids_[passage.passage]);
  }
  return ranking;
}

recall::Recall RecallEval::Run(const recall::RecallOptions& options, const Searched& searched) {
  const auto entities = graph_.QueryEntities(extractor_.ExtractQuery(searched.query));
  recall::Recall recall(options, std::vector{searched.text, searched.dense}, entities, graph_.passages());
  const Status status = recall::Complete(recall.walk(), graph_.expander());
  CHECK(status.ok());  // memory has no other answer
  return recall;
}

Ranking RecallEval::ByWalk(const recall::RecallOptions& options, const Searched& searched) {
  recall::Recall recall = Run(options, searched);
  std::vector<recall::Arrival> arrivals = recall.walk().Arrivals();
  std::ranges::stable_sort(arrivals, std::greater<>(), &recall::Arrival::visits);
  Ranking ranking;
  for (size_t i = 0; i < arrivals.size() && i < kDepth; ++i) ranking.push_back(ids_[arrivals[i].passage]);
  return ranking;
}

Ranking RecallEval::Recalled(const recall::RecallOptions& options, const Searched& searched) {
  Ranking ranking;
  for (const recall::Recalled& recalled : Run(options, searched).Answer(kDepth))
    ranking.push_back(ids_[recalled.passage]);
  return ranking;
}

std::vector<Variation> Variations() {
  std::vector<Variation> all{{"default", {}}};
  const auto vary = [&](const std::string& name, std::initializer_list<double> values, auto set) {
    for (const double value : values) {
      recall::RecallOptions options;
      set(options, value);
      all.push_back({fmt::format("{} {}", name, value), options});
    }
  };
  vary("lift", {0, .3, .5, .6, .8, .9}, [](auto& o, double v) { o.lift = v; });
  vary("arrived_min", {0, .02, .1, .2}, [](auto& o, double v) { o.arrived_min = v; });
  vary("entity_share", {0, .05, .2, .5}, [](auto& o, double v) { o.entity_share = v; });
  vary("start_sharpness", {1, 2, 6, 8}, [](auto& o, double v) { o.start_sharpness = v; });
  vary("start_passages", {1, 3, 5, 20}, [](auto& o, double v) { o.start_passages_max = static_cast<uint32_t>(v); });
  vary("restart", {.15, .5, .7}, [](auto& o, double v) { o.walk.restart = v; });
  vary("title_weight", {1, 3, 30}, [](auto& o, double v) { o.walk.title_weight = v; });
  vary("title_share", {.5, .7, .8, .95}, [](auto& o, double v) { o.walk.title_share = v; });
  vary("phrase_weight", {.03, .3, 1}, [](auto& o, double v) { o.walk.phrase_weight = v; });
  vary("rounds", {2, 6, 8}, [](auto& o, double v) { o.walk.rounds_max = static_cast<uint32_t>(v); });
  vary("residual_min", {1e-4, 1e-2}, [](auto& o, double v) { o.walk.residual_min = v; });
  vary("arrival_min", {0, 5e-5, 2e-4, 5e-3}, [](auto& o, double v) { o.walk.arrival_min = v; });
  vary("hub_passages", {50, 100, 400}, [](auto& o, double v) { o.walk.hub_passages_max = static_cast<uint32_t>(v); });
  vary("common_share", {.03, .3}, [](auto& o, double v) { o.walk.common_share_max = v; });
  return all;
}

}  // namespace rhizome::eval
