// Metrics: counters, gauges and histograms with labels, rendered as Prometheus text.
//
// A metric is looked up once (a lock and a hash) and kept as a handle; changing it through the handle is a few
// atomic instructions, for a histogram one short uncontended lock. Handles are small values that stay valid as
// long as their registry. The same name and labels give the same metric; one name has one kind, one help text and,
// for histograms, one set of bounds. A broken name is our bug and fails a CHECK.
//
// Names follow Prometheus: base units, "_total" for counters ("wal_fsync_seconds", "http_requests_total").
// Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
class Registry;
}  // namespace prometheus

namespace rhizome {

using MetricLabels = std::map<std::string, std::string>;

class Counter {
 public:
  explicit Counter(prometheus::Counter* inner) : inner_(inner) {}
  void Add(double amount = 1);  // amount must not be negative
  double Value() const;

 private:
  prometheus::Counter* inner_;
};

class Gauge {
 public:
  explicit Gauge(prometheus::Gauge* inner) : inner_(inner) {}
  void Set(double value);
  void Add(double amount);
  double Value() const;

 private:
  prometheus::Gauge* inner_;
};

class Histogram {
 public:
  explicit Histogram(prometheus::Histogram* inner) : inner_(inner) {}
  void Observe(double value);

 private:
  prometheus::Histogram* inner_;
};

// Bounds for latencies in seconds: 100 µs to 60 s, about three per decade.
const std::vector<double>& LatencyBounds();

class MetricRegistry {
 public:
  MetricRegistry();
  ~MetricRegistry();
  MetricRegistry(const MetricRegistry&) = delete;
  MetricRegistry& operator=(const MetricRegistry&) = delete;

  Counter GetCounter(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  Gauge GetGauge(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  // `bounds` ascend; a bucket for everything above the last is added.
  Histogram GetHistogram(const std::string& name, const std::string& help, const std::vector<double>& bounds,
                         const MetricLabels& labels = {});

  // Prometheus text exposition format 0.0.4 of everything registered.
  std::string Render() const;

 private:
  const std::shared_ptr<prometheus::Registry> registry_;
};

// The process's registry, for what has no owner to pass one down; lives for ever.
MetricRegistry& ProcessMetrics();

}  // namespace rhizome
