#include "ask/confidence.h"

#include <algorithm>
#include <cmath>

namespace rhizome::ask {
namespace {

struct Weights {
  double bias;
  std::array<double, kFigures> of;
};

// A relation that answers is rare in the evaluation questions: its weight is set and not fitted.
constexpr double kFact = 2;

// Fitted by tools/fit_confidence.py on what `./dev eval FOLDER --evidence FILE` writes (docs/asking.md): a figure that
// was not taken says nothing, which is not the same as having been 0.
constexpr Weights kWalkAndMeaning{-6.35, {2.05, 1.29, .33, 2.81, 5.90, kFact}};
constexpr Weights kWalk{-5.49, {0, 1.51, .53, 2.90, 6.28, kFact}};
constexpr Weights kMeaning{-6.01, {3.69, 1.86, .25, 3.22, 0, kFact}};
constexpr Weights kNeither{-4.41, {0, 2.34, .72, 3.47, 0, kFact}};

}  // namespace

const std::array<std::string_view, kFigures> kFigureNames{"closeness",   "coverage", "passage_coverage",
                                                          "names_found", "arrived",  "fact"};

std::array<double, kFigures> FiguresOf(const Evidence& evidence) {
  return {std::clamp(evidence.closeness, 0.0, 1.0),
          evidence.coverage,
          evidence.passage_coverage,
          evidence.names_found,
          std::clamp(evidence.arrived, 0.0, 1.0),
          evidence.fact ? 1.0 : 0.0};
}

Evidence EvidenceOf(const Retrieved& retrieved, const Extract& extract, bool fact) {
  Evidence evidence;
  evidence.by_meaning = retrieved.by_meaning;
  evidence.walked = retrieved.walked;
  for (const Passage& passage : retrieved.passages) {
    evidence.closeness = std::max(evidence.closeness, passage.closeness);
    evidence.arrived += passage.arrived;
  }
  evidence.coverage = extract.coverage;
  evidence.passage_coverage = extract.passage_coverage;
  evidence.names_found = extract.names_found;
  evidence.fact = fact;
  return evidence;
}

double ConfidenceOf(const Evidence& evidence) {
  const auto figures = FiguresOf(evidence);
  const Weights& weights =
      evidence.walked ? (evidence.by_meaning ? kWalkAndMeaning : kWalk) : (evidence.by_meaning ? kMeaning : kNeither);
  double sum = weights.bias;
  for (size_t i = 0; i < kFigures; ++i) sum += weights.of[i] * figures[i];
  return 1 / (1 + std::exp(-sum));
}

}  // namespace rhizome::ask
