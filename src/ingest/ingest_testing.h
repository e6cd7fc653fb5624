// What tests of decoders share: the rows of a builder by the names of their series.
#pragma once

#include <bit>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "format/series_batch.h"

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

}  // namespace rhizome::ingest
