// Printing a tree as a query: Parse of what is printed gives the same tree again.
//
// One exception to Prometheus' way of printing, which loses it: "ignoring () group_left" without labels is printed.
#pragma once

#include <string>

#include "promql/ast.h"

namespace rhizome::promql {

// On one line.
std::string Print(const Expr& expr);
// name="value", quoted as PromQL quotes.
std::string Print(const Matcher& matcher);
// As /api/v1/format_query answers: what takes more than 100 characters is broken into indented lines.
std::string Prettify(const Expr& expr);

}  // namespace rhizome::promql
