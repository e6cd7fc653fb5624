// Whose a series is, as a part of what names it: series of a tenant have a label more, kTenantLabel, those of the
// default tenant have none. No sender can name that label, since it is no IsLabelName, and it sorts before all others,
// so the series of one tenant have the order that their labels have without it.
//
// Pure. Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "format/labels.h"
#include "format/series_batch.h"

namespace rhizome::format {

inline constexpr std::string_view kTenantLabel = "$tenant";

// "": the default tenant.
std::string_view TenantOf(LabelsView labels);
// What its tenant knows of it: the same bytes without those of the label.
LabelsView WithoutTenant(LabelsView labels);
// The batch's rows as those of `tenant`, which is not "". No series of the batch has a tenant yet.
std::string BatchOfTenant(const SeriesBatch& batch, std::string_view tenant);

}  // namespace rhizome::format
