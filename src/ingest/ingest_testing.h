// What tests of decoders share: the rows of a builder by the names of their series.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "format/series_batch.h"
#include "ingest/taken.h"

namespace rhizome::ingest {

struct Row {
  std::string series;
  int64_t time_ms = 0;
  uint64_t bits = 0;

  Row(std::string named, int64_t time, double value)
      : series(std::move(named)), time_ms(time), bits(std::bit_cast<uint64_t>(value)) {}
  bool operator==(const Row&) const = default;
};
inline std::ostream& operator<<(std::ostream& out, const Row& row) {
  return out << row.series << " @" << row.time_ms << " = " << std::bit_cast<double>(row.bits);
}

// As the batch that a builder makes gives them back, so that what is not canonical is noticed.
inline std::vector<Row> RowsOf(const format::SeriesBatchBuilder& builder) {
  const std::string bytes = builder.Encode();
  const auto batch = format::SeriesBatch::Decode(bytes);
  if (!batch.ok()) return {Row(batch.status().ToString(), 0, 0)};
  std::vector<Row> rows;
  batch->ForEachRow([&](uint32_t series, int64_t time, double value) {
    rows.emplace_back(batch->LabelsOf(series).ToString(), time, value);
  });
  return rows;
}

// The message with two bytes changed, many times: what the decoder and protobuf's own code both accept has as many
// samples for either.
template <typename Message, typename Decoder>
void ExpectAgreementOnDamaged(const std::string& message, Decoder& decoder, const Limits& limits) {
  std::mt19937 random(5);
  format::SeriesBatchBuilder out;
  size_t both = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string damaged = message;
    for (int i = 0; i < 2; ++i) damaged[random() % damaged.size()] = static_cast<char>(random());
    Message judge;
    const bool judged = judge.ParseFromString(damaged);
    out.Clear();
    const auto taken = decoder.DecodeMessage(damaged, limits, out);
    if (!judged || !taken.ok()) continue;
    ++both;
    uint64_t samples = 0;
    for (const auto& series : judge.timeseries()) {
      samples += static_cast<uint64_t>(series.samples_size() + series.histograms_size());
    }
    ASSERT_EQ(taken->samples + taken->dropped, samples) << round;
    ASSERT_EQ(RowsOf(out).size(), taken->samples) << round;
  }
  EXPECT_GT(both, 1000u);
}

}  // namespace rhizome::ingest
