// HttpTestServer: a loopback HTTP server for tests that does exactly what its script says, misbehaviour included.
//
// Each request is answered by the script's function with raw bytes, then the connection is closed. One request at
// a time. Only tests include this header.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/mutex.h"

namespace rhizome::io {

struct TestRequest {
  std::string head;  // request line and headers
  std::string body;
};

inline std::string HttpText(const std::string& status, const std::string& body, const std::string& headers = "") {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n" +
         headers + "\r\n" + body;
}

class HttpTestServer {
 public:
  // `answer` gets the request and its number, from 0, and returns the raw answer; it may sleep.
  using Script = std::function<std::string(const TestRequest&, size_t)>;

  explicit HttpTestServer(Script answer) : answer_(std::move(answer)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    CHECK(listener_ >= 0);
    CHECK(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    CHECK(listen(listener_, 64) == 0);
    CHECK(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~HttpTestServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  HttpTestServer(const HttpTestServer&) = delete;
  HttpTestServer& operator=(const HttpTestServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::vector<TestRequest> requests() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return requests_;
  }

 private:
  void Serve() {
    for (size_t number = 0;; ++number) {
      const int peer = accept(listener_, nullptr, nullptr);
      if (peer < 0) return;
      const TestRequest request = Receive(peer);
      {
        MutexLock lock(mutex_);
        requests_.push_back(request);
      }
      const std::string answer = answer_(request, number);
      for (size_t sent = 0; sent < answer.size();) {
        const ssize_t written = send(peer, answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL);
        if (written <= 0) break;
        sent += static_cast<size_t>(written);
      }
      close(peer);
    }
  }

  static TestRequest Receive(int peer) {
    std::string bytes;
    size_t body_from = std::string::npos;
    size_t body_size = 0;
    char buffer[16384];
    while (body_from == std::string::npos || bytes.size() - body_from < body_size) {
      const ssize_t got = recv(peer, buffer, sizeof(buffer), 0);
      if (got <= 0) break;
      bytes.append(buffer, static_cast<size_t>(got));
      const size_t end = bytes.find("\r\n\r\n");
      if (body_from != std::string::npos || end == std::string::npos) continue;
      body_from = end + 4;
      const size_t length = bytes.find("Content-Length: ");
      if (length < end) body_size = std::strtoul(bytes.c_str() + length + 16, nullptr, 10);
    }
    if (body_from == std::string::npos) return {bytes, ""};
    return {bytes.substr(0, body_from), bytes.substr(body_from)};
  }

  const Script answer_;
  int listener_ = -1;
  int port_ = 0;
  std::thread thread_;
  Mutex mutex_;
  std::vector<TestRequest> requests_ GUARDED_BY(mutex_);
};

}  // namespace rhizome::io
