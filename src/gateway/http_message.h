// Request and Response: what handlers see of HTTP. Plain data; sockets, parsing and limits stay in connection.cc.
//
// Thread-safety: as a struct; a request belongs to one thread at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rhizome::gateway {

using NamedValues = std::vector<std::pair<std::string, std::string>>;

// The value under `name`, or nullptr.
inline const std::string* FindValue(const NamedValues& values, std::string_view name) {
  for (const auto& [key, value] : values) {
    if (key == name) return &value;
  }
  return nullptr;
}

struct Request {
  std::string id;               // the client's X-Request-Id when sane, else made here; never empty
  std::string method;           // as sent; HEAD arrives at the handler of GET
  NamedValues path_params;      // by the names in the route's pattern, decoded once and checked
  NamedValues query;            // decoded once
  std::string body;             // complete, inflated
  std::string content_type;     // as sent, parameters included
  std::string idempotency_key;  // as sent, "" for none
  std::string traceparent;      // W3C trace context: the client's as its child, else new
  std::string tenant;           // X-Scope-OrgID as sent, "" for none
  int64_t deadline_ns = 0;      // of the monotonic clock; past it nobody waits for the answer
  // Raised once the client has gone or the server wants to end; handlers that take long look at it. Null: nobody
  // watches.
  const std::atomic<bool>* cancelled = nullptr;

  // Present for every name in the route's pattern.
  const std::string& PathParam(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  NamedValues headers;  // beside Content-Type, Content-Length, Date and X-Request-Id, which the connection writes
};

// The standard reason phrase; "Status" for an unlisted number.
std::string_view ReasonPhrase(int status);

}  // namespace rhizome::gateway
