// Parameters: what a query API request says, from its target and its form body, and the forms that times, durations
// and selectors have in it: those of Prometheus.
//
// Any bytes are safe input; errors are InvalidArgument (field: the parameter) with Prometheus' words. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "format/matcher.h"
#include "gateway/http_message.h"

namespace rhizome::metrics_api {

// A trillion seconds: beyond it no arithmetic on times is attempted.
inline constexpr int64_t kTimeMsMax = 1'000'000'000'000'000;

class Parameters {
 public:
  // The form's fields come before the target's.
  static Result<Parameters> Of(const gateway::Request& request);

  // The first of that name; empty when there is none.
  std::string_view Get(std::string_view name) const;
  std::vector<std::string_view> All(std::string_view name) const;

  // `absent` where the parameter is missing or empty.
  Result<int64_t> TimeMs(std::string_view name, int64_t absent) const;
  Result<int64_t> TimeMs(std::string_view name) const;  // missing is an error
  Result<int64_t> DurationMs(std::string_view name) const;
  // 0 or more; `absent` where missing.
  Result<size_t> Count(std::string_view name, size_t absent) const;
  // Each "match[]" as a selector, of which one matcher at least does not match the empty value. Errors name no field.
  Result<std::vector<std::vector<format::Matcher>>> Selectors() const;

 private:
  gateway::NamedValues fields_;
};

// Seconds since 1970 as a decimal float, or RFC 3339; to the millisecond. What Prometheus calls the least and the
// greatest time are ours, -kTimeMsMax and kTimeMsMax; nothing lies beyond them.
Result<int64_t> ParseTimeMs(std::string_view text);
// Seconds as a decimal float, or "1h30m" (promql/text.h). May be negative or zero.
Result<int64_t> ParseDurationMs(std::string_view text);

}  // namespace rhizome::metrics_api
