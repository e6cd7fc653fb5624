// What a load came to, for people and for programs. Pure functions.
#pragma once

#include <string>

#include "metrics_load/load.h"

namespace rhizome::metrics_load {

// A few lines, each ended.
std::string ReportText(const LoadOptions& options, const LoadReport& report);
// One JSON object on one line, ended.
std::string ReportJson(const LoadOptions& options, const LoadReport& report);

}  // namespace rhizome::metrics_load
