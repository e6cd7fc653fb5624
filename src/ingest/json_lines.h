// JSON lines, one series each: {"metric":{"__name__":"up","job":"a"},"values":[1,null],"timestamps":[5,6]}, the import
// and export format of VictoriaMetrics (docs/ingest.md).
//
// Timestamps are milliseconds. Numbers become the nearest double; null and "NaN" are NaN, "Infinity" and "-Infinity"
// what they say. Any line that cannot be read refuses the whole body; other members are passed over.
#pragma once

#include <string_view>

#include "ingest/taken.h"

namespace rhizome::ingest {

// `out` is empty, and empty again after a failure.
Result<Taken> DecodeJsonLines(std::string_view body, const Limits& limits, format::SeriesBatchBuilder& out);

}  // namespace rhizome::ingest
