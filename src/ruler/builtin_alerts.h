// The store's own alerts: what is wrong with a server, by the metrics that it writes of itself (job="rhizome-self").
#pragma once

#include <string>

namespace rhizome::ruler {

// A rule file.
std::string BuiltinAlerts();

}  // namespace rhizome::ruler
