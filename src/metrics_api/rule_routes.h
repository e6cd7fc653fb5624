// What Prometheus 2.42 tells of rules, in its shapes (docs/rules.md): /api/v1/rules, alerts, alertmanagers; and
// POST /-/reload, which reads the rule files now. Where the ruler is elsewhere, the first three ask there.
//
// Thread-safe: handlers run on many threads at once.
#pragma once

#include <string>
#include <vector>

#include "gateway/router.h"
#include "ruler/ruler_slot.h"

namespace rhizome::metrics_api {

// `slot` outlives every handler. The rules are those of the default tenant; others have none.
std::vector<gateway::Route> RuleRoutes(ruler::RulerSlot& slot);

// What the ruler here has for another process: the answer's "data". Unavailable when it is not here, InvalidArgument
// for what is no such question.
Result<std::string> TellOfRules(const ruler::RulerSlot& slot, const std::string& question);

}  // namespace rhizome::metrics_api
