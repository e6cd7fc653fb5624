#include "metrics_load/workload.h"

#include <fmt/format.h>

#include <cmath>

namespace rhizome::metrics_load {
namespace {

constexpr uint64_t kKinds = 10;  // series i is of kind i mod 10
constexpr uint64_t kTwoDecimals = 5, kBytes = 7, kNearConstant = 8, kFullPrecision = 9;
constexpr uint64_t kHostsPerHistogram = 5;  // the series of each hold two of its ten buckets
constexpr const char* kMetrics[kKinds] = {"http_requests_total",
                                          "rpc_handled_total",
                                          "network_receive_packets_total",
                                          "http_request_duration_seconds_bucket",
                                          "http_request_duration_seconds_bucket",
                                          "node_temperature_celsius",
                                          "cpu_busy_percent",
                                          "process_resident_memory_bytes",
                                          "workers_configured",
                                          "signal_level"};
constexpr const char* kBuckets[2 * kHostsPerHistogram] = {"0.005", "0.01", "0.025", "0.05", "0.1",
                                                          "0.25",  "0.5",  "1",     "2.5",  "+Inf"};

// SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014).
uint64_t NextRandom(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}
double Uniform(uint64_t& state) { return static_cast<double>(NextRandom(state) >> 11) * 0x1p-53; }
// Nearly normal, of mean 0 and variance 1: the sum of four 16-bit uniforms.
double Normal(uint64_t& state) {
  const uint64_t bits = NextRandom(state);
  const auto sum = static_cast<double>((bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48));
  return (sum / 65536 - 2) * 1.7320508075688772;
}

bool IsBucket(uint64_t kind) { return kind == 3 || kind == 4; }
uint64_t BucketOf(uint64_t series) { return 2 * (series / kKinds % kHostsPerHistogram) + series % kKinds - 3; }
// The buckets of a histogram differ in nothing but "le".
uint64_t HostOf(uint64_t series) {
  const uint64_t host = series / kKinds;
  return IsBucket(series % kKinds) ? host / kHostsPerHistogram * kHostsPerHistogram : host;
}

}  // namespace

LabelList LabelsOf(uint64_t series) {
  const uint64_t kind = series % kKinds, host = HostOf(series);
  LabelList labels;
  labels.reserve(8);
  labels.emplace_back("__name__", kMetrics[kind]);
  labels.emplace_back("cluster", "production-eu-west-1");
  if (!IsBucket(kind)) labels.emplace_back("device", fmt::format("d{}", kind));
  labels.emplace_back("instance", fmt::format("10.{}.{}.{}:9100", host >> 16 & 255, host >> 8 & 255, host & 255));
  labels.emplace_back("job", fmt::format("service-{:02}", host / kHostsPerHistogram % 20));
  if (IsBucket(kind)) labels.emplace_back("le", kBuckets[BucketOf(series)]);
  labels.emplace_back("namespace", "checkout");
  labels.emplace_back("pod", fmt::format("pod-{:x}", host));
  labels.emplace_back("zone", fmt::format("z{}", host / kHostsPerHistogram % 10));
  return labels;
}

Workload::Workload(const WorkloadOptions& options, uint64_t first_series, uint64_t count)
    : options_(options), first_series_(first_series), states_(count) {
  for (uint64_t i = 0; i < count; ++i) Begin(states_[i], first_series + i);
}

void Workload::Begin(State& state, uint64_t series) const {
  const uint64_t kind = options_.full_precision ? kFullPrecision : series % kKinds;
  state.random = options_.seed * 0x2545f4914f6cdd1d + series;
  state.phase_ms = static_cast<uint32_t>(NextRandom(state.random) % static_cast<uint64_t>(options_.interval_ms));
  const uint64_t start = NextRandom(state.random);
  if (IsBucket(kind)) {
    uint64_t of_host = options_.seed * 0x2545f4914f6cdd1d + ~HostOf(series);
    state.pace = std::pow(10.0, Uniform(of_host) * 3) * static_cast<double>(BucketOf(series) + 1);
    state.value = std::floor(state.pace * 1'000);
  } else if (kind < kTwoDecimals) {
    state.pace = std::pow(10.0, Uniform(state.random) * 4 - 1);  // 0.1 to 1000
    state.value = static_cast<double>(start % 1'000'000);
  } else if (kind < kBytes) {
    state.value = static_cast<double>(2'000 + start % 6'000);  // hundredths
  } else if (kind == kBytes) {
    state.value = static_cast<double>(25'000 + start % 250'000);  // pages
  } else if (kind == kNearConstant) {
    state.value = static_cast<double>(start % 16);
  } else {
    state.value = static_cast<double>(start >> 11) * 0x1p-53 * 1'000;
  }
}

double Workload::NextValue(State& state, uint64_t kind) const {
  if (kind < kTwoDecimals) return state.value += std::floor(2 * state.pace * Uniform(state.random) + 0.5);
  if (kind < kBytes) {
    state.value += std::round(50 * Normal(state.random));
    return state.value / 100;
  }
  if (kind == kBytes) {
    if (Uniform(state.random) < 0.5) state.value = std::max(0.0, state.value + std::round(100 * Normal(state.random)));
    return state.value * 4096;
  }
  if (kind == kNearConstant) {
    if (Uniform(state.random) < 0.01) state.value = static_cast<double>(NextRandom(state.random) % 16);
    return state.value;
  }
  return state.value += Normal(state.random);
}

Sample Workload::Next(uint64_t i) {
  State& state = states_[i];
  Sample sample{options_.start_ms + options_.interval_ms * static_cast<int64_t>(state.index++) + state.phase_ms, 0};
  if (NextRandom(state.random) % 20 == 0) {
    sample.time_ms +=
        static_cast<int64_t>((Uniform(state.random) - 0.5) * 0.1 * static_cast<double>(options_.interval_ms));
  }
  sample.value = NextValue(state, options_.full_precision ? kFullPrecision : (first_series_ + i) % kKinds);
  return sample;
}

}  // namespace rhizome::metrics_load
