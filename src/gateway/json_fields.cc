#include "gateway/json_fields.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <limits>

namespace rhizome::gateway {
namespace {

namespace json = boost::json;

std::string_view KindName(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return "null";
    case json::kind::bool_: return "a boolean";
    case json::kind::int64:
    case json::kind::uint64: return "an integer";
    case json::kind::double_: return "a number";
    case json::kind::string: return "a string";
    case json::kind::array: return "an array";
    case json::kind::object: return "an object";
  }
  return "something else";
}

// NaN when the value is no number.
double NumberOf(const json::value& value) {
  switch (value.kind()) {
    case json::kind::int64: return static_cast<double>(value.get_int64());
    case json::kind::uint64: return static_cast<double>(value.get_uint64());
    case json::kind::double_: return value.get_double();
    default: return std::numeric_limits<double>::quiet_NaN();
  }
}

std::string Plain(double number) {
  const auto whole = static_cast<int64_t>(number);
  return static_cast<double>(whole) == number ? std::to_string(whole) : std::to_string(number);
}

}  // namespace

std::string JsonPath::ToString() const {
  if (parent_ == nullptr) return "body";
  std::string prefix = parent_->parent_ == nullptr ? std::string() : parent_->ToString();
  if (key_.data() == nullptr) return (prefix.empty() ? "body" : prefix) + "[" + std::to_string(index_) + "]";
  if (!prefix.empty()) prefix += '.';
  return prefix.append(key_);
}

Status WrongType(const json::value& value, const JsonPath& path, std::string_view wanted) {
  return Status::InvalidArgument(path.ToString(),
                                 "must be " + std::string(wanted) + ", not " + std::string(KindName(value)));
}

Status ReadJson(const json::value& value, const JsonPath& path, bool& out) {
  if (!value.is_bool()) return WrongType(value, path, "a boolean");
  out = value.get_bool();
  return Status::Ok();
}

Status ReadJson(const json::value& value, const JsonPath& path, uint64_t& out) {
  if (value.is_uint64()) {
    out = value.get_uint64();
  } else if (value.is_int64() && value.get_int64() >= 0) {
    out = static_cast<uint64_t>(value.get_int64());
  } else {
    return WrongType(value, path, "an integer from 0 to 18446744073709551615");
  }
  return Status::Ok();
}

Status ReadJson(const json::value& value, const JsonPath& path, uint32_t& out) {
  uint64_t wide = 0;
  RETURN_IF_ERROR(ReadJson(value, path, wide));
  if (wide > std::numeric_limits<uint32_t>::max()) {
    return Status::InvalidArgument(path.ToString(), "must be at most 4294967295");
  }
  out = static_cast<uint32_t>(wide);
  return Status::Ok();
}

Status ReadJson(const json::value& value, const JsonPath& path, float& out) {
  const double number = NumberOf(value);
  if (std::isnan(number)) return WrongType(value, path, "a number");
  out = static_cast<float>(number);
  if (!std::isfinite(out)) return Status::InvalidArgument(path.ToString(), "is too large for a 32-bit float");
  return Status::Ok();
}

Status ReadJson(const json::value& value, const JsonPath& path, std::string& out) {
  const auto* text = value.if_string();
  if (text == nullptr) return WrongType(value, path, "a string");
  out.assign(text->data(), text->size());
  return Status::Ok();
}

Status ReadJson(const json::value& value, const JsonPath& path, std::vector<float>& out) {
  const auto* array = value.if_array();
  if (array == nullptr) return WrongType(value, path, "an array of numbers");
  out.resize(array->size());
  for (size_t i = 0; i < out.size(); ++i) {
    const json::value& element = (*array)[i];
    const double number = element.is_double() ? element.get_double() : NumberOf(element);
    out[i] = static_cast<float>(number);
    if (!std::isfinite(out[i])) return ReadJson(element, JsonPath(path, i), out[i]);
  }
  return Status::Ok();
}

Status ReadJson(const json::value& value, const JsonPath& path, JsonText& out) {
  if (!value.is_object()) return WrongType(value, path, "an object");
  out.text = json::serialize(value);
  return Status::Ok();
}

Status Between::InBounds(double value, const JsonPath& path) const {
  if (value >= least && value <= most) return Status::Ok();
  return Status::InvalidArgument(path.ToString(), "must be between " + Plain(least) + " and " + Plain(most));
}

Status LengthBetween::InBounds(size_t length, const JsonPath& path) const {
  if (length >= least && length <= most) return Status::Ok();
  if (length == 0) return Status::InvalidArgument(path.ToString(), "must not be empty");
  return Status::InvalidArgument(path.ToString(), "must have a length between " + std::to_string(least) + " and " +
                                                      std::to_string(most) + ", not " + std::to_string(length));
}

Fields::Fields(const json::value& value, const JsonPath& path) : path_(path), object_(value.if_object()) {
  if (object_ == nullptr) status_ = WrongType(value, path, "an object");
}

const json::value* Fields::Take(std::string_view name) {
  known_.push_back(name);
  return status_.ok() ? object_->if_contains({name.data(), name.size()}) : nullptr;
}

Status Fields::Finish() {
  RETURN_IF_ERROR(status_);
  for (const auto& member : *object_) {
    const std::string_view key(member.key().data(), member.key().size());
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    std::string names;
    for (const std::string_view name : known_) names.append(names.empty() ? "" : ", ").append(name);
    return Status::InvalidArgument(JsonPath(path_, key).ToString(), "is not a known field here (known: " + names + ")");
  }
  return Status::Ok();
}

}  // namespace rhizome::gateway
