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

// Fitted by tools/fit_confidence.py on what `./dev eval FOLDER --evidence FILE` writes (docs/asking.md): closeness that
// was not taken says nothing, which is not the same as having been 0.
constexpr Weights kWithMeaning{-5.07, {3.92, 2.78, .83, 1.37, kFact}};
constexpr Weights kWordsAlone{-3.42, {0, 3.36, 1.41, 1.58, kFact}};

}  // namespace

std::array<double, kFigures> FiguresOf(const Evidence& evidence) {
  return {std::clamp(evidence.closeness, 0.0, 1.0), evidence.coverage, evidence.passage_coverage, evidence.names_found,
          evidence.fact ? 1.0 : 0.0};
}

Evidence EvidenceOf(const Retrieved& retrieved, const Extract& extract, bool fact) {
  Evidence evidence;
  evidence.by_meaning = retrieved.by_meaning;
  for (const Passage& passage : retrieved.passages) {
    evidence.closeness = std::max(evidence.closeness, passage.closeness);
  }
  evidence.coverage = extract.coverage;
  evidence.passage_coverage = extract.passage_coverage;
  evidence.names_found = extract.names_found;
  evidence.fact = fact;
  return evidence;
}

double ConfidenceOf(const Evidence& evidence) {
  const auto figures = FiguresOf(evidence);
  const Weights& weights = evidence.by_meaning ? kWithMeaning : kWordsAlone;
  double sum = weights.bias;
  for (size_t i = 0; i < kFigures; ++i) sum += weights.of[i] * figures[i];
  return 1 / (1 + std::exp(-sum));
}

}  // namespace rhizome::ask
