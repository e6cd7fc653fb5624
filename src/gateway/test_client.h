// A blocking HTTP client for tests that speaks raw bytes, so that a test can be as rude as it needs.
// Every wait ends after ten seconds and then fails the test by an empty answer.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/http_message.h"

namespace rhizome::gateway {

struct Reply {
  int status = 0;  // 0: none came
  NamedValues headers;
  std::string body;

  // By name in any case; empty when absent.
  std::string Header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key.size() == name.size() && strncasecmp(key.data(), name.data(), key.size()) == 0) return value;
    }
    return {};
  }
};

class TestClient {
 public:
  explicit TestClient(uint16_t port) : TestClient("127.0.0.1", port) {}
  TestClient(const std::string& host, uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    connected_ = ::inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1 &&
                 ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~TestClient() { ::close(socket_); }
  TestClient(TestClient&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)), connected_(other.connected_), unread_(std::move(other.unread_)) {}
  TestClient& operator=(TestClient&&) = delete;

  bool connected() const { return connected_; }

  // False when the server no longer takes bytes.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  Reply Read(bool head_only = false) {
    size_t end = 0;
    while ((end = unread_.find("\r\n\r\n")) == std::string::npos) {
      if (!Fill()) return {};
    }
    Reply reply = ParseHead(unread_.substr(0, end + 2));
    unread_.erase(0, end + 4);
    const size_t length = std::strtoull(reply.Header("Content-Length").c_str(), nullptr, 10);
    if (head_only || reply.status < 200) return reply;
    while (unread_.size() < length) {
      if (!Fill()) return {};
    }
    reply.body = unread_.substr(0, length);
    unread_.erase(0, length);
    return reply;
  }

  // One request, one answer. `headers` are whole lines.
  Reply Call(std::string_view method, std::string_view target, std::string_view body = {},
             std::string_view headers = {}) {
    std::string text;
    text.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n").append(headers);
    if (!body.empty()) {
      text.append("Content-Type: application/json\r\nContent-Length: ")
          .append(std::to_string(body.size()))
          .append("\r\n");
    }
    text.append("\r\n").append(body);
    return Send(text) ? Read(method == "HEAD") : Reply{};
  }

  // All that comes until the server ends the connection.
  std::string Rest() {
    while (Fill()) {
    }
    return std::exchange(unread_, {});
  }

  // True when the server ends the connection within ten seconds, whatever it sends before.
  bool ServerCloses() {
    while (Fill()) {
    }
    return closed_;
  }

 private:
  bool Fill() {
    pollfd waiting{socket_, POLLIN, 0};
    if (::poll(&waiting, 1, 10'000) != 1) return false;
    char buffer[65536];
    const ssize_t count = ::recv(socket_, buffer, sizeof(buffer), 0);
    closed_ = count <= 0;
    if (count > 0) unread_.append(buffer, static_cast<size_t>(count));
    return count > 0;
  }

  static Reply ParseHead(std::string_view head) {
    Reply reply;
    if (head.size() > 12) reply.status = std::atoi(head.data() + 9);
    size_t line = head.find("\r\n") + 2;
    while (line < head.size()) {
      const size_t end = head.find("\r\n", line);
      const size_t colon = head.find(": ", line);
      if (colon < end)
        reply.headers.emplace_back(head.substr(line, colon - line), head.substr(colon + 2, end - colon - 2));
      line = end + 2;
    }
    return reply;
  }

  int socket_;
  bool connected_ = false;
  bool closed_ = false;
  std::string unread_;
};

}  // namespace rhizome::gateway
