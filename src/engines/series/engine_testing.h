// What tests of the engine share: batches said plainly, and a model that answers as an engine should.
#pragma once

#include <bit>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "engines/series/block_testing.h"
#include "engines/series/engine.h"
#include "engines/series/sample_order.h"
#include "format/series_batch.h"

namespace rhizome::series {

inline constexpr int64_t kHourMs = 3'600'000;
// A multiple of a day, so that partitions of every length begin here.
inline constexpr int64_t kEpochMs = 20'000 * 24 * kHourMs;

inline Version VersionAt(int64_t ms) { return {static_cast<uint64_t>(ms) << 16, 1}; }
inline uint64_t StampOf(int64_t ms) { return VersionAt(ms).time; }

struct TestRow {
  format::Labels labels;
  int64_t time_ms = 0;
  double value = 0;
};

inline std::string EncodeRows(Version version, const std::vector<TestRow>& rows) {
  format::SeriesBatchBuilder builder;
  for (const TestRow& row : rows) builder.Add(builder.SeriesOf(row.labels), row.time_ms, row.value);
  return builder.Encode(version);
}

inline void ApplyRows(SeriesEngine& engine, uint64_t lsn, Version version, const std::vector<TestRow>& rows) {
  const std::string bytes = EncodeRows(version, rows);
  engine.Apply(lsn, format::SeriesBatch::Decode(bytes).value());
}

// One log record.
struct TestBatch {
  Version version;
  std::vector<TestRow> rows;
};
using TestRecord = std::variant<TestBatch, Deletion>;

inline Status ApplyRecord(SeriesEngine& engine, uint64_t lsn, const TestRecord& record) {
  if (const auto* const deletion = std::get_if<Deletion>(&record)) return engine.Delete(lsn, *deletion);
  const auto& batch = std::get<TestBatch>(record);
  ApplyRows(engine, lsn, batch.version, batch.rows);
  return Status::Ok();
}

// Labels as text → the bits of the value at each time.
using Answer = std::map<std::string, std::map<int64_t, uint64_t>>;

// Also checks that series come in the order of their labels, and times ascend.
inline Result<Answer> Ask(const SeriesEngine& engine, const std::vector<format::Matcher>& matchers = {},
                          int64_t from = INT64_MIN, int64_t to = INT64_MAX) {
  Answer answer;
  format::Labels before;
  const auto selection = engine.Select(matchers, from, to);
  while (true) {
    ASSIGN_OR_RETURN(const bool more, selection->Next());
    if (!more) return answer;
    const format::Labels labels(selection->labels());
    CHECK(answer.empty() || before < labels);
    before = labels;
    auto& series = answer[labels.view().ToString()];
    const Samples& samples = selection->samples();
    for (size_t i = 0; i < samples.size(); ++i) {
      CHECK(series.empty() || series.rbegin()->first < samples.times[i]);
      series[samples.times[i]] = std::bit_cast<uint64_t>(samples.values[i]);
    }
  }
}

// Keeps everything it was told and works the answer out anew each time.
class Model {
 public:
  void Apply(const TestRecord& record) { records_.push_back(record); }

  Answer Ask(const std::vector<format::Matcher>& matchers = {}, int64_t from = INT64_MIN,
             int64_t to = INT64_MAX) const {
    Answer answer;
    for (const TestRecord& record : records_) {
      const auto* const batch = std::get_if<TestBatch>(&record);
      if (batch == nullptr) continue;
      for (const TestRow& row : batch->rows) {
        if (row.time_ms < from || row.time_ms > to || !MatchesAll(matchers, row.labels) || IsHidden(*batch, row)) {
          continue;
        }
        const auto bits = std::bit_cast<uint64_t>(row.value);
        const auto [at, fresh] = answer[row.labels.view().ToString()].try_emplace(row.time_ms, bits);
        if (!fresh) at->second = std::bit_cast<uint64_t>(Prevailing(std::bit_cast<double>(at->second), row.value));
      }
    }
    return answer;
  }

 private:
  static bool MatchesAll(const std::vector<format::Matcher>& matchers, const format::Labels& labels) {
    for (const format::Matcher& matcher : matchers) {
      if (!matcher.Matches(labels.Get(matcher.name()))) return false;
    }
    return true;
  }

  bool IsHidden(const TestBatch& batch, const TestRow& row) const {
    for (const TestRecord& record : records_) {
      const auto* const d = std::get_if<Deletion>(&record);
      if (d == nullptr || row.time_ms < d->from_ms || row.time_ms > d->to_ms) continue;
      const bool prompt = std::abs(row.time_ms - batch.version.WallMs()) <= 600'000;
      const bool before = prompt ? row.time_ms <= static_cast<int64_t>(d->stamp >> 16) : batch.version.time <= d->stamp;
      if (before && MatchesAll(d->matchers, row.labels)) return true;
    }
    return false;
  }

  std::vector<TestRecord> records_;
};

// A history of a few series over some hours: prompt and late samples, conflicts, deletions.
inline std::vector<TestRecord> RandomRecords(std::mt19937_64& random, size_t count) {
  const std::string names[] = {"a", "b", "c", "d", "e"};
  std::vector<TestRecord> records;
  int64_t now = kEpochMs;
  for (size_t i = 0; i < count; ++i) {
    now += static_cast<int64_t>(random() % 600'000);
    if (random() % 8 == 0) {
      Deletion deletion{StampOf(now), now - static_cast<int64_t>(random() % (12 * kHourMs)), 0, {}};
      deletion.to_ms = deletion.from_ms + static_cast<int64_t>(random() % (12 * kHourMs));
      deletion.matchers.push_back(random() % 2 ? MatcherOf("host", format::MatchKind::kEqual, names[random() % 5])
                                               : MatcherOf("host", format::MatchKind::kRegex, "[a-c]"));
      records.push_back(std::move(deletion));
      continue;
    }
    TestBatch batch{VersionAt(now), {}};
    for (size_t row = 0; row < 1 + random() % 20; ++row) {
      const bool late = random() % 4 == 0;
      // Few distinct times, so that samples meet.
      const int64_t back = late ? static_cast<int64_t>(random() % 20) * kHourMs / 2 : 0;
      const int64_t time = (now - back) / 60'000 * 60'000;
      const double value =
          random() % 9 == 0 ? std::bit_cast<double>(kStaleMarkerBits) : static_cast<double>(random() % 5);
      batch.rows.push_back({LabelsOf({{"__name__", "m"}, {"host", names[random() % 5]}}), time, value});
    }
    records.push_back(std::move(batch));
  }
  return records;
}

}  // namespace rhizome::series
