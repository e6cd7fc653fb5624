// What VectorEngine is opened with, asked and answers. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/version.h"
#include "engines/vector/filter.h"
#include "engines/vector/slot.h"
#include "format/point.h"

namespace rhizome::vector {

struct EngineOptions {
  uint32_t shard = 0;      // prefix of this shard's keys in the database
  std::string directory;   // holds the snapshot; exists
  uint32_t dimension = 0;  // 0: no vectors
  Metric metric = Metric::kCosine;
  std::string language = "english";
};

struct Query {
  std::span<const float> vector;  // empty: no dense leg
  std::string_view text;          // empty: no text leg
  uint32_t depth = 10;            // candidates wanted of each leg
  const Filter* filter = nullptr;
  bool exact = false;
  uint32_t ef = 0;  // 0: chosen
};

struct Candidate {
  format::PointId id;
  float score = 0;
};

// Best first in each leg; merging those of several shards is for the caller (engines/vector/fusion.h).
struct Candidates {
  std::vector<Candidate> dense;
  std::vector<Candidate> text;
};

struct FetchedPoint {
  format::Point point;
  Version version;
};

struct Page {
  std::vector<FetchedPoint> points;     // in id order
  std::optional<format::PointId> next;  // where to go on after; none: the end
};

}  // namespace rhizome::vector
