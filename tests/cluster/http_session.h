// HttpSession: one client of the cluster's HTTP, over a connection that it keeps and, when that breaks, makes anew,
// perhaps to another gateway.
//
// Not thread-safe: one for each thread.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/test_client.h"
#include "history/history.h"

namespace rhizome::chaos {

struct Endpoint {
  std::string host;
  uint16_t port = 0;
};

struct Answer {
  int status = 0;  // 0: none came
  boost::json::object body;
  // What is known of a change that was asked for (docs/consistency.md): 4xx and 503 mean that nothing was written, and
  // so does a connection that was refused.
  history::Outcome outcome = history::Outcome::kFailed;

  bool good() const { return status >= 200 && status < 300; }
  // "503 too few members: …", for messages.
  std::string ToString() const;
};

class HttpSession {
 public:
  // Begins with one of the endpoints, `start` counted around.
  explicit HttpSession(std::vector<Endpoint> endpoints, size_t start = 0, int64_t timeout_ms = 8'000);

  // `headers` are whole lines.
  Answer Call(std::string_view method, std::string_view target, std::string_view body = {},
              std::string_view headers = {});
  // As a client does that repeats once what was not answered well, at the next gateway; the outcome is that of both
  // attempts together.
  Answer CallTwice(std::string_view method, std::string_view target, std::string_view body,
                   std::string_view headers = {});

 private:
  const std::vector<Endpoint> endpoints_;
  const std::string timeout_header_;
  size_t at_;
  std::unique_ptr<gateway::TestClient> client_;
};

}  // namespace rhizome::chaos
