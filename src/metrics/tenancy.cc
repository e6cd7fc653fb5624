#include "metrics/tenancy.h"

#include <algorithm>

namespace rhizome::metrics {

using format::Matcher;

namespace {

constexpr size_t kNameLenMax = 128;

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

}  // namespace

Tenancy::Tenancy(std::string_view name)
    : name_(name),
      value_(name == kTenant ? "" : name),
      own_(Matcher::Make(format::MatchKind::kEqual, std::string(format::kTenantLabel), value_).value()) {}

Result<Tenancy> Tenancy::Of(std::string_view name) {
  if (name.empty() || name.size() > kNameLenMax || !std::all_of(name.begin(), name.end(), IsNameByte)) {
    return Status::InvalidArgument(
        "", "X-Scope-OrgID: a tenant's name is 1 to 128 of A-Z a-z 0-9 _ -, and a request is of one tenant");
  }
  return Tenancy(name);
}

const std::string& Tenancy::Kept(const std::string& sent, std::string& changed) const {
  if (is_default()) return sent;
  changed = format::BatchOfTenant(format::SeriesBatch::Trusted(sent), value_);
  return changed;
}

std::vector<Matcher> Tenancy::Narrow(std::span<const Matcher> matchers) const {
  std::vector<Matcher> narrowed{own_};
  narrowed.insert(narrowed.end(), matchers.begin(), matchers.end());
  return narrowed;
}

std::vector<std::vector<Matcher>> Tenancy::NarrowAll(std::span<const std::vector<Matcher>> selectors) const {
  std::vector<std::vector<Matcher>> narrowed;
  for (const auto& selector : selectors) narrowed.push_back(Narrow(selector));
  if (selectors.empty()) narrowed.push_back({own_});
  return narrowed;
}

}  // namespace rhizome::metrics
