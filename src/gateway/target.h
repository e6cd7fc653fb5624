// Target: the request target of an HTTP request line, split and percent-decoded exactly once.
//
// The path is split at '/' before anything is decoded, so "%2F" is a byte of a segment and never a separator. A
// segment that is empty, ".", ".." or holds '/', '\', a control character or broken UTF-8 after decoding is
// refused: nothing downstream can be led out of its place by a name. A field may be given twice only when its name ends
// in "[]", which says that it is a list. Pure functions; any bytes are safe input.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "gateway/http_message.h"

namespace rhizome::gateway {

inline constexpr size_t kTargetLengthMax = 8192;
inline constexpr size_t kQueryFieldsMax = 64;

struct Target {
  std::vector<std::string> segments;  // "/" has none
  NamedValues query;                  // '+' is a space
};

// Accepts origin form ("/a/b?c=d") and absolute form ("http://host/a/b"). InvalidArgument, field "path" or
// "query.<name>", for anything else.
Result<Target> ParseTarget(std::string_view raw);

// The fields of a query or a form ("a=b&c=d"), behind what `fields` holds. InvalidArgument, field "query.<name>".
Status ParseFields(std::string_view text, NamedValues& fields);

// One pass of percent-decoding; InvalidArgument (no field) for a '%' without two hexadecimal digits.
Result<std::string> PercentDecode(std::string_view text, bool plus_is_space);

// [A-Za-z0-9_-]{1,128}
bool IsCollectionName(std::string_view name);

}  // namespace rhizome::gateway
