#include "json_schema.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <regex>

namespace rhizome::gateway {
namespace {

namespace json = boost::json;

bool HasType(const json::value& value, std::string_view type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_bool();
  if (type == "null") return value.is_null();
  if (type == "integer") return value.is_int64() || value.is_uint64();
  return type == "number" && value.is_number();
}

std::string_view Text(const json::value& value) { return {value.as_string().data(), value.as_string().size()}; }

class Checker {
 public:
  explicit Checker(const json::value& document) : document_(document) {}

  std::string Check(const json::value& value, const json::value& schema, const std::string& where) {
    for (const auto& member : schema.as_object()) {
      const std::string_view keyword(member.key().data(), member.key().size());
      const std::string wrong = Keyword(value, schema.as_object(), keyword, member.value(), where);
      if (!wrong.empty()) return wrong;
    }
    return {};
  }

 private:
  std::string Keyword(const json::value& value, const json::object& schema, std::string_view keyword,
                      const json::value& wanted, const std::string& where) {
    if (keyword == "description" || keyword == "default" || keyword == "contentEncoding") return {};
    if (keyword == "$ref") return Check(value, Resolve(Text(wanted)), where);
    if (keyword == "type") return Type(value, wanted, where);
    if (keyword == "enum") {
      const auto& allowed = wanted.as_array();
      return Unless(std::find(allowed.begin(), allowed.end(), value) != allowed.end(), where, "is none of the enum");
    }
    if (keyword == "oneOf") {
      int fits = 0;
      for (const auto& option : wanted.as_array()) fits += Check(value, option, where).empty() ? 1 : 0;
      return Unless(fits == 1, where, "fits " + std::to_string(fits) + " of oneOf");
    }
    if (keyword == "minimum" || keyword == "maximum") return Bound(value, keyword, wanted, where);
    if (keyword == "minItems" || keyword == "maxItems" || keyword == "items")
      return Array(value, keyword, wanted, where);
    if (keyword == "minLength" || keyword == "maxLength" || keyword == "pattern") {
      return String(value, keyword, wanted, where);
    }
    return Object(value, schema, keyword, wanted, where);
  }

  std::string Object(const json::value& value, const json::object& schema, std::string_view keyword,
                     const json::value& wanted, const std::string& where) {
    const bool known = keyword == "properties" || keyword == "required" || keyword == "additionalProperties";
    if (!known) return where + ": the checker does not know " + std::string(keyword);
    if (!value.is_object()) return {};
    if (keyword == "required") {
      for (const auto& name : wanted.as_array()) {
        if (!value.as_object().contains(name.as_string())) return where + ": lacks " + std::string(Text(name));
      }
      return {};
    }
    for (const auto& member : value.as_object()) {
      const std::string path = where + "." + std::string(member.key());
      const auto* properties = schema.if_contains("properties");
      const auto* property = properties != nullptr ? properties->as_object().if_contains(member.key()) : nullptr;
      std::string wrong;
      if (keyword == "properties" && property != nullptr) wrong = Check(member.value(), *property, path);
      if (keyword == "additionalProperties" && property == nullptr) {
        if (wanted.is_object()) wrong = Check(member.value(), wanted, path);
        if (wanted.is_bool() && !wanted.as_bool()) wrong = path + ": is not in the schema";
      }
      if (!wrong.empty()) return wrong;
    }
    return {};
  }

  std::string Array(const json::value& value, std::string_view keyword, const json::value& wanted,
                    const std::string& where) {
    if (!value.is_array()) return {};
    const auto& array = value.as_array();
    if (keyword == "minItems") return Unless(array.size() >= wanted.to_number<size_t>(), where, "is too short");
    if (keyword == "maxItems") return Unless(array.size() <= wanted.to_number<size_t>(), where, "is too long");
    for (size_t i = 0; i < array.size(); ++i) {
      const std::string wrong = Check(array[i], wanted, where + "[" + std::to_string(i) + "]");
      if (!wrong.empty()) return wrong;
    }
    return {};
  }

  static std::string String(const json::value& value, std::string_view keyword, const json::value& wanted,
                            const std::string& where) {
    if (!value.is_string()) return {};
    const std::string text(Text(value));
    if (keyword == "minLength") return Unless(text.size() >= wanted.to_number<size_t>(), where, "is too short");
    if (keyword == "maxLength") return Unless(text.size() <= wanted.to_number<size_t>(), where, "is too long");
    return Unless(std::regex_search(text, std::regex(std::string(Text(wanted)))), where, "does not fit the pattern");
  }

  static std::string Bound(const json::value& value, std::string_view keyword, const json::value& wanted,
                           const std::string& where) {
    if (!value.is_number()) return {};
    const auto number = value.to_number<double>();
    const auto bound = wanted.to_number<double>();
    return Unless(keyword == "minimum" ? number >= bound : number <= bound, where, "is out of bounds");
  }

  static std::string Type(const json::value& value, const json::value& wanted, const std::string& where) {
    bool fits = wanted.is_string() && HasType(value, Text(wanted));
    if (wanted.is_array()) {
      for (const auto& type : wanted.as_array()) fits = fits || HasType(value, Text(type));
    }
    return Unless(fits, where, "must be " + json::serialize(wanted));
  }

  static std::string Unless(bool fits, const std::string& where, const std::string& wrong) {
    return fits ? std::string() : where + ": " + wrong;
  }

  // "#/components/schemas/Hit"
  const json::value& Resolve(std::string_view reference) {
    const json::value* at = &document_;
    reference.remove_prefix(2);
    while (!reference.empty()) {
      const size_t slash = std::min(reference.find('/'), reference.size());
      at = &at->at(json::string_view(reference.data(), slash));
      reference.remove_prefix(std::min(slash + 1, reference.size()));
    }
    return *at;
  }

  const json::value& document_;
};

}  // namespace

std::string SchemaViolation(const json::value& value, const json::value& schema, const json::value& document,
                            const std::string& where) {
  return Checker(document).Check(value, schema, where);
}

}  // namespace rhizome::gateway
