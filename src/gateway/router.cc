#include "gateway/router.h"

#include <algorithm>

#include "base/check.h"

namespace rhizome::gateway {
namespace {

bool IsParam(std::string_view part) { return part.size() > 2 && part.front() == '{' && part.back() == '}'; }
std::string_view ParamName(std::string_view part) { return part.substr(1, part.size() - 2); }

std::vector<std::string> Split(std::string_view pattern) {
  CHECK(!pattern.empty() && pattern[0] == '/');
  std::vector<std::string> parts;
  pattern.remove_prefix(1);
  while (!pattern.empty()) {
    const size_t slash = std::min(pattern.find('/'), pattern.size());
    parts.emplace_back(pattern.substr(0, slash));
    pattern.remove_prefix(std::min(slash + 1, pattern.size()));
  }
  return parts;
}

bool SameShape(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return x == y || (IsParam(x) && IsParam(y)); });
}

bool Fits(const std::vector<std::string>& shape, const std::vector<std::string>& segments) {
  return std::equal(shape.begin(), shape.end(), segments.begin(), segments.end(),
                    [](const auto& part, const auto& segment) { return IsParam(part) || part == segment; });
}

Result<NamedValues> Bind(const std::vector<std::string>& shape, const std::vector<std::string>& segments) {
  NamedValues params;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (!IsParam(shape[i])) continue;
    if (ParamName(shape[i]) == "name" && !IsCollectionName(segments[i])) {
      return Status::InvalidArgument("name", "a collection's name is 1 to 128 of A-Z a-z 0-9 _ -");
    }
    params.emplace_back(ParamName(shape[i]), segments[i]);
  }
  return params;
}

}  // namespace

Router::Router(std::vector<Route> routes) : routes_(std::move(routes)) {
  for (const Route& route : routes_) {
    auto shape = Split(route.pattern);
    for (size_t i = 0; i < shapes_.size(); ++i) {
      CHECK(route.method != routes_[i].method || !SameShape(shape, shapes_[i]));
    }
    shapes_.push_back(std::move(shape));
  }
}

Result<Match> Router::Find(std::string_view method, const std::vector<std::string>& segments) const {
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  Match match;
  for (size_t i = 0; i < routes_.size(); ++i) {
    if (!Fits(shapes_[i], segments)) continue;
    if (routes_[i].method == wanted) {
      match.route = &routes_[i];
      match.allow.clear();
      ASSIGN_OR_RETURN(match.params, Bind(shapes_[i], segments));
      return match;
    }
    match.allow.push_back(routes_[i].method);
    if (routes_[i].method == "GET") match.allow.emplace_back("HEAD");
  }
  return match;
}

}  // namespace rhizome::gateway
