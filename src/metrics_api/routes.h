// The query API of Prometheus 2.42 over a MetricsStore (docs/metrics_api.md): queries, series, labels, metadata,
// status, remote read, deleting. GET and form POST alike; what it answers, errors included, has Prometheus' shape.
//
// A request's tenant is its X-Scope-OrgID. A query ends with its deadline or when its client has gone.
// Thread-safe: handlers run on many threads at once.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "gateway/router.h"
#include "promql/evaluator.h"
#include "promql/metrics_store.h"

namespace rhizome::metrics_api {

struct MetricsApiOptions {
  promql::EngineOptions engine;  // its timeout is the longest that "timeout" may ask for
  uint64_t answer_bytes_max = 256ULL << 20;
  uint64_t read_samples_max = 50'000'000;                  // of one remote read
  std::string tenant_default = "default";                  // of requests that name none
  bool admin = false;                                      // whether delete_series does anything
  std::string version;                                     // of the program
  std::string config_yaml;                                 // told by status/config
  std::vector<std::pair<std::string, std::string>> flags;  // told by status/flags
  std::string retention;                                   // told by status/runtimeinfo, "" for none
};

// All routes, each under /api/v1/. `store` and `clock` outlive every handler.
std::vector<gateway::Route> MetricsRoutes(MetricsApiOptions options, promql::MetricsStore& store, Clock& clock);

}  // namespace rhizome::metrics_api
