// From when to when there are samples of some series: of a tenant's, when there are several.
//
// Thread-safe; reads blocks, a window of two hours at each end and those where there are none of these series.
#pragma once

#include <span>

#include "engines/series/admission.h"
#include "format/matcher.h"
#include "shard/series_shard.h"

namespace rhizome::shard {

// Of the series that satisfy every matcher, without what deletions hide; of all, that included, when there are no
// matchers, or when the only one asks for the default tenant and there is no other. Corruption names a block's fault.
Result<series::TimeExtent> ExtentOf(const SeriesShard& shard, std::span<const format::Matcher> matchers);

}  // namespace rhizome::shard
