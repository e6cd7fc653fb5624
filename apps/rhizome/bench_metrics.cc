// `rhizome bench metrics`: a load of samples on any server of metrics.
#include <fmt/format.h>
#include <signal.h>

#include <atomic>

#include "commands.h"
#include "metrics_load/report.h"
#include "progress.h"

namespace rhizome::app {
namespace {

using metrics_load::LoadOptions;
using metrics_load::LoadReport;

constexpr uint32_t kNativeBatch = 10'000;
constexpr uint32_t kOthersBatch = 1'000;

std::atomic<bool> stop{false};
static_assert(std::atomic<bool>::is_always_lock_free);  // raised by a signal

Result<LoadOptions> OptionsOf(const BenchMetricsArguments& arguments) {
  LoadOptions options = arguments.load;
  ASSIGN_OR_RETURN(options.body.protocol, metrics_load::ProtocolOf(arguments.protocol));
  const bool native = options.body.protocol == metrics_load::Protocol::kNative;
  const uint32_t usual = std::max(native ? kNativeBatch : kOthersBatch, options.body.samples_per_series);
  options.body.samples_per_body = arguments.batch > 0 ? arguments.batch : usual;
  return options;
}

Result<LoadReport> Run(const LoadOptions& options, bool quiet) {
  const uint64_t total = options.rounds * options.series * options.body.samples_per_series;
  Progress progress(total, quiet, "samples");
  return RunLoad(options, stop, [&](uint64_t samples) { progress.Advance(samples, samples); });
}

}  // namespace

int BenchMetrics(const BenchMetricsArguments& arguments) {
  // What was measured until then is told.
  signal(SIGINT, [](int) { stop = true; });
  signal(SIGTERM, [](int) { stop = true; });
  const auto options = OptionsOf(arguments);
  const auto report = options.ok() ? Run(*options, arguments.quiet) : options.status();
  if (!report.ok()) {
    fmt::print(stderr, "rhizome bench metrics: {}\n", report.status().ToString());
    return 1;
  }
  fmt::print("{}", arguments.json ? ReportJson(*options, *report) : ReportText(*options, *report));
  if (report->requests == 0) return 1;
  return report->failures.empty() ? 0 : 2;
}

}  // namespace rhizome::app
