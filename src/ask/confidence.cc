#include "ask/confidence.h"

#include <algorithm>
#include <cmath>

namespace rhizome::ask {
namespace {

// Fitted by tools/fit_confidence.py on what `./dev eval FOLDER --evidence FILE` writes; see docs/asking.md.
constexpr double kBias = -5.0;
constexpr std::array<double, kFigures> kWeights{5.0, 2.0, 2.0, 2.0, 0.5, 1.0};
constexpr double kClosenessUnknown = .5;  // about what a collection without vectors would have had

}  // namespace

const std::array<std::string_view, kFigures> kFigureNames{"closeness",   "coverage", "passage_coverage",
                                                          "names_found", "arrived",  "fact"};

std::array<double, kFigures> FiguresOf(const Evidence& evidence) {
  return {evidence.by_meaning ? std::clamp(evidence.closeness, 0.0, 1.0) : kClosenessUnknown,
          evidence.coverage,
          evidence.passage_coverage,
          evidence.names_found,
          std::clamp(evidence.arrived, 0.0, 1.0),
          evidence.fact ? 1.0 : 0.0};
}

Evidence EvidenceOf(const Retrieved& retrieved, const Extract& extract, bool fact) {
  Evidence evidence;
  evidence.by_meaning = retrieved.by_meaning;
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
  double sum = kBias;
  for (size_t i = 0; i < kFigures; ++i) sum += kWeights[i] * figures[i];
  return 1 / (1 + std::exp(-sum));
}

}  // namespace rhizome::ask
