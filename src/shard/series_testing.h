// What tests of series shards share: batches in a line, and what an engine shows. Only they include this header.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engines/series/engine.h"
#include "format/series_batch.h"

namespace rhizome::shard {

struct NamedSample {
  std::string metric;
  int64_t time_ms = 0;
  double value = 0;
};

inline std::string BatchOf(const std::vector<NamedSample>& samples) {
  format::SeriesBatchBuilder builder;
  for (const NamedSample& sample : samples) {
    const std::vector<format::LabelPair> pairs = {{format::kMetricNameLabel, sample.metric}};
    builder.Add(builder.SeriesOf(format::Labels::FromPairs(pairs).value()), sample.time_ms, sample.value);
  }
  return builder.Encode();
}

inline format::Matcher MetricIs(std::string metric) {
  return format::Matcher::Make(format::MatchKind::kEqual, std::string(format::kMetricNameLabel), std::move(metric))
      .value();
}

using Shown = std::map<std::string, std::map<int64_t, double>>;

// By metric, everything there is.
inline Shown ShownBy(const series::SeriesEngine& engine) {
  Shown shown;
  const auto selection = engine.Select({}, INT64_MIN, INT64_MAX);
  while (selection->Next().value()) {
    auto& samples = shown[std::string(selection->labels().metric_name())];
    for (size_t i = 0; i < selection->samples().size(); ++i) {
      samples[selection->samples().times[i]] = selection->samples().values[i];
    }
  }
  return shown;
}

}  // namespace rhizome::shard
