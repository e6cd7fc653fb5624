// Parse: a query's text to a tree whose types are right, as Prometheus 2.42 reads it.
//
// Any bytes are welcome: errors are InvalidArgument (field "query") whose message starts with line and column
// ("1:5: parse error: …"), or TooLarge for a query beyond the limits below. Pure; thread-safe.
#pragma once

#include <string_view>
#include <vector>

#include "base/status.h"
#include "promql/ast.h"

namespace rhizome::promql {

inline constexpr size_t kQueryBytesMax = 1 << 20;
// Levels of the tree, which recursion over it descends.
inline constexpr uint32_t kDepthMax = 500;

Result<ExprPtr> Parse(std::string_view query);
// One vector selector without offset and @, as "match[]" carries it: its matchers.
Result<std::vector<Matcher>> ParseSelector(std::string_view query);

// The message that says where in `query` something is wrong, "2:7: parse error: …".
Status ParseError(std::string_view query, size_t offset, std::string_view message);

// What Parse ends with: types of operands, arguments and parameters, numbers of arguments, selectors that would match
// everything. For trees that the grammar already accepts.
Status CheckTypes(std::string_view query, const Expr& expr);

}  // namespace rhizome::promql
