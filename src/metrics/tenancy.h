// Tenancy: what a tenant writes as it is kept, and what is kept as the tenant sees it (docs/decisions/0039). All that
// tells one tenant's series from another's is here and in format/tenant.h: whoever asks a store for series narrows its
// matchers first, so that no series of another tenant is ever looked at.
//
// A tenant costs nothing but its series. Immutable; thread-safe.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "format/matcher.h"
#include "format/tenant.h"

namespace rhizome::metrics {

inline constexpr std::string_view kTenant = "default";  // of requests that name none

class Tenancy {
 public:
  // InvalidArgument unless the name is 1 to 128 of A-Z a-z 0-9 _ -. One tenant at a time.
  static Result<Tenancy> Of(std::string_view name);

  bool is_default() const { return value_.empty(); }
  const std::string& name() const { return name_; }
  // The value of its series' kTenantLabel, "" for the default tenant.
  const std::string& value() const { return value_; }
  // The batch as it is kept: `sent`, or a changed one, which is then in `changed`.
  const std::string& Kept(const std::string& sent, std::string& changed) const;
  // Matchers that no other tenant's series satisfy.
  std::vector<format::Matcher> Narrow(std::span<const format::Matcher> matchers) const;
  // The same of every selector; of none, the one that every series of the tenant satisfies.
  std::vector<std::vector<format::Matcher>> NarrowAll(std::span<const std::vector<format::Matcher>> selectors) const;

 private:
  explicit Tenancy(std::string_view name);

  std::string name_;
  std::string value_;
  format::Matcher own_;
};

// How many series tenants may have.
struct TenantLimits {
  uint64_t series_max = UINT64_MAX;         // of a tenant
  std::map<std::string, uint64_t> of = {};  // of those named here instead
  uint64_t SeriesMaxOf(const std::string& tenant) const {
    const auto found = of.find(tenant);
    return found == of.end() ? series_max : found->second;
  }
};

}  // namespace rhizome::metrics
