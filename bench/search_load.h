// What load on a real server is made of: a collection of clustered vectors, searches in it, and their answers.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gateway/test_client.h"
#include "server_process.h"

namespace rhizome::bench {

inline constexpr size_t kDimension = 384;

// Points around a fixed set of centres: neighbours exist, as they do among real embeddings.
class Vectors {
 public:
  Vectors() : random_(20240601) {
    std::normal_distribution<float> normal;
    centres_.resize(kCentreCount, std::vector<float>(kDimension));
    for (auto& centre : centres_) {
      for (float& value : centre) value = normal(random_);
    }
  }
  std::string NextJson() {
    std::normal_distribution<float> spread(0.0F, 0.6F);
    const auto& centre = centres_[random_() % kCentreCount];
    std::string text = "[";
    char number[24];
    for (size_t i = 0; i < kDimension; ++i) {
      const int length = std::snprintf(number, sizeof(number), "%s%.4f", i == 0 ? "" : ",",
                                       static_cast<double>(centre[i] + spread(random_)));
      text.append(number, static_cast<size_t>(length));
    }
    return text + "]";
  }

 private:
  static constexpr size_t kCentreCount = 200;
  std::mt19937 random_;
  std::vector<std::vector<float>> centres_;
};

// The collection "bench", indexed.
inline void Fill(uint16_t port, size_t documents, Vectors& vectors) {
  constexpr size_t kBatch = 500;
  gateway::TestClient client(port);
  if (client.Call("POST", "/collections", R"({"name":"bench","dimension":384})").status != 201) Fail("no collection");
  for (size_t done = 0; done < documents; done += kBatch) {
    std::string body = R"({"collection":"bench","points":[)";
    for (size_t i = done; i < std::min(done + kBatch, documents); ++i) {
      body.append(i == done ? "" : ",").append("{\"id\":").append(std::to_string(i));
      body.append(",\"payload\":{\"part\":").append(std::to_string(i % 10)).append("},\"vector\":");
      body.append(vectors.NextJson()).append("}");
    }
    const gateway::Reply reply = client.Call("POST", "/vectors", body + "]}");
    if (reply.status != 200) Fail("upsert: " + std::to_string(reply.status) + " " + reply.body);
    std::fprintf(stderr, "\r%zu of %zu vectors", std::min(done + kBatch, documents), documents);
  }
  std::fprintf(stderr, "\n");
  for (int i = 0; i < 6000; ++i) {
    const std::string shards = client.Call("GET", "/shards").body;
    if (shards.find("\"pending_index\":0,") != std::string::npos) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  Fail("the index did not catch up in 10 minutes");
}

// `exact` compares with every vector.
inline std::string SearchRequest(const std::string& vector, bool exact = false) {
  const std::string body = R"({"collection":"bench","top_k":10,"with_payload":false,"exact":)" +
                           std::string(exact ? "true" : "false") + ",\"vector\":" + vector + "}";
  return "POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

// Reads one answer; its status, 0 when the connection broke.
inline boost::asio::awaitable<int> ReadAnswer(boost::asio::ip::tcp::socket* socket, std::string* buffer) {
  constexpr auto kAwait = boost::asio::as_tuple(boost::asio::use_awaitable);
  size_t needed = std::string::npos;
  while (true) {
    const size_t head = buffer->find("\r\n\r\n");
    if (head != std::string::npos && needed == std::string::npos) {
      const size_t at = buffer->find("Content-Length: ");
      if (at == std::string::npos || at > head) co_return 0;
      needed = head + 4 + std::strtoull(buffer->c_str() + at + 16, nullptr, 10);
    }
    if (needed != std::string::npos && buffer->size() >= needed) break;
    char chunk[16384];
    const auto [error, count] = co_await socket->async_read_some(boost::asio::buffer(chunk), kAwait);
    if (error) co_return 0;
    buffer->append(chunk, count);
  }
  const int status = std::atoi(buffer->c_str() + 9);
  buffer->erase(0, needed);
  co_return status;
}

}  // namespace rhizome::bench
