// Evaluation and estimation of filters over one part of a payload index.
#pragma once

#include "engines/vector/filter.h"
#include "engines/vector/payload_index_part.h"

namespace rhizome::vector {

// How many slots satisfy a filter. low <= truth <= high; `expected` assumes independent conditions.
struct Cardinality {
  double low = 0;
  double high = 0;
  double expected = 0;

  bool exact() const { return low == high; }
};

// The slots of the part's range that satisfy `filter`; bits outside the range are unspecified.
BitRange EvaluateFilter(const PayloadPart& part, const Filter& filter);

// Reads list sizes only, no list.
Cardinality EstimateFilter(const PayloadPart& part, const Filter& filter);

}  // namespace rhizome::vector
