// What a query costs over series in memory: sum by (rate) at an instant and over an hour at 15 s.
//   promql_bench [--json]
// The ratios are what to watch: a range's step against an instant, ten times the series against one.
#include <cstdio>
#include <cstring>
#include <string>

#include "base/check.h"
#include "base/clock.h"
#include "promql/engine.h"
#include "promql/memory_source_testing.h"

namespace rhizome::promql {
namespace {

constexpr int64_t kIntervalMs = 15'000;
constexpr int64_t kSamples = 280;  // an hour, and five minutes before it, and some
constexpr int64_t kEndMs = kSamples * kIntervalMs;
constexpr int kRuns = 5;

void Fill(MemorySource& source, int series) {
  for (int n = 0; n < series; ++n) {
    std::vector<double> values;
    for (int64_t i = 0; i < kSamples; ++i) values.push_back(static_cast<double>(i * (n % 17 + 1)));
    source.Add("requests_total{instance=\"host-" + std::to_string(n) + "\",job=\"job-" + std::to_string(n % 10) +
                   "\",zone=\"zone-" + std::to_string(n % 3) + "\"}",
               0, kIntervalMs, values);
  }
}

// The best of some runs, in nanoseconds.
double Timed(const std::function<Result<QueryResult>()>& query, QueryResult& last) {
  double best = 1e18;
  for (int run = 0; run < kRuns; ++run) {
    const int64_t before = SystemClock().MonotonicNs();
    auto result = query();
    best = std::min(best, static_cast<double>(SystemClock().MonotonicNs() - before));
    CHECK(result.ok());
    last = std::move(*result);
  }
  return best;
}

struct Figures {
  double instant_ms = 0;
  double instant_ns_per_sample = 0;
  double range_ms = 0;
  double range_ns_per_series_step = 0;
};

Figures Measure(int series) {
  MemorySource source;
  Fill(source, series);
  const Engine engine({}, SystemClock());
  const std::string query = "sum by (job) (rate(requests_total[5m]))";
  QueryResult result;
  const double instant = Timed([&] { return engine.Instant(query, kEndMs, {source}); }, result);
  const double per_sample = instant / static_cast<double>(result.samples_read);
  const double range =
      Timed([&] { return engine.Range(query, kEndMs - 3'600'000, kEndMs, kIntervalMs, {source}); }, result);
  const auto steps = static_cast<double>(result.series[0].values.size());
  return {instant / 1e6, per_sample, range / 1e6, range / (steps * series)};
}

}  // namespace
}  // namespace rhizome::promql

int main(int argc, char** argv) {
  using rhizome::promql::Measure;
  const auto few = Measure(1'000), many = Measure(10'000);
  if (argc > 1 && std::strcmp(argv[1], "--json") == 0) {
    std::printf(
        "{\"instant_1k_ms\": %.3f, \"instant_10k_ms\": %.3f, \"instant_ns_per_sample\": %.2f, \"range_1k_ms\": %.3f, "
        "\"range_10k_ms\": %.3f, \"range_ns_per_series_step\": %.2f, \"instant_10k_over_1k\": %.2f, "
        "\"range_10k_over_1k\": %.2f, \"range_over_instant\": %.2f}\n",
        few.instant_ms, many.instant_ms, many.instant_ns_per_sample, few.range_ms, many.range_ms,
        many.range_ns_per_series_step, many.instant_ms / few.instant_ms, many.range_ms / few.range_ms,
        many.range_ms / many.instant_ms);
    return 0;
  }
  std::printf("sum by (job) (rate(x[5m])), samples every 15 s in memory\n");
  std::printf("                          1,000 series  10,000 series\n");
  std::printf("  instant, ms               %10.3f     %10.3f\n", few.instant_ms, many.instant_ms);
  std::printf("  instant, ns per sample    %10.2f     %10.2f\n", few.instant_ns_per_sample, many.instant_ns_per_sample);
  std::printf("  1 h at 15 s, ms           %10.3f     %10.3f\n", few.range_ms, many.range_ms);
  std::printf("  … ns per series and step  %10.2f     %10.2f\n", few.range_ns_per_series_step,
              many.range_ns_per_series_step);
  std::printf("  range over instant        %10.2f     %10.2f\n", few.range_ms / few.instant_ms,
              many.range_ms / many.instant_ms);
  return 0;
}
