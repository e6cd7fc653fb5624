#include <algorithm>
#include <boost/json.hpp>

#include "engines/vector/filter.h"

namespace rhizome::vector {
namespace {

namespace json = boost::json;

// Calls `visit` with every value that `path` reaches from `value`, arrays entered, until it returns true.
template <typename Visit>
bool AnyReached(const json::value& value, std::string_view path, const Visit& visit);

template <typename Visit>
bool AnyLeaf(const json::value& value, const Visit& visit) {
  if (!value.is_array()) return visit(value);
  return std::ranges::any_of(value.get_array(), [&](const json::value& item) { return AnyLeaf(item, visit); });
}

template <typename Visit>
bool AnyUnderKey(const json::key_value_pair& member, std::string_view path, const Visit& visit) {
  const std::string_view key = member.key();
  if (key == path) return AnyLeaf(member.value(), visit);
  if (path.size() <= key.size() || path[key.size()] != '.' || !path.starts_with(key)) return false;
  return AnyReached(member.value(), path.substr(key.size() + 1), visit);
}

template <typename Visit>
bool AnyReached(const json::value& value, std::string_view path, const Visit& visit) {
  if (value.is_object()) {
    return std::ranges::any_of(value.get_object(),
                               [&](const json::key_value_pair& member) { return AnyUnderKey(member, path, visit); });
  }
  if (!value.is_array()) return false;
  return std::ranges::any_of(value.get_array(), [&](const json::value& item) { return AnyReached(item, path, visit); });
}

bool InRange(const Filter& filter, const json::value& value) {
  const bool instant = filter.low.kind == ValueKind::kInstant;
  if (instant && !value.is_string()) return false;
  const auto key = instant ? InstantKey(value.get_string()) : ScalarKey(value);
  return key && filter.low <= *key && *key <= filter.high;
}

bool Satisfies(const Filter& filter, const json::value& value) {
  switch (filter.kind) {
    case Filter::Kind::kIn: {
      const auto key = ScalarKey(value);
      return key && std::ranges::binary_search(filter.values, *key);
    }
    case Filter::Kind::kRange: return InRange(filter, value);
    case Filter::Kind::kExists: return !value.is_null();
    case Filter::Kind::kNested: return value.is_object() && Matches(filter.children[0], value);
    case Filter::Kind::kAnd:
    case Filter::Kind::kOr:
    case Filter::Kind::kNot: break;
  }
  return false;
}

}  // namespace

bool Matches(const Filter& filter, const json::value& payload) {
  const auto holds = [&](const Filter& child) { return Matches(child, payload); };
  switch (filter.kind) {
    case Filter::Kind::kAnd: return std::ranges::all_of(filter.children, holds);
    case Filter::Kind::kOr: return std::ranges::any_of(filter.children, holds);
    case Filter::Kind::kNot: return !Matches(filter.children[0], payload);
    default: break;
  }
  const bool reached = payload.is_object() && AnyReached(payload, filter.field, [&](const json::value& value) {
                         return Satisfies(filter, value);
                       });
  return filter.kind == Filter::Kind::kExists ? reached == filter.exists : reached;
}

}  // namespace rhizome::vector
