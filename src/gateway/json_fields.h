// Fields: reads a JSON object into a struct, one line per field, with errors that name the path.
//
//   Fields fields(value, path);
//   fields.Required("query", request.query, LengthBetween{1, 65536})
//       .Optional("top_k", request.top_k, Between{1, 10000});
//   RETURN_IF_ERROR(fields.Finish());
//
// The first failure counts and later calls do nothing; Finish also refuses members nobody asked for. An optional
// member that is absent or null leaves its target as it is. Errors are InvalidArgument with a field like
// "points[3].vector[17]". Further types are read by an overload ReadJson(value, path, out) in their namespace.
//
// Nothing is copied that is not kept: paths are chains on the stack, written out only for an error.
// Thread-safety: as a local variable. The JSON value outlives the Fields.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace rhizome::gateway {

// Where a value stands in the body. A child points at its parent, which outlives it.
class JsonPath {
 public:
  JsonPath() = default;  // the body itself
  JsonPath(const JsonPath& parent, std::string_view key) : parent_(&parent), key_(key) {}
  JsonPath(const JsonPath& parent, size_t index) : parent_(&parent), index_(index) {}
  std::string ToString() const;  // "points[3].vector"; "body" for the body itself

 private:
  const JsonPath* parent_ = nullptr;
  std::string_view key_;
  size_t index_ = 0;
};

Status WrongType(const boost::json::value& value, const JsonPath& path, std::string_view wanted);

Status ReadJson(const boost::json::value& value, const JsonPath& path, bool& out);
Status ReadJson(const boost::json::value& value, const JsonPath& path, uint32_t& out);
Status ReadJson(const boost::json::value& value, const JsonPath& path, uint64_t& out);
Status ReadJson(const boost::json::value& value, const JsonPath& path, float& out);  // finite
Status ReadJson(const boost::json::value& value, const JsonPath& path, std::string& out);
// Every element finite as a 32-bit float; the error names the first that is not.
Status ReadJson(const boost::json::value& value, const JsonPath& path, std::vector<float>& out);

// Any JSON object, kept as compact text.
struct JsonText {
  std::string text;
};
Status ReadJson(const boost::json::value& value, const JsonPath& path, JsonText& out);

// Any JSON value, seen where it lies; null when absent.
using JsonView = const boost::json::value*;
inline Status ReadJson(const boost::json::value& value, const JsonPath&, JsonView& out) {
  out = &value;
  return Status::Ok();
}

template <typename T>
Status ReadJson(const boost::json::value& value, const JsonPath& path, std::optional<T>& out) {
  return ReadJson(value, path, out.emplace());
}

template <typename T>
Status ReadJson(const boost::json::value& value, const JsonPath& path, std::vector<T>& out) {
  const auto* array = value.if_array();
  if (array == nullptr) return WrongType(value, path, "an array");
  out.clear();
  out.reserve(array->size());
  for (size_t i = 0; i < array->size(); ++i) {
    RETURN_IF_ERROR(ReadJson((*array)[i], JsonPath(path, i), out.emplace_back()));
  }
  return Status::Ok();
}

// Bounds, both ends included, that the last argument of Required and Optional may give.
struct Between {
  double least, most;
  template <typename T>
  Status Check(const T& value, const JsonPath& path) const {
    return InBounds(static_cast<double>(value), path);
  }
  template <typename T>
  Status Check(const std::optional<T>& value, const JsonPath& path) const {
    return value ? Check(*value, path) : Status::Ok();
  }

 private:
  Status InBounds(double value, const JsonPath& path) const;
};
struct LengthBetween {  // bytes of a string, elements of an array
  size_t least, most;
  template <typename T>
  Status Check(const T& value, const JsonPath& path) const {
    return InBounds(value.size(), path);
  }
  template <typename T>
  Status Check(const std::optional<T>& value, const JsonPath& path) const {
    return value ? Check(*value, path) : Status::Ok();
  }

 private:
  Status InBounds(size_t length, const JsonPath& path) const;
};
struct Unbounded {
  template <typename T>
  Status Check(const T&, const JsonPath&) const {
    return Status::Ok();
  }
};

class Fields {
 public:
  // A value that is no object is the first failure.
  Fields(const boost::json::value& value, const JsonPath& path);

  template <typename T, typename Bounds = Unbounded>
  Fields& Required(std::string_view name, T& out, Bounds bounds = {}) {
    const boost::json::value* member = Take(name);
    if (member == nullptr || member->is_null()) {
      if (status_.ok()) status_ = Status::InvalidArgument(JsonPath(path_, name).ToString(), "is required");
      return *this;
    }
    return Read(*member, name, out, bounds);
  }

  template <typename T, typename Bounds = Unbounded>
  Fields& Optional(std::string_view name, T& out, Bounds bounds = {}) {
    const boost::json::value* member = Take(name);
    return member == nullptr || member->is_null() ? *this : Read(*member, name, out, bounds);
  }

  // The first failure, else one about a member that is not known here.
  Status Finish();

 private:
  const boost::json::value* Take(std::string_view name);

  template <typename T, typename Bounds>
  Fields& Read(const boost::json::value& member, std::string_view name, T& out, const Bounds& bounds) {
    if (!status_.ok()) return *this;
    const JsonPath path(path_, name);
    status_ = ReadJson(member, path, out);
    if (status_.ok()) status_ = bounds.Check(out, path);
    return *this;
  }

  const JsonPath& path_;
  const boost::json::object* object_;
  std::vector<std::string_view> known_;
  Status status_;
};

}  // namespace rhizome::gateway
