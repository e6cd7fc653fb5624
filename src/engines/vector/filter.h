// Filter: a condition on payloads, as users write it in JSON (docs/filters.md is their reference).
//
// A payload is a JSON object; anything else counts as an empty one. A field is a dotted path of keys. Arrays on
// the way are entered, so a path reaches a set of values, and a condition holds when one of them satisfies it:
//   match   a reached scalar equals the value (1 equals 1.0; null only an explicit null)
//   in      a reached scalar equals one of the values
//   range   one and the same reached number, or RFC 3339 string read as an instant, lies within all bounds
//   exists  some reached value is not null (an object counts, an empty array has no value)
//   nested  one and the same reached object satisfies the inner filter, whose fields start at that object
// and, or, not combine; an empty `and` holds, an empty `or` does not. A key that contains dots is the same as the
// path it spells.
//
// Thread-safety: plain data, immutable after parsing.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engines/vector/filter_value.h"

namespace rhizome::vector {

inline constexpr size_t kFilterNodesMax = 256;
inline constexpr size_t kFilterDepthMax = 32;
inline constexpr size_t kFilterInValuesMax = 4096;  // over all `in` lists of one filter

struct Filter {
  enum class Kind : uint8_t { kAnd, kOr, kNot, kIn, kRange, kExists, kNested };

  Kind kind = Kind::kAnd;
  std::string field;             // kIn, kRange, kExists, kNested; never empty there
  std::vector<ValueKey> values;  // kIn: sorted, distinct; a `match` is an `in` of one value
  ValueKey low, high;            // kRange: both ends belong to it, and both have the same kind
  bool exists = true;            // kExists
  std::vector<Filter> children;  // kAnd, kOr: any number; kNot, kNested: one
};

// Reads the JSON form. InvalidArgument names the place at fault, starting with `where`
// ("filter.and[2].range.gte"); TooLarge when a limit above is passed.
Result<Filter> ParseFilter(const boost::json::value& json, std::string_view where = "filter");

// Whether `payload` satisfies `filter`: the definition that every index agrees with.
bool Matches(const Filter& filter, const boost::json::value& payload);

}  // namespace rhizome::vector
