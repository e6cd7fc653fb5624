#include "metrics_api/routes.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "gateway/target.h"
#include "metrics_api/api.h"

namespace rhizome::metrics_api {

using gateway::BodyKind;
using gateway::Lane;
using gateway::Request;
using gateway::Response;
using gateway::Route;

namespace {

struct Described {
  const char* path;
  const char* summary;
  Api::Method method;
  Lane lane = Lane::kQuery;
};

constexpr Described kGetOrPost[] = {
    {"query", "Evaluates a PromQL expression at one time", &Api::Query},
    {"query_range", "Evaluates a PromQL expression over a range of times", &Api::QueryRange},
    {"format_query", "Formats a PromQL expression", &Api::FormatQuery},
    {"query_exemplars", "Lists exemplars: none are kept", &Api::QueryExemplars},
    {"series", "Lists series by selectors", &Api::Series},
    {"labels", "Lists the names of labels", &Api::Labels},
};
constexpr Described kGet[] = {
    {"label/{label}/values", "Lists the values of a label", &Api::LabelValues},
    {"metadata", "Lists what is known of metrics", &Api::Metadata},
    {"status/buildinfo", "Tells the version", &Api::BuildInfo, Lane::kAdmin},
    {"status/flags", "Tells the flags", &Api::Flags, Lane::kAdmin},
    {"status/config", "Tells the configuration", &Api::Config, Lane::kAdmin},
    {"status/runtimeinfo", "Tells the state of the process", &Api::RuntimeInfo, Lane::kAdmin},
    {"status/tsdb", "Tells how many series there are and which labels make them", &Api::Tsdb, Lane::kAdmin},
};

}  // namespace

Api::Api(MetricsApiOptions options, promql::MetricsStore& store, Clock& clock)
    : options_(std::move(options)), store_(store), clock_(clock), started_ms_(clock.WallMs()) {}

Status Api::Enter(Call& call) const {
  call.tenant = call.request.tenant.empty() ? options_.tenant_default : call.request.tenant;
  if (!gateway::IsCollectionName(call.tenant)) {
    return Status::InvalidArgument("", "X-Scope-OrgID: a tenant's name is 1 to 128 of A-Z a-z 0-9 _ -");
  }
  call.scope = {call.tenant, call.request.deadline_ns, call.request.cancelled, &call.warnings};
  return Status::Ok();
}

Response Api::Answer(Method method, const Request& request) const {
  Call call(request);
  auto parameters = Parameters::Of(request);
  if (!parameters.ok()) return Failed(parameters.status());
  call.parameters = std::move(*parameters);
  if (const Status status = Enter(call); !status.ok()) return Failed(status);
  if (const Status status = (this->*method)(call); !status.ok()) return Failed(status);
  return Success(std::move(call.body), call.warnings);
}

Response Api::Failed(const Status& status) {
  Response response = Failure(status);
  if (response.status == 500) spdlog::warn("a metrics request failed: {}", status.ToString());
  return response;
}

Status Api::Bounded(const Call& call) const {
  if (call.body.size() <= options_.answer_bytes_max) return Status::Ok();
  return Status::ResourceExhausted("the answer has more than the limit of " +
                                   std::to_string(options_.answer_bytes_max) + " bytes: ask with a limit");
}

std::vector<Route> MetricsRoutes(MetricsApiOptions options, promql::MetricsStore& store, Clock& clock) {
  const auto api = std::make_shared<const Api>(std::move(options), store, clock);
  std::vector<Route> routes;
  const auto add = [&](const char* verb, const Described& route) {
    const gateway::Handler handler = [api, method = route.method](const Request& request) -> Result<Response> {
      return api->Answer(method, request);
    };
    routes.push_back(
        {verb, std::string("/api/v1/") + route.path, route.lane, false, route.summary, handler, BodyKind::kForm});
  };
  for (const Described& route : kGetOrPost) {
    add("GET", route);
    add("POST", route);
  }
  for (const Described& route : kGet) add("GET", route);
  const gateway::Handler read = [api](const Request& request) -> Result<Response> { return api->Read(request); };
  routes.push_back(
      {"POST", "/api/v1/read", Lane::kQuery, false, "Prometheus' remote read", read, BodyKind::kSnappyProtobuf});
  const gateway::Handler remove = [api](const Request& request) -> Result<Response> {
    return api->DeleteSeries(request);
  };
  for (const char* const verb : {"POST", "PUT"}) {
    routes.push_back({verb, "/api/v1/admin/tsdb/delete_series", Lane::kWrite, false, "Deletes samples by selectors",
                      remove, BodyKind::kForm});
  }
  return routes;
}

}  // namespace rhizome::metrics_api
