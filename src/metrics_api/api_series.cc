#include <algorithm>

#include "metrics_api/api.h"

namespace rhizome::metrics_api {
namespace {

constexpr std::string_view kTruncated = "results truncated due to limit";

// One more than was asked for tells whether there are more.
size_t OneMore(size_t limit) { return limit == 0 ? 0 : limit + 1; }

template <typename T>
void Truncate(size_t limit, std::vector<T>& items, std::vector<std::string>& warnings) {
  if (limit == 0 || items.size() <= limit) return;
  items.resize(limit);
  warnings.emplace_back(kTruncated);
}

void AppendMetadata(const promql::MetricMetadata& metadata, std::string& out) {
  out += "{\"type\":";
  AppendJsonString(metadata.type, out);
  out += ",\"help\":";
  AppendJsonString(metadata.help, out);
  out += ",\"unit\":";
  AppendJsonString(metadata.unit, out);
  out += '}';
}

}  // namespace

Result<promql::SeriesQuery> Api::SeriesQueryOf(const Call& call, SelectorErrors errors) {
  promql::SeriesQuery query;
  ASSIGN_OR_RETURN(query.min_ms, call.parameters.TimeMs("start", -kTimeMsMax));
  ASSIGN_OR_RETURN(query.max_ms, call.parameters.TimeMs("end", kTimeMsMax));
  auto selectors = call.parameters.Selectors();
  if (!selectors.ok() && errors == SelectorErrors::kNamed) {
    return Status::InvalidArgument("match[]", std::string(selectors.status().message()));
  }
  ASSIGN_OR_RETURN(query.selectors, std::move(selectors));
  ASSIGN_OR_RETURN(query.limit, call.parameters.Count("limit", 0));
  return query;
}

Status Api::AppendNames(Call& call, const promql::SeriesQuery& query, std::vector<std::string> names) const {
  Truncate(query.limit, names, call.warnings);
  AppendArray(names, call.body, [&](const std::string& name) { AppendJsonString(name, call.body); });
  return Bounded(call);
}

Status Api::Series(Call& call) const {
  if (call.parameters.All("match[]").empty()) return Status::InvalidArgument("", "no match[] parameter provided");
  ASSIGN_OR_RETURN(promql::SeriesQuery query, SeriesQueryOf(call, SelectorErrors::kNamed));
  const size_t limit = query.limit;
  query.limit = OneMore(limit);
  ASSIGN_OR_RETURN(std::vector<format::Labels> series, store_.Series(call.scope, query));
  Truncate(limit, series, call.warnings);
  AppendArray(series, call.body, [&](const format::Labels& labels) { AppendMetric(labels, call.body); });
  return Bounded(call);
}

Status Api::Labels(Call& call) const {
  ASSIGN_OR_RETURN(const promql::SeriesQuery query, SeriesQueryOf(call, SelectorErrors::kUnnamed));
  promql::SeriesQuery more = query;
  more.limit = OneMore(query.limit);
  ASSIGN_OR_RETURN(std::vector<std::string> names, store_.LabelNames(call.scope, more));
  return AppendNames(call, query, std::move(names));
}

Status Api::LabelValues(Call& call) const {
  const std::string& label = call.request.PathParam("label");
  if (!format::IsLabelName(label)) return Status::InvalidArgument("", "invalid label name: \"" + label + "\"");
  ASSIGN_OR_RETURN(const promql::SeriesQuery query, SeriesQueryOf(call, SelectorErrors::kUnnamed));
  promql::SeriesQuery more = query;
  more.limit = OneMore(query.limit);
  ASSIGN_OR_RETURN(std::vector<std::string> values, store_.LabelValues(call.scope, label, more));
  return AppendNames(call, query, std::move(values));
}

Status Api::Metadata(Call& call) const {
  ASSIGN_OR_RETURN(const size_t limit, call.parameters.Count("limit", SIZE_MAX));
  ASSIGN_OR_RETURN(const auto all, store_.Metadata(call.scope, call.parameters.Get("metric")));
  std::string& out = call.body;
  out += '{';
  size_t metrics = 0;
  for (size_t i = 0; i < all.size() && metrics < limit; ++metrics) {
    if (metrics > 0) out += ',';
    AppendJsonString(all[i].metric, out);
    out += ":[";
    for (const size_t first = i; i < all.size() && all[i].metric == all[first].metric; ++i) {
      if (i > first) out += ',';
      AppendMetadata(all[i], out);
    }
    out += ']';
  }
  out += '}';
  return Bounded(call);
}

gateway::Response Api::DeleteSeries(const gateway::Request& request) const {
  if (!options_.admin) return Failure(Status::ReadOnly("admin APIs disabled"));
  Call call(request);
  const auto remove = [&]() -> Status {
    ASSIGN_OR_RETURN(call.parameters, Parameters::Of(request));
    RETURN_IF_ERROR(Enter(call));
    if (call.parameters.All("match[]").empty()) return Status::InvalidArgument("", "no match[] parameter provided");
    ASSIGN_OR_RETURN(const promql::SeriesQuery query, SeriesQueryOf(call, SelectorErrors::kNamed));
    return store_.Delete(call.scope, query);
  };
  if (const Status status = remove(); !status.ok()) return Failed(status);
  gateway::Response response;
  response.status = 204;
  return response;
}

}  // namespace rhizome::metrics_api
