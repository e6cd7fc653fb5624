// InfluxDB line protocol: measurement,tag=value field=1.5,other=2i 1700000000000000000 (docs/ingest.md).
//
// Each numeric field is a sample of the series measurement_field with the tags as labels; what may not stand in a name
// becomes an underscore. A line is the unit: one that cannot be read is left out with the reason, the others are kept.
#pragma once

#include <string_view>

#include "ingest/taken.h"

namespace rhizome::ingest {

// Of the timestamps, as the request's parameter "precision" says.
enum class TimePrecision { kNanoseconds, kMicroseconds, kMilliseconds, kSeconds, kMinutes, kHours };

// "" or "n" or "ns", "u" or "us" or "µ", "ms", "s", "m", "h". InvalidArgument (field "precision") for anything else.
Result<TimePrecision> TimePrecisionOf(std::string_view parameter);

struct LineProtocolOptions {
  TimePrecision precision = TimePrecision::kNanoseconds;
  int64_t now_ms = 0;  // the time of lines without one
};

// Only a body beyond its limits is refused as a whole. `out` is empty, and empty again after a failure.
Result<Taken> DecodeLineProtocol(std::string_view body, const LineProtocolOptions& options, const Limits& limits,
                                 format::SeriesBatchBuilder& out);

}  // namespace rhizome::ingest
