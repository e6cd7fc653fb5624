// The API: Rhizome's routes (docs/http.md, docs/openapi.json). A handler reads the body into a struct, makes one
// call on the node, the ingestor or the embedder, and writes the answer; there is no database logic here.
//
// Bodies are JSON objects; unknown members are refused. Where `collection` may be left out, the default collection
// is meant. Thread-safe: handlers run on many threads at once.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "gateway/backend.h"
#include "gateway/router.h"

namespace rhizome::gateway {

struct ApiOptions {
  std::string default_collection = "documents";   // made at the first POST /documents that needs it
  std::string version;                            // of the program, told by /health
  std::function<void()> refresh_metrics = [] {};  // brings up to date what /metrics is about to show
};

// What /metrics shows, as text exposition.
std::string MetricsText(const ApiOptions& options, const BackendSlot& slot, const MetricRegistry& metrics);

// All routes. `slot` and `metrics` outlive every handler.
std::vector<Route> ApiRoutes(const ApiOptions& options, const BackendSlot& slot, MetricRegistry& metrics);

}  // namespace rhizome::gateway
