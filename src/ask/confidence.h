// Confidence: how likely it is that what was retrieved holds the answer, as a share of questions: of those that are
// told .8, about eight in ten have theirs. A logistic function of five figures; how it was calibrated, and on what, is
// in docs/asking.md. Pure.
#pragma once

#include <array>

#include "ask/answer.h"
#include "ask/retrieve.h"

namespace rhizome::ask {

struct Evidence {
  double closeness = 0;         // of the passage closest by meaning, 0 to 1
  bool by_meaning = true;       // false: closeness was not taken
  double coverage = 0;          // Extract's
  double passage_coverage = 0;  // Extract's
  double names_found = 1;       // Extract's
  bool fact = false;            // a typed relation of the graph answers
};
inline constexpr size_t kFigures = 5;
// What the function sees, in the order of its weights and of tools/fit_confidence.py.
std::array<double, kFigures> FiguresOf(const Evidence& evidence);

Evidence EvidenceOf(const Retrieved& retrieved, const Extract& extract, bool fact);
// 0 to 1.
double ConfidenceOf(const Evidence& evidence);

// Below it the answer is "not in memory".
inline constexpr double kConfidenceMin = .4;

}  // namespace rhizome::ask
