// Api: the handlers behind the routes, one method each. Internal to the folder.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "metrics_api/answers.h"
#include "metrics_api/parameters.h"
#include "metrics_api/routes.h"

namespace rhizome::metrics_api {

// One request under way. Stays where it is: the scope points into it.
struct Call {
  explicit Call(const gateway::Request& sent) : request(sent) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  const gateway::Request& request;
  Parameters parameters;
  std::string tenant;
  std::vector<std::string> warnings;
  promql::MetricsScope scope;
  std::string body{kSuccess};  // a method writes the data behind this
};

struct ReadRequest;

class Api {
 public:
  Api(MetricsApiOptions options, promql::MetricsStore& store, Clock& clock);

  using Method = Status (Api::*)(Call& call) const;
  // Reads the request, calls the method, and makes an answer of what it wrote or returned.
  gateway::Response Answer(Method method, const gateway::Request& request) const;

  // api_query.cc
  Status Query(Call& call) const;
  Status QueryRange(Call& call) const;
  Status FormatQuery(Call& call) const;
  Status QueryExemplars(Call& call) const;
  // api_series.cc
  Status Series(Call& call) const;
  Status Labels(Call& call) const;
  Status LabelValues(Call& call) const;
  Status Metadata(Call& call) const;
  gateway::Response DeleteSeries(const gateway::Request& request) const;
  // api_status.cc
  Status BuildInfo(Call& call) const;
  Status Flags(Call& call) const;
  Status Config(Call& call) const;
  Status RuntimeInfo(Call& call) const;
  Status Tsdb(Call& call) const;
  // api_read.cc
  gateway::Response Read(const gateway::Request& request) const;

 private:
  // What the client is told; what it is not goes to the log.
  static gateway::Response Failed(const Status& status);
  // Fills tenant and scope.
  Status Enter(Call& call) const;
  // The engine's options with what is left of the request's time; lowers the scope's deadline too.
  Result<promql::EngineOptions> EngineFor(Call& call) const;
  // The selectors and times of a request for a list. Errors of a selector name the parameter or, as Prometheus has it
  // for labels, do not.
  enum class SelectorErrors { kNamed, kUnnamed };
  static Result<promql::SeriesQuery> SeriesQueryOf(const Call& call, SelectorErrors errors);
  Status AppendNames(Call& call, const promql::SeriesQuery& query, std::vector<std::string> names) const;
  Status Bounded(const Call& call) const;
  Status ReadInto(Call& call, gateway::Response& response) const;
  // What the request reads, by one of the writers of remote_read.h.
  template <typename Writer>
  Result<std::string> Written(Call& call, const ReadRequest& request, Writer writer) const;

  const MetricsApiOptions options_;
  promql::MetricsStore& store_;
  Clock& clock_;
  const int64_t started_ms_;
};

// A JSON array of what `append` writes for each of `items`.
template <typename Items, typename Append>
void AppendArray(const Items& items, std::string& out, const Append& append) {
  out += '[';
  const char* separator = "";
  for (const auto& item : items) {
    out += separator;
    append(item);
    separator = ",";
  }
  out += ']';
}

}  // namespace rhizome::metrics_api
