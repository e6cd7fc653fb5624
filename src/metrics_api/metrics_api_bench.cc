// What the answer to a range of 10,000 series at 240 steps costs: evaluating it, writing it as JSON, and both with HTTP
// around them.
//   metrics_api_bench [--json]
// The ratios are what to watch: JSON against evaluation, and a document tree of the same JSON against ours. "decimals"
// are values of few digits, which most samples are; "rates" have all seventeen.
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>

#include "base/check.h"
#include "base/clock.h"
#include "gateway/server.h"
#include "gateway/test_client.h"
#include "metrics_api/answers.h"
#include "metrics_api/memory_store_testing.h"
#include "metrics_api/routes.h"
#include "promql/engine.h"
#include "promql/text.h"

namespace rhizome::metrics_api {
namespace {

constexpr int64_t kIntervalMs = 15'000;
constexpr int64_t kSteps = 240;
constexpr int64_t kSamples = kSteps + 21;  // and five minutes before them
constexpr int64_t kFirstMs = 1'700'000'000'000;
constexpr int64_t kEndMs = kFirstMs + (kSamples - 1) * kIntervalMs;
constexpr int64_t kStartMs = kEndMs - (kSteps - 1) * kIntervalMs;
constexpr int kSeries = 10'000;
constexpr int kRuns = 3;

void Fill(MemoryStore& store) {
  for (int n = 0; n < kSeries; ++n) {
    std::vector<double> values;
    for (int64_t i = 0; i < kSamples; ++i) values.push_back(static_cast<double>(i * (n % 17 + 1)) + (n % 4) * 0.25);
    store.Add("default",
              "requests_total{instance=\"host-" + std::to_string(n) + "\",job=\"job-" + std::to_string(n % 10) +
                  "\",zone=\"zone-" + std::to_string(n % 3) + "\"}",
              kFirstMs, kIntervalMs, values);
  }
}

// The best of some runs, in milliseconds.
double Timed(const std::function<void()>& run) {
  double best = 1e18;
  for (int i = 0; i < kRuns; ++i) {
    const int64_t before = SystemClock().MonotonicNs();
    run();
    best = std::min(best, static_cast<double>(SystemClock().MonotonicNs() - before) / 1e6);
  }
  return best;
}

// The same JSON by way of a tree.
std::string ByTree(const promql::QueryResult& result) {
  boost::json::array series_list;
  for (const promql::ResultSeries& series : result.series) {
    boost::json::object metric;
    for (const format::LabelPair& pair : series.labels) metric[std::string(pair.name)] = std::string(pair.value);
    boost::json::array values;
    for (size_t i = 0; i < series.values.size(); ++i) {
      values.push_back(
          boost::json::array{static_cast<double>(series.times_ms[i]) / 1e3, promql::FormatPlain(series.values[i])});
    }
    series_list.push_back(boost::json::object{{"metric", std::move(metric)}, {"values", std::move(values)}});
  }
  return boost::json::serialize(boost::json::object{{"resultType", "matrix"}, {"result", std::move(series_list)}});
}

struct Figures {
  double evaluation_ms = 0;
  double json_ms = 0;
  double tree_ms = 0;
  double whole_ms = 0;
  double bytes_per_value = 0;
};

Figures Measure(MemoryStore& store, uint16_t port, const std::string& query) {
  std::vector<std::string> warnings;
  const auto source = store.Open({"default", INT64_MAX, nullptr, &warnings}).value();
  const promql::Engine engine({}, SystemClock());
  promql::QueryResult result;
  Figures figures;
  figures.evaluation_ms =
      Timed([&] { result = engine.Range(query, kStartMs, kEndMs, kIntervalMs, {*source}).value(); });
  CHECK(result.series.size() == kSeries && result.series[0].values.size() == kSteps);
  size_t bytes = 0;
  figures.json_ms = Timed([&] {
    std::string out;
    CHECK(AppendQueryData(result, 0, {UINT64_MAX}, out).ok());
    bytes = out.size();
  });
  figures.bytes_per_value = static_cast<double>(bytes) / (double{kSeries} * kSteps);
  figures.tree_ms = Timed([&] { CHECK(ByTree(result).size() > bytes / 2); });
  result = {};
  gateway::TestClient client(port);
  const std::string target = "/api/v1/query_range?query=" + query + "&start=" + std::to_string(kStartMs / 1000) +
                             "&end=" + std::to_string(kEndMs / 1000) + "&step=15";
  figures.whole_ms = Timed([&] {
    const gateway::Reply reply = client.Call("GET", target);
    CHECK(reply.status == 200 && reply.body.size() > bytes);
  });
  return figures;
}

void Print(const char* name, const Figures& figures, bool json) {
  const double json_ratio = figures.json_ms / figures.evaluation_ms;
  const double tree_ratio = figures.tree_ms / figures.json_ms;
  const double whole_ratio = figures.whole_ms / (figures.evaluation_ms + figures.json_ms);
  if (json) {
    std::printf("\"%s_json_to_evaluation\":%.3f,\"%s_tree_to_json\":%.2f,\"%s_whole_to_parts\":%.2f,", name, json_ratio,
                name, tree_ratio, name, whole_ratio);
    return;
  }
  std::printf("%-9s %14.1f %9.1f %9.1f %9.1f %12.1f %18.2f %14.1f %15.2f\n", name, figures.evaluation_ms,
              figures.json_ms, figures.tree_ms, figures.whole_ms, figures.bytes_per_value, json_ratio, tree_ratio,
              whole_ratio);
}

int Run(bool json) {
  MemoryStore store;
  Fill(store);
  gateway::ServerOptions options;
  options.port = 0;
  options.io_threads = 1;
  MetricRegistry metrics;
  const auto server = gateway::Server::Start(options, MetricsRoutes({}, store, SystemClock()), metrics);
  CHECK(server.ok());
  if (json) {
    std::printf("{");
  } else {
    std::printf("%d series, %d steps, milliseconds\n", kSeries, static_cast<int>(kSteps));
    std::printf("%-9s %14s %9s %9s %9s %12s %18s %14s %15s\n", "values", "evaluation", "JSON", "by tree", "HTTP",
                "bytes/value", "JSON/evaluation", "tree/JSON", "HTTP/(both)");
  }
  Print("decimals", Measure(store, (*server)->port(), "requests_total"), json);
  Print("rates", Measure(store, (*server)->port(), "rate(requests_total[5m])"), json);
  if (json) std::printf("\"series\":%d}\n", kSeries);
  return 0;
}

}  // namespace
}  // namespace rhizome::metrics_api

int main(int argc, char** argv) { return rhizome::metrics_api::Run(argc > 1 && std::strcmp(argv[1], "--json") == 0); }
