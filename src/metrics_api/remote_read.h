// Remote read: the protobuf messages of Prometheus' protocol. A request and an answer of samples (prompb.ReadRequest,
// ReadResponse) are in snappy's block format; an answer of chunks is a stream of frames: length, CRC-32C, message
// (ChunkedReadResponse). What a request declares is checked before anything is allocated for it.
//
// Any bytes are safe input; errors are InvalidArgument (field "body") or TooLarge. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "format/labels.h"
#include "format/matcher.h"
#include "promql/source.h"

namespace rhizome::metrics_api {

inline constexpr size_t kReadRequestBytesMax = 1 << 20;  // inflated
inline constexpr size_t kReadQueriesMax = 64;
inline constexpr size_t kReadMatchersMax = 256;  // of one query

struct ReadQuery {
  int64_t min_ms = 0;
  int64_t max_ms = 0;
  std::vector<format::Matcher> matchers;
};

enum class ReadForm : uint8_t { kSamples = 0, kXorChunks = 1, kUnknown };

struct ReadRequest {
  std::vector<ReadQuery> queries;
  ReadForm form = ReadForm::kSamples;  // the first that was asked for and is known; without a wish samples
};

Result<ReadRequest> DecodeReadRequest(std::string_view snappy);

// One prompb.ReadResponse, written from front to back: results in the order of the queries, series in their results.
class ReadResponseWriter {
 public:
  void AddSeries(format::LabelsView labels, std::span<const int64_t> times_ms, std::span<const double> values);
  void EndResult();  // what was added since the last one is the next query's
  // Of what was written so far.
  size_t bytes() const { return body_.size() + result_.size(); }
  // In snappy's block format.
  std::string Take() const;

 private:
  std::string body_;
  std::string result_;
  std::string series_;
};

// The same as frames, each with one series or, when it is long, a part of it.
class ChunkStreamWriter {
 public:
  void AddSeries(format::LabelsView labels, std::span<const int64_t> times_ms, std::span<const double> values);
  void EndResult() { ++query_; }
  size_t bytes() const { return body_.size(); }
  std::string Take() const { return body_; }

 private:
  void EndFrame();

  uint64_t query_ = 0;
  std::string body_;
  std::string labels_;
  std::string series_;
  std::string chunk_;
};

}  // namespace rhizome::metrics_api
