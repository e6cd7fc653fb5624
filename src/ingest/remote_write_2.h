// Prometheus remote write 2.0: a snappy block of an io.prometheus.write.v2.Request (docs/ingest.md).
//
// All strings stand once in a table of symbols and are referred to by number; the first is empty. A series whose
// references lead nowhere, or do not come in pairs, is left out like any other bad series. Metadata comes per series.
#pragma once

#include <string_view>
#include <vector>

#include "ingest/label_set.h"
#include "ingest/snappy_block.h"
#include "ingest/taken.h"

namespace rhizome::ingest {

// Keeps its working memory from one body to the next. One thread.
class RemoteWrite2Decoder {
 public:
  // `out` is empty, and empty again after a failure.
  Result<Taken> Decode(std::string_view body, const Limits& limits, format::SeriesBatchBuilder& out);
  // The protobuf message itself.
  Result<Taken> DecodeMessage(std::string_view message, const Limits& limits, format::SeriesBatchBuilder& out);

 private:
  class Run;

  struct Memory {
    std::vector<std::string_view> symbols;
    std::vector<uint64_t> refs;  // of the series that is read; a few more than the limits allow at most
    LabelSet set;
    std::vector<int64_t> times;
    std::vector<double> values;
  };

  SnappyBlock snappy_;
  Memory memory_;
};

}  // namespace rhizome::ingest
