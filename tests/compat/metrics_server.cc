// Serves the metrics API over series from a file, for metrics_api_test.py to compare with Prometheus.
//   metrics_server SERIES
// SERIES is as series_file.h says. Prints its port on loopback, and ends when its standard input does.
#include <cstdio>
#include <iostream>
#include <string>

#include "base/clock.h"
#include "compat/series_file.h"
#include "gateway/server.h"
#include "metrics_api/memory_store_testing.h"
#include "metrics_api/routes.h"

namespace rhizome::metrics_api {
namespace {

int Run(const std::string& file) {
  MemoryStore store;
  compat::ReadSeries(file,
                     [&](const format::Labels& labels, std::vector<int64_t> times_ms, std::vector<double> values) {
                       store.Put("default", labels, {std::move(times_ms), std::move(values)});
                     });
  MetricsApiOptions options;
  options.version = "test";
  options.admin = true;
  gateway::ServerOptions server_options;
  server_options.port = 0;
  const auto server = gateway::Server::Start(server_options, MetricsRoutes(options, store, SystemClock()));
  if (!server.ok()) {
    std::fprintf(stderr, "%s\n", server.status().ToString().c_str());
    return 1;
  }
  std::cout << "port " << (*server)->port() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
  }
  return 0;
}

}  // namespace
}  // namespace rhizome::metrics_api

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: metrics_server SERIES\n");
    return 2;
  }
  return rhizome::metrics_api::Run(argv[1]);
}
