// HttpClient: one HTTP/1.1 or HTTP/2 exchange at a time with a server we call (libcurl underneath).
//
// What makes it safe to point at a stranger: redirects are never followed, only http and https are spoken, TLS
// certificates are checked, the answer's size and the whole exchange's time are bounded. Connections are kept and
// used again. Nothing is retried here, with one exception that libcurl makes: a kept connection that the server closed
// before a byte of the answer is replaced and the request sent again. Who must never send twice asks for a fresh one.
//
// Thread-safe: each exchange in progress has its own connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/status.h"

namespace rhizome::io {

// Files in PEM form, "" for none; read again at every new connection, so that they can be replaced in place.
struct HttpTls {
  std::string ca_file;           // trusted instead of the system's
  std::string certificate_file;  // ours, with `key_file`
  std::string key_file;
};

// AWS Signature Version 4, as S3 servers ask for it. The URL's path and query must be encoded as that wants them, the
// query sorted: libcurl signs them as they are.
struct HttpSignature {
  std::string access_key;
  std::string secret_key;
  std::string region;
  std::string service;  // "s3"
};

struct HttpExchange {
  std::string url;
  std::string method = "POST";       // of Send: GET, HEAD, PUT, POST, PATCH or DELETE
  std::vector<std::string> headers;  // "Name: value"
  std::string body;                  // sent by POST, PUT and PATCH
  std::optional<HttpSignature> signature;
  int64_t connect_timeout_ms = 3'000;
  int64_t timeout_ms = 30'000;  // from the first step to the answer's last byte
  size_t response_bytes_max = 64 << 20;
  bool fresh_connection = false;
  std::string wanted_header;  // by name, "" for none: of the answer's headers the one to be given back
  // Called with the body so far after each piece of it, whatever the status; true ends the exchange as if it were
  // complete. For answers that go on and on.
  std::function<bool(const std::string& body)> until;
};

struct HttpAnswer {
  int status = 0;  // 3xx included: the caller decides what a redirect means
  std::string body;
  std::string retry_after;    // the header's value, empty without one
  std::string wanted_header;  // the value of the one that was asked for, empty without one
  int64_t length = -1;        // what the header Content-Length says, of HEAD too; -1 without one
};

// Whether the URL is http or https with a host, and carries no user name or password (those would reach logs).
// Error: InvalidArgument naming `field`.
Status CheckServerUrl(const std::string& url, const std::string& field);

class HttpClient {
 public:
  explicit HttpClient(HttpTls tls = {});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Any answer the server gave, of whatever status. Errors: DeadlineExceeded (the server may have done the
  // work), Unavailable (no connection, or it broke), TooLarge (field "response"), InvalidArgument (the URL).
  // Messages name neither headers nor body. `sent`, when given, tells whether any of the request may have left.
  Result<HttpAnswer> Post(const HttpExchange& exchange, bool* sent = nullptr) EXCLUDES(mutex_);
  // The same by the exchange's method.
  Result<HttpAnswer> Send(const HttpExchange& exchange, bool* sent = nullptr) EXCLUDES(mutex_);

 private:
  struct Handle;  // one libcurl easy handle
  std::unique_ptr<Handle> Take() EXCLUDES(mutex_);
  void GiveBack(std::unique_ptr<Handle> handle) EXCLUDES(mutex_);

  const HttpTls tls_;
  Mutex mutex_;
  std::vector<std::unique_ptr<Handle>> idle_ GUARDED_BY(mutex_);  // at most kIdleMax
};

}  // namespace rhizome::io
