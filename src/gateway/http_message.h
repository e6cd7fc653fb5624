// Request and Response: what handlers see of HTTP. Plain data; sockets, parsing and limits stay in connection.cc.
//
// Thread-safety: as a struct; a request belongs to one thread at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
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

// A body that comes in pieces over time. The connection owns it and calls it on its own thread; nothing here blocks.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  // The next piece; "" when there is none yet, nullopt at the end.
  virtual std::optional<std::string> Next() = 0;
  // `wake` is to be called, on any thread, whenever Next may have something; never again once this is destroyed. Called
  // once, before Next.
  virtual void OnMore(std::function<void()> wake) = 0;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::shared_ptr<BodyStream> stream;  // instead of `body`; null for none
  NamedValues headers;  // beside Content-Type, Content-Length, Date and X-Request-Id, which the connection writes
};

// The standard reason phrase; "Status" for an unlisted number.
std::string_view ReasonPhrase(int status);

}  // namespace rhizome::gateway
