// Prometheus remote write 1.0: a snappy block of a protobuf WriteRequest (docs/ingest.md).
//
// Samples come through bit for bit, stale markers included. Metadata is handed on, exemplars are counted, each native
// histogram is a sample refused. Fields that are not known are passed over, as protobuf has it.
#pragma once

#include <string_view>
#include <vector>

#include "ingest/label_set.h"
#include "ingest/snappy_block.h"
#include "ingest/taken.h"

namespace rhizome::ingest {

// Keeps its working memory from one body to the next. One thread.
class RemoteWriteDecoder {
 public:
  // `out` is empty, and empty again after a failure.
  Result<Taken> Decode(std::string_view body, const Limits& limits, format::SeriesBatchBuilder& out);
  // The protobuf message itself, when someone else has undone the compression.
  Result<Taken> DecodeMessage(std::string_view message, const Limits& limits, format::SeriesBatchBuilder& out);

 private:
  class Run;

  // The bytes of a label of an earlier series of the same body, which was sound and in order: `head` of them are the
  // name with its tag and length, behind them come a tag and a length of one byte each, and the value.
  struct Known {
    const char* raw = nullptr;
    size_t size = 0;
    size_t head = 0;
    bool names_metric = false;
  };
  struct Memory {
    std::vector<Known> known;
    std::vector<format::LabelPair> labels;  // of the series that is read, and the bytes of each
    std::vector<std::string_view> raw;
    LabelSet set;
    std::vector<int64_t> times;
    std::vector<double> values;
  };

  SnappyBlock snappy_;
  Memory memory_;
};

}  // namespace rhizome::ingest
