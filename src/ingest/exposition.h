// Prometheus text exposition (0.0.4) and OpenMetrics text (1.0): what targets show to scrapers, as an import
// (docs/ingest.md).
//
// Any line that cannot be read refuses the whole body, as a scrape would be. HELP, TYPE and UNIT are handed on.
// Times are milliseconds in the first format and seconds in the second.
#pragma once

#include <string_view>

#include "ingest/taken.h"

namespace rhizome::ingest {

enum class ExpositionFormat { kPrometheus, kOpenMetrics };

struct ExpositionOptions {
  ExpositionFormat format = ExpositionFormat::kPrometheus;
  int64_t now_ms = 0;  // the time of samples without one
};

// `out` is empty, and empty again after a failure.
Result<Taken> DecodeExposition(std::string_view body, const ExpositionOptions& options, const Limits& limits,
                               format::SeriesBatchBuilder& out);

}  // namespace rhizome::ingest
