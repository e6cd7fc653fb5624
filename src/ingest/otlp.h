// OTLP/HTTP metrics: an ExportMetricsServiceRequest in protobuf or JSON (docs/ingest.md).
//
// Names follow otlp_names.h. service.namespace and service.name become the label job, service.instance.id instance; all
// other attributes of a resource are labels of its series target_info. Cumulative sums and histograms are taken, delta
// ones refused point by point: a store of samples cannot tell a repeated delta from a second one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ingest/taken.h"

namespace rhizome::ingest {

enum class OtlpEncoding { kProtobuf, kJson };

struct OtlpOptions {
  OtlpEncoding encoding = OtlpEncoding::kProtobuf;
  // Attributes of resources that become labels of all their series.
  std::vector<std::string> promoted = {};
};

// Taken::dropped counts data points, which an answer has to name; Taken::samples the samples made of all others. `out`
// is empty, and empty again after a failure.
Result<Taken> DecodeOtlp(std::string_view body, const OtlpOptions& options, const Limits& limits,
                         format::SeriesBatchBuilder& out);

}  // namespace rhizome::ingest
