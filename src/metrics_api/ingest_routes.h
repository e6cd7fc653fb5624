// The routes that take samples in (docs/metrics.md): every sender's format of src/ingest, and our own batches, into the
// store of a server alone.
//
// What senders are told: 204 (200 with a body for OTLP) when everything is kept, durably; 400 when some samples are
// refused for good, with how many, why, and that the others are kept, so that a sender does not repeat them; 503 with
// Retry-After when sending again may help and does no harm. Errors are problem documents.
// Thread-safe: handlers run on many threads at once.
#pragma once

#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "gateway/router.h"
#include "ingest/taken.h"
#include "metrics/store_slot.h"

namespace rhizome::metrics_api {

// `metrics` counts what comes in. All outlive every handler.
std::vector<gateway::Route> IngestRoutes(const ingest::Limits& limits, metrics::StoreSlot& slot,
                                         MetricRegistry& metrics, Clock& clock);

}  // namespace rhizome::metrics_api
