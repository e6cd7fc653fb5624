// Any bytes as a form body, a time and a duration: no crash, and what is accepted keeps the bounds.
#include "base/check.h"
#include "metrics_api/parameters.h"

namespace {

using rhizome::metrics_api::kTimeMsMax;

void CheckTime(const rhizome::Result<int64_t>& time_ms) {
  if (time_ms.ok()) CHECK(*time_ms >= -kTimeMsMax && *time_ms <= kTimeMsMax);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  CheckTime(rhizome::metrics_api::ParseTimeMs(bytes));
  static_cast<void>(rhizome::metrics_api::ParseDurationMs(bytes));
  rhizome::gateway::Request request;
  request.body = std::string(bytes);
  const auto parameters = rhizome::metrics_api::Parameters::Of(request);
  if (!parameters.ok()) return 0;
  CheckTime(parameters->TimeMs("start", 0));
  static_cast<void>(parameters->DurationMs("step"));
  static_cast<void>(parameters->Count("limit", 0));
  static_cast<void>(parameters->Selectors());
  return 0;
}
