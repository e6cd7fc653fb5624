// SeriesSource: where samples come from; the seam between PromQL and whatever stores series.
//
// A source answers a selector with a stream of series in the order of their labels. The hints tell it what will be done
// with them: which times matter, and which function over which windows, under which aggregation. It may use them to
// read less or to prepare; it still gives samples.
//
// A source is used by one query at a time unless it says more; a stream by one thread, and it does not outlive its
// source.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "format/labels.h"
#include "format/matcher.h"
#include "promql/value.h"

namespace rhizome::promql {

struct SelectHints {
  // Samples outside [min_ms, max_ms] mean nothing to the query.
  int64_t min_ms = 0;
  int64_t max_ms = 0;
  // At step i of the grid the samples of [t - offset_ms - window_ms, t - offset_ms] count.
  Grid grid;
  int64_t offset_ms = 0;
  int64_t window_ms = 0;         // the range, or how far an instant selector looks back
  bool range = false;            // whether all samples of a window count or only its last
  std::string_view function;     // directly over the selector: "rate"; "" for none
  std::string_view aggregation;  // directly over that: "sum"; "" for none
  bool without = false;          // grouping names the labels that go, instead of those that stay
  std::vector<std::string> grouping;
};

// Views are valid until the stream is asked again. Times ascend strictly; as many values as times.
struct SeriesSamples {
  format::LabelsView labels;
  std::span<const int64_t> times_ms;
  std::span<const double> values;  // stale markers included
};

class SeriesStream {
 public:
  virtual ~SeriesStream() = default;
  // False when there are no more.
  virtual Result<bool> Next(SeriesSamples& out) = 0;
};

class SeriesSource {
 public:
  virtual ~SeriesSource() = default;
  // The series that satisfy every matcher, in the order of their labels, each once. One without samples in the hinted
  // times may be left out.
  virtual Result<std::unique_ptr<SeriesStream>> Select(std::span<const format::Matcher> matchers,
                                                       const SelectHints& hints) = 0;
};

}  // namespace rhizome::promql
