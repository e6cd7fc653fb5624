// How OpenTelemetry's names become those of Prometheus: the rules that OpenTelemetry's specification gives for it
// (Prometheus and OpenMetrics compatibility). Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace rhizome::ingest {

// What of a metric decides its suffix.
enum class OtlpKind { kGauge, kCounter, kOther };

// "http.server.duration", "ms" -> "http_server_duration_milliseconds"; "requests", "1", kCounter -> "requests_total".
// Empty for a name without a letter or digit.
std::string OtlpMetricName(std::string_view name, std::string_view unit, OtlpKind kind);

// "service.name" -> "service_name", "9lives" -> "key_9lives", "_x" -> "key_x".
std::string OtlpLabelName(std::string_view key);

// "ms" -> "milliseconds", "By/s" -> "bytes_per_second"; empty for "1" and for annotations in braces.
std::string OtlpUnitName(std::string_view unit);

}  // namespace rhizome::ingest
