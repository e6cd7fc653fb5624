// Plan: what is known about a query before any sample is read. Puts the range's ends where "@ start()" and "@ end()"
// stand, and marks what has the same value at every step, so that it is evaluated once.
#pragma once

#include <cstdint>

#include "promql/ast.h"

namespace rhizome::promql {

// Changes `expr` for a query over [start_ms, end_ms].
void Plan(Expr& expr, int64_t start_ms, int64_t end_ms);

}  // namespace rhizome::promql
