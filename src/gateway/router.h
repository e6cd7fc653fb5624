// Router: the one table of routes. Dispatch, 404, 405 with Allow, docs/http.md and the check of docs/openapi.json
// all come from it.
//
// A pattern is "/collections/{name}": literal segments and parameters. A parameter called "name" is a collection's
// name and is checked here; any other takes whatever the target parser lets through. Thread-safe once built.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "gateway/http_message.h"
#include "gateway/target.h"

namespace rhizome::gateway {

// Where a handler runs. Each lane has its own threads and its own bounded queue, so that one kind of work never
// starves another.
enum class Lane {
  kInline,  // on the connection's own thread: must not block nor compute; never queued, never shed
  kQuery,   // reads
  kWrite,   // waits for fsync
  kIngest,  // parses and embeds documents
  kAdmin,   // for operators, so that a busy server can still be looked at
};

// What a route takes for a body.
enum class BodyKind {
  kJson,            // application/json, plain or gzip
  kForm,            // application/x-www-form-urlencoded, plain or gzip
  kSnappyProtobuf,  // application/x-protobuf in snappy's block format, handed on as it came
  kAny,             // whatever Content-Type, plain or gzip; the handler looks at it where it matters
};

using Handler = std::function<Result<Response>(const Request&)>;

struct Route {
  std::string method;  // "GET", "POST", "DELETE"
  std::string pattern;
  Lane lane = Lane::kQuery;
  bool open = false;  // answers without an API key
  std::string summary;
  Handler handler;
  BodyKind body = BodyKind::kJson;
};

struct Match {
  const Route* route = nullptr;    // null: the path is unknown, or `allow` says what it accepts
  std::vector<std::string> allow;  // not empty: known path, other method
  NamedValues params;
};

class Router {
 public:
  // Two routes with the same method and shape of pattern are our bug and fail a CHECK.
  explicit Router(std::vector<Route> routes);

  // HEAD matches GET. InvalidArgument (field "name") for an unacceptable collection name.
  Result<Match> Find(std::string_view method, const std::vector<std::string>& segments) const;
  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
  std::vector<std::vector<std::string>> shapes_;  // each route's pattern, split
};

}  // namespace rhizome::gateway
