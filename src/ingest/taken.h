// What every sender's format has in common: the limits it is held to, and the account of what was taken from a body.
//
// A decoder takes a whole body and fills a SeriesBatchBuilder, which is empty before. Bytes that are not what the
// format says refuse the body as a whole: a Status that names the place, and an empty builder. A sample or a series
// that is well encoded but may not be stored is left out with a reason, and everything else of the body is kept: a
// sender that repeats the body gains nothing, which is what status 400 tells it.
//
// Statuses: InvalidArgument for malformed bytes, TooLarge for a body beyond its limit. Pure functions without clocks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "format/labels.h"
#include "format/series_batch.h"

namespace rhizome::ingest {

struct Limits {
  size_t body_bytes_max = 32 << 20;         // as it was sent
  size_t decoded_bytes_max = 128 << 20;     // behind decompression
  size_t samples_max = 5'000'000;           // of one body, those left out included
  size_t labels_max = 64;                   // of one series, the metric's name included
  size_t name_bytes_max = 1024;             // of a label
  size_t value_bytes_max = 4096;            // of a label
  size_t series_bytes_max = 16 << 10;       // of all labels of one series
  size_t dictionary_bytes_max = 256 << 20;  // of all series of one body; short bodies can name long series many times
};

// What a metric is, as its sender tells.
enum class MetricType : uint8_t { kUnknown, kCounter, kGauge, kHistogram, kGaugeHistogram, kSummary, kInfo, kStateSet };
// "counter"; "unknown" for kUnknown.
std::string_view MetricTypeName(MetricType type);

struct MetricMetadata {
  std::string metric;  // family
  MetricType type = MetricType::kUnknown;
  std::string help;
  std::string unit;
  bool operator==(const MetricMetadata&) const = default;
};

struct Taken {
  static constexpr size_t kReasonsMax = 8;
  static constexpr size_t kMetadataMax = 100'000;  // of one body; more are not handed on

  uint64_t samples = 0;         // in the builder
  uint64_t dropped = 0;         // left out, each for one of the reasons
  uint64_t exemplars = 0;       // seen; there is no place for them yet
  uint64_t strings = 0;         // fields of line protocol that are text; likewise
  std::vector<Status> reasons;  // the first few; a reason's field() is the place in the body
  std::vector<MetricMetadata> metadata;

  // `samples_lost` were left out because of `reason`, which is made only while there is room for it.
  template <typename Reason>
  void Drop(uint64_t samples_lost, Reason&& reason) {
    dropped += samples_lost;
    if (reasons.size() < kReasonsMax) reasons.push_back(reason());
  }
  void AddMetadata(MetricMetadata about) {
    if (metadata.size() < kMetadataMax) metadata.push_back(std::move(about));
  }
  // The account in a sentence, for an answer: "2 of 7 samples were refused; timeseries[1]: …". Empty if none was.
  std::string Complaint() const;
};

// Whether a series may be stored: a metric's name, names in the classic alphabet, everything within the limits.
// InvalidArgument without a field; it says what to do.
Status CheckSeries(format::LabelsView labels, const Limits& limits);
// The same for one label.
Status CheckLabel(std::string_view name, std::string_view value, const Limits& limits);

// InvalidArgument for bytes that are not what `format` says, at `where` ("body" or a place in it).
Status Malformed(std::string where, std::string_view why);
// TooLarge once a body has had more samples or labels than the limits allow: to be asked while it is read.
Status CheckTaken(const Taken& taken, const format::SeriesBatchBuilder& out, const Limits& limits);
// TooLarge unless the body is within its limit.
Status CheckBodySize(std::string_view body, const Limits& limits);

// A name or value as messages show it: quoted, cut when long, unprintable bytes escaped.
std::string Shown(std::string_view text);

}  // namespace rhizome::ingest
