#include "engines/series/admission.h"

#include <algorithm>
#include <optional>
#include <string>

#include "format/tenant.h"

namespace rhizome::series {

Lateness CheckTime(int64_t time_ms, int64_t now_ms, const TimeWindow& window) {
  if (time_ms < now_ms) {
    const uint64_t age = static_cast<uint64_t>(now_ms) - static_cast<uint64_t>(time_ms);
    return age > static_cast<uint64_t>(window.past_ms) ? Lateness::kTooOld : Lateness::kInside;
  }
  const uint64_t ahead = static_cast<uint64_t>(time_ms) - static_cast<uint64_t>(now_ms);
  return ahead > static_cast<uint64_t>(window.future_ms) ? Lateness::kTooNew : Lateness::kInside;
}

Status OutsideWindow(format::LabelsView labels, int64_t time_ms, Lateness lateness) {
  return Status::InvalidArgument("", WithoutTenant(labels).ToString() + " at " + std::to_string(time_ms) +
                                         (lateness == Lateness::kTooOld ? ": too old" : ": too far in the future"));
}

Status TooManySeries(format::LabelsView labels) {
  return Status::InvalidArgument("", WithoutTenant(labels).ToString() + ": there are too many series");
}

TimeExtent ExtentOf(const format::SeriesBatch& batch) {
  TimeExtent extent;
  batch.ForEachRow([&](uint32_t, int64_t time_ms, double) {
    extent.min_ms = std::min(extent.min_ms, time_ms);
    extent.max_ms = std::max(extent.max_ms, time_ms);
  });
  return extent;
}

Status CheckWindow(const format::SeriesBatch& batch, int64_t now_ms, const TimeWindow& window) {
  uint64_t row = 0;
  std::optional<Status> refused;
  batch.ForEachRow([&](uint32_t series, int64_t time_ms, double) {
    const Lateness lateness = refused ? Lateness::kInside : CheckTime(time_ms, now_ms, window);
    if (lateness != Lateness::kInside) {
      const bool old = lateness == Lateness::kTooOld;
      refused =
          Status::InvalidArgument("samples[" + std::to_string(row) + "]",
                                  batch.LabelsOf(series).ToString() + " at " + std::to_string(time_ms) +
                                      (old ? ": more than " + std::to_string(window.past_ms) + " ms before now"
                                           : ": more than " + std::to_string(window.future_ms) + " ms after now"));
    }
    ++row;
  });
  return refused.value_or(Status::Ok());
}

Status CheckSeriesLimit(uint64_t known, uint64_t fresh, uint64_t limit) {
  if (fresh == 0 || (known <= limit && fresh <= limit - known)) return Status::Ok();
  return Status(Code::kResourceExhausted,
                std::to_string(known) + " series and " + std::to_string(fresh) +
                    " new ones are more than the limit of " + std::to_string(limit),
                "series");
}

}  // namespace rhizome::series
