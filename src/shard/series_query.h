// What replicas of series are asked by who evaluates a query, and its bytes (docs/formats/peer_messages.md): what they
// hold of some series, as records to be united with those of other replicas (engines/series/series_records.h), which
// series there are, or between which times. A peer is not trusted: decoders take any bytes and answer Corruption.
//
// Pure but for AnswerSeriesQuery, which reads shards of this process and blocks. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engines/series/admission.h"
#include "format/matcher.h"
#include "shard/series_shard.h"

namespace rhizome::shard {

struct SeriesQuery {
  enum class What : uint8_t {
    kSamples = 1,  // deletions and samples
    kSeries = 2,   // deletions and the labels of series that show a sample
    kTimes = 3,    // the least and the greatest time
    kCounts = 4,   // how many series of a tenant memory has, and which of some it knows
  };
  What what = What::kSamples;
  std::vector<std::vector<format::Matcher>> selectors;  // of at least one all hold; none: every series
  int64_t from_ms = 0;
  int64_t to_ms = 0;
  uint64_t bytes_max = 0;  // of an answer, about
  // Of kCounts alone.
  std::string tenant;               // the value of format::kTenantLabel
  std::vector<std::string> labels;  // of series

  struct Part {  // of one shard
    uint32_t shard = 0;
    bool too_much = false;  // more than the answer may hold; then nothing of it is here
    std::vector<std::string> deletions;
    std::vector<std::string> batches;  // samples
    std::vector<std::string> labels;   // of series, each once; kCounts: of those asked for that memory knows
    series::TimeExtent times;
    uint64_t series = 0;  // kCounts: in memory, of the tenant
  };
  struct Answer {
    std::vector<Part> parts;
  };
};

std::string EncodeSeriesQuery(const SeriesQuery& query);
Result<SeriesQuery> DecodeSeriesQuery(std::string_view bytes);
std::string EncodeSeriesAnswer(const SeriesQuery::Answer& answer);
Result<SeriesQuery::Answer> DecodeSeriesAnswer(std::string_view bytes);

struct AskedSeries {
  uint32_t number = 0;  // in the cluster
  std::shared_ptr<const SeriesShard> shard;
};
// Of all shards together, or the first failure.
Result<SeriesQuery::Answer> AnswerSeriesQuery(const std::vector<AskedSeries>& shards, const SeriesQuery& query);

}  // namespace rhizome::shard
