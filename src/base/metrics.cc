#include "base/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <exception>

#include "base/check.h"

namespace rhizome {
namespace {

// Registers through the library, which reports a broken name by throwing.
template <typename Register>
auto Registered(Register register_metric) -> decltype(register_metric()) {
  try {
    return register_metric();
  } catch (const std::exception&) {
    CHECK(!"a metric's name, kind or label is not acceptable");
    __builtin_unreachable();
  }
}

}  // namespace

void Counter::Add(double amount) { inner_->Increment(amount); }
double Counter::Value() const { return inner_->Value(); }
void Gauge::Set(double value) { inner_->Set(value); }
void Gauge::Add(double amount) { inner_->Increment(amount); }
double Gauge::Value() const { return inner_->Value(); }
void Histogram::Observe(double value) { inner_->Observe(value); }

const std::vector<double>& LatencyBounds() {
  static const auto* bounds = new std::vector<double>{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                      0.1,    0.25,    0.5,    1,     2.5,    5,     10,   30,    60};
  return *bounds;
}

MetricRegistry::MetricRegistry() : registry_(std::make_shared<prometheus::Registry>()) {}
MetricRegistry::~MetricRegistry() = default;

Counter MetricRegistry::GetCounter(const std::string& name, const std::string& help, const MetricLabels& labels) {
  return Registered([&] {
    auto& family = prometheus::BuildCounter().Name(name).Help(help).Register(*registry_);
    return Counter(&family.Add({labels.begin(), labels.end()}));
  });
}

Gauge MetricRegistry::GetGauge(const std::string& name, const std::string& help, const MetricLabels& labels) {
  return Registered([&] {
    auto& family = prometheus::BuildGauge().Name(name).Help(help).Register(*registry_);
    return Gauge(&family.Add({labels.begin(), labels.end()}));
  });
}

Histogram MetricRegistry::GetHistogram(const std::string& name, const std::string& help,
                                       const std::vector<double>& bounds, const MetricLabels& labels) {
  return Registered([&] {
    auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(*registry_);
    return Histogram(&family.Add({labels.begin(), labels.end()}, bounds));
  });
}

std::string MetricRegistry::Render() const { return prometheus::TextSerializer().Serialize(registry_->Collect()); }

MetricRegistry& ProcessMetrics() {
  static auto* registry = new MetricRegistry;  // never destroyed: threads may outlive static destructors
  return *registry;
}

}  // namespace rhizome
