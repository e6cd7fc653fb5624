// MemorySource: series held in memory, for tests and benchmarks. Only they include this header.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "promql/parser.h"
#include "promql/source.h"

namespace rhizome::promql {

class MemorySource final : public SeriesSource {
 public:
  struct Series {
    std::vector<int64_t> times_ms;
    std::vector<double> values;
  };

  // `selector` names the series: all its matchers are equalities. The series may be filled as long as none is selected.
  Series& operator[](std::string_view selector) {
    const auto matchers = ParseSelector(selector).value();
    std::vector<format::LabelPair> pairs;
    for (const Matcher& matcher : matchers) pairs.push_back({matcher.name(), matcher.value()});
    return series_[format::Labels::FromPairs(pairs).value()];
  }
  Series& operator[](const format::Labels& labels) { return series_[labels]; }
  // One sample every `interval_ms` from `start_ms`.
  void Add(std::string_view selector, int64_t start_ms, int64_t interval_ms, const std::vector<double>& values) {
    Series& series = (*this)[selector];
    for (size_t i = 0; i < values.size(); ++i) {
      series.times_ms.push_back(start_ms + static_cast<int64_t>(i) * interval_ms);
      series.values.push_back(values[i]);
    }
  }
  // What the last Select was told.
  const SelectHints& hints() const { return hints_; }

  Result<std::unique_ptr<SeriesStream>> Select(std::span<const Matcher> matchers, const SelectHints& hints) override {
    hints_ = hints;
    auto stream = std::make_unique<Stream>();
    for (const auto& [labels, series] : series_) {
      bool matches = true;
      for (const Matcher& matcher : matchers) matches = matches && matcher.Matches(labels.Get(matcher.name()));
      if (matches) stream->found.emplace_back(&labels, &series);
    }
    return std::unique_ptr<SeriesStream>(std::move(stream));
  }

 private:
  struct Stream final : SeriesStream {
    Result<bool> Next(SeriesSamples& out) override {
      if (next == found.size()) return false;
      const auto& [labels, series] = found[next++];
      out = {*labels, series->times_ms, series->values};
      return true;
    }
    std::vector<std::pair<const format::Labels*, const Series*>> found;
    size_t next = 0;
  };

  std::map<format::Labels, Series> series_;
  SelectHints hints_;
};

}  // namespace rhizome::promql
