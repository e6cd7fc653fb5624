// How two vectors are compared. A higher score is always better: cosine and dot product as they are, L2 as minus
// the Euclidean distance.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace rhizome::vector {

enum class Metric : uint8_t { kCosine = 0, kDot = 1, kL2 = 2 };  // the numbers are on disk

constexpr std::string_view MetricName(Metric metric) {
  switch (metric) {
    case Metric::kCosine: return "cosine";
    case Metric::kDot: return "dot";
    case Metric::kL2: return "l2";
  }
  return "";
}

constexpr std::optional<Metric> ParseMetric(std::string_view name) {
  for (const Metric metric : {Metric::kCosine, Metric::kDot, Metric::kL2}) {
    if (MetricName(metric) == name) return metric;
  }
  return std::nullopt;
}

}  // namespace rhizome::vector
