#include "engines/vector/filter.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

namespace rhizome::vector {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 5> kOperators{"match", "in", "range", "exists", "nested"};

class Parser {
 public:
  Result<Filter> Node(const json::value& value, const std::string& where, size_t depth) {
    if (++nodes_ > kFilterNodesMax) return Status::TooLarge(where, "a filter has at most 256 conditions");
    if (depth > kFilterDepthMax) return Status::TooLarge(where, "a filter is at most 32 levels deep");
    if (!value.is_object()) {
      return Status::InvalidArgument(where, R"(a condition is an object such as {"field": "year", "match": 2024})");
    }
    const json::object& object = value.get_object();
    if (object.contains("field")) return Condition(object, where, depth);
    if (object.size() != 1) {
      return Status::InvalidArgument(where, R"(a condition has either "field" and one of match, in, range, exists,)"
                                            R"( nested, or exactly one of and, or, not)");
    }
    return Combination(*object.begin(), where, depth);
  }

 private:
  Result<Filter> Combination(const json::key_value_pair& member, const std::string& where, size_t depth) {
    const std::string_view key = member.key();
    const std::string inner = where + "." + std::string(key);
    Filter filter;
    if (key == "not") {
      filter.kind = Filter::Kind::kNot;
      ASSIGN_OR_RETURN(Filter child, Node(member.value(), inner, depth + 1));
      filter.children.push_back(std::move(child));
      return filter;
    }
    if (key != "and" && key != "or") {
      const bool needs_field = std::ranges::find(kOperators, key) != kOperators.end();
      return Status::InvalidArgument(inner, needs_field ? "this condition needs a \"field\" beside it"
                                                        : "unknown key; expected and, or, not, or field");
    }
    filter.kind = key == "and" ? Filter::Kind::kAnd : Filter::Kind::kOr;
    if (!member.value().is_array()) return Status::InvalidArgument(inner, "expected an array of conditions");
    size_t index = 0;
    for (const json::value& item : member.value().get_array()) {
      ASSIGN_OR_RETURN(Filter child, Node(item, inner + "[" + std::to_string(index++) + "]", depth + 1));
      filter.children.push_back(std::move(child));
    }
    return filter;
  }

  Result<Filter> Condition(const json::object& object, const std::string& where, size_t depth) {
    const json::value& field = object.at("field");
    if (!field.is_string() || field.get_string().empty()) {
      return Status::InvalidArgument(where + ".field", "expected a path such as \"author.name\"");
    }
    const json::key_value_pair* operation = nullptr;
    for (const json::key_value_pair& member : object) {
      if (member.key() == "field") continue;
      const std::string at = where + "." + std::string(member.key());
      if (std::ranges::find(kOperators, std::string_view(member.key())) == kOperators.end()) {
        return Status::InvalidArgument(at, "unknown key; expected match, in, range, exists or nested");
      }
      if (operation != nullptr) {
        return Status::InvalidArgument(at, "one condition has one operator; join several with \"and\"");
      }
      operation = &member;
    }
    if (operation == nullptr) {
      return Status::InvalidArgument(where, "the field lacks one of match, in, range, exists, nested");
    }
    Filter filter;
    filter.field = std::string(field.get_string());
    const std::string at = where + "." + std::string(operation->key());
    RETURN_IF_ERROR(Operator(*operation, at, depth, filter));
    return filter;
  }

  Status Operator(const json::key_value_pair& operation, const std::string& at, size_t depth, Filter& filter) {
    const std::string_view name = operation.key();
    const json::value& value = operation.value();
    if (name == "match") return Match(value, at, filter);
    if (name == "in") return In(value, at, filter);
    if (name == "range") return Range(value, at, filter);
    if (name == "exists") {
      if (!value.is_bool()) return Status::InvalidArgument(at, "expected true or false");
      filter.kind = Filter::Kind::kExists;
      filter.exists = value.get_bool();
      return Status::Ok();
    }
    filter.kind = Filter::Kind::kNested;
    ASSIGN_OR_RETURN(Filter child, Node(value, at, depth + 1));
    filter.children.push_back(std::move(child));
    return Status::Ok();
  }

  Status Match(const json::value& value, const std::string& at, Filter& filter) {
    const auto key = ScalarKey(value);
    if (!key) return Status::InvalidArgument(at, "expected a string, number, true, false or null");
    filter.kind = Filter::Kind::kIn;
    filter.values = {*key};
    return Status::Ok();
  }

  Status In(const json::value& value, const std::string& at, Filter& filter) {
    if (!value.is_array()) return Status::InvalidArgument(at, "expected an array of values");
    const json::array& items = value.get_array();
    in_values_ += items.size();
    if (in_values_ > kFilterInValuesMax) return Status::TooLarge(at, "a filter lists at most 4096 values");
    filter.kind = Filter::Kind::kIn;
    for (size_t i = 0; i < items.size(); ++i) {
      const auto key = ScalarKey(items[i]);
      if (!key) {
        return Status::InvalidArgument(at + "[" + std::to_string(i) + "]",
                                       "expected a string, number, true, false or null");
      }
      filter.values.push_back(*key);
    }
    std::ranges::sort(filter.values);
    const auto repeated = std::ranges::unique(filter.values);
    filter.values.erase(repeated.begin(), repeated.end());
    return Status::Ok();
  }

  // The key of a bound: a number, or an instant written as a string.
  Result<ValueKey> Bound(const json::value& value, const std::string& at) {
    if (value.is_number()) return *ScalarKey(value);
    if (!value.is_string()) return Status::InvalidArgument(at, "expected a number or an RFC 3339 date string");
    if (const auto key = InstantKey(value.get_string())) return *key;
    return Status::InvalidArgument(at, R"(not an RFC 3339 date such as "2024-05-31" or "2024-05-31T12:00:00Z")");
  }

  Status Range(const json::value& value, const std::string& at, Filter& filter) {
    if (!value.is_object() || value.get_object().empty()) {
      return Status::InvalidArgument(at, R"(expected bounds such as {"gte": 1, "lt": 5})");
    }
    filter.kind = Filter::Kind::kRange;
    bool has_low = false;
    bool has_high = false;
    for (const json::key_value_pair& member : value.get_object()) {
      const std::string_view name = member.key();
      const std::string inner = at + "." + std::string(name);
      const bool low = name == "gt" || name == "gte";
      if (!low && name != "lt" && name != "lte") {
        return Status::InvalidArgument(inner, "unknown key; expected gt, gte, lt or lte");
      }
      ASSIGN_OR_RETURN(const ValueKey key, Bound(member.value(), inner));
      if ((has_low || has_high) && key.kind != (has_low ? filter.low : filter.high).kind) {
        return Status::InvalidArgument(inner, "the bounds of a range are all numbers or all dates");
      }
      if (low ? has_low : has_high) {
        return Status::InvalidArgument(inner, low ? "give gt or gte, not both" : "give lt or lte, not both");
      }
      if (low) {
        has_low = true;
        filter.low = name == "gt" ? KeyAbove(key) : key;
      } else {
        has_high = true;
        filter.high = name == "lt" ? KeyBelow(key) : key;
      }
    }
    if (!has_low) filter.low = {filter.high.kind, 0, 0};
    if (!has_high) filter.high = {filter.low.kind, ~uint64_t{0}, ~uint64_t{0}};
    return Status::Ok();
  }

  size_t nodes_ = 0;
  size_t in_values_ = 0;
};

}  // namespace

Result<Filter> ParseFilter(const json::value& value, std::string_view where) {
  return Parser().Node(value, std::string(where), 1);
}

}  // namespace rhizome::vector
