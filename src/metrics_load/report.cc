#include "metrics_load/report.h"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace rhizome::metrics_load {
namespace {

uint64_t FailuresOf(const LoadReport& report) {
  uint64_t failures = 0;
  for (const auto& [status, requests] : report.failures) failures += requests;
  return failures;
}

double BytesPerSample(const LoadReport& report) {
  return report.samples == 0 ? 0 : static_cast<double>(report.body_bytes) / static_cast<double>(report.samples);
}

}  // namespace

std::string ReportText(const LoadOptions& options, const LoadReport& report) {
  const std::string loop =
      options.rate > 0 ? fmt::format("open loop at {:.0f} samples/s", options.rate) : std::string("closed loop");
  std::string text = fmt::format("{} series, {} of each in a request, {} connections, {}\n", options.series,
                                 options.body.samples_per_series, options.connections, loop);
  text += fmt::format("  {:.0f} samples/s: {} samples in {} requests and {:.1f} s, {:.1f} bytes each on the wire\n",
                      report.samples_per_s(), report.samples, report.requests, report.seconds, BytesPerSample(report));
  const Latencies& latencies = report.latencies;
  text += fmt::format("  acknowledged after: p50 {:.2f} ms, p99 {:.2f} ms, p99.9 {:.2f} ms, max {:.2f} ms{}\n",
                      latencies.QuantileMs(0.5), latencies.QuantileMs(0.99), latencies.QuantileMs(0.999),
                      latencies.max_ms(), options.rate > 0 ? ", from when each was due" : "");
  if (!report.failures.empty()) {
    text += fmt::format("  {} requests of {} samples failed:", FailuresOf(report), report.failed_samples);
    for (const auto& [status, requests] : report.failures) text += fmt::format(" {} × {}", requests, status);
    text += "\n  one of them: " + report.complaint + "\n";
  }
  if (report.reached_now) text += "  ended early: the samples' time had come to the present\n";
  return text;
}

std::string ReportJson(const LoadOptions& options, const LoadReport& report) {
  boost::json::object json;
  json["series"] = options.series;
  json["samples_per_series"] = options.body.samples_per_series;
  json["samples_per_request"] = options.body.samples_per_body;
  json["connections"] = options.connections;
  json["rate"] = options.rate;
  json["seconds"] = report.seconds;
  json["samples"] = report.samples;
  json["requests"] = report.requests;
  json["body_bytes"] = report.body_bytes;
  json["samples_per_s"] = report.samples_per_s();
  json["p50_ms"] = report.latencies.QuantileMs(0.5);
  json["p99_ms"] = report.latencies.QuantileMs(0.99);
  json["p999_ms"] = report.latencies.QuantileMs(0.999);
  json["max_ms"] = report.latencies.max_ms();
  json["failed_requests"] = FailuresOf(report);
  json["failed_samples"] = report.failed_samples;
  boost::json::object& failures = json["failures"].emplace_object();
  for (const auto& [status, requests] : report.failures) failures[status] = requests;
  json["complaint"] = report.complaint;
  json["reached_now"] = report.reached_now;
  return boost::json::serialize(json) + "\n";
}

}  // namespace rhizome::metrics_load
