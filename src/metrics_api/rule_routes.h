// What Prometheus 2.42 tells of rules, in its shapes (docs/rules.md): /api/v1/rules, alerts, alertmanagers; and
// POST /-/reload, which reads the rule files now.
//
// Thread-safe: handlers run on many threads at once.
#pragma once

#include <string>
#include <vector>

#include "gateway/router.h"
#include "ruler/ruler_slot.h"

namespace rhizome::metrics_api {

// `slot` outlives every handler. Tenants other than `tenant` are refused, as the rules are its.
std::vector<gateway::Route> RuleRoutes(const std::string& tenant, ruler::RulerSlot& slot);

}  // namespace rhizome::metrics_api
