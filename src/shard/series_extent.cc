#include "shard/series_extent.h"

#include <algorithm>
#include <vector>

#include "format/tenant.h"

namespace rhizome::shard {
namespace {

using format::Matcher;
using format::MatchKind;
using series::SeriesEngine;

Result<bool> HasTenants(const SeriesEngine& engine) {
  const Matcher named = Matcher::Make(MatchKind::kNotEqual, std::string(format::kTenantLabel), "").value();
  ASSIGN_OR_RETURN(const auto some, engine.ListSeries(std::span(&named, 1), INT64_MIN, INT64_MAX, 1));
  return !some.empty();
}

bool AsksForTheDefaultTenant(std::span<const Matcher> matchers) {
  return matchers.size() == 1 && matchers[0].name() == format::kTenantLabel && matchers[0].value().empty() &&
         matchers[0].kind() == MatchKind::kEqual;
}

// Of one window.
Result<series::TimeExtent> ExtentWithin(const SeriesEngine& engine, std::span<const Matcher> matchers, int64_t window) {
  series::TimeExtent extent;
  const int64_t from_ms = window * SeriesEngine::kWindowMs;
  const auto selection = engine.Select(matchers, from_ms, from_ms + SeriesEngine::kWindowMs - 1);
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, selection->Next());
    if (!more) return extent;
    const auto& times = selection->samples().times;
    if (times.empty()) continue;
    extent.min_ms = std::min(extent.min_ms, times.front());
    extent.max_ms = std::max(extent.max_ms, times.back());
  }
}

}  // namespace

Result<series::TimeExtent> ExtentOf(const SeriesShard& shard, std::span<const Matcher> matchers) {
  if (matchers.empty()) return shard.times();
  const SeriesEngine& engine = shard.engine();
  if (AsksForTheDefaultTenant(matchers)) {
    ASSIGN_OR_RETURN(const bool others, HasTenants(engine));
    if (!others) return shard.times();
  }
  const std::vector<SeriesEngine::WindowChange> windows = engine.Windows();
  series::TimeExtent extent;
  size_t first = 0;
  for (; extent.empty() && first < windows.size(); ++first) {
    ASSIGN_OR_RETURN(extent, ExtentWithin(engine, matchers, windows[first].window));
  }
  for (size_t i = windows.size(); i > first; --i) {
    ASSIGN_OR_RETURN(const series::TimeExtent last, ExtentWithin(engine, matchers, windows[i - 1].window));
    if (last.empty()) continue;
    extent.max_ms = last.max_ms;
    break;
  }
  return extent;
}

}  // namespace rhizome::shard
