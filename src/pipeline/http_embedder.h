// HttpEmbedder: text to vectors by any server with OpenAI's `POST {base_url}/embeddings`.
//
// Retries what may pass (429, 5xx, a broken connection, a timeout) with exponential backoff and full jitter,
// never sooner than the server's Retry-After and never past the call's deadline. A batch the server finds too
// large (413, or a 400 or 422 that says so) is halved; a lone text that is too large is halved too, as text past
// a model's window is cut. Everything in an answer is checked before use: count, indices, dimension, finite
// numbers. Redirects are refused: they would carry the key to another server.
//
// The key is sent in the Authorization header and appears nowhere else: no log, no message of ours, and server
// messages that repeat it are cleaned. Thread-safe; calls do not wait for each other.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/status.h"
#include "io/http_client.h"
#include "pipeline/embedder.h"

namespace rhizome::pipeline {

struct HttpEmbedderOptions {
  std::string base_url;         // "https://host/v1"
  std::string model;            // sent as "model"
  std::string api_key;          // empty: $RHIZOME_EMBED_API_KEY; that empty too: no Authorization header
  uint32_t dimension = 0;       // 0: ask the server once, in Open
  size_t batch_texts_max = 64;  // texts in one request
  size_t batch_bytes_max = 256 << 10;
  size_t parallel_max = 4;  // requests of one call at once
  size_t response_bytes_max = 64 << 20;
  int64_t connect_timeout_ms = 3'000;
  int64_t timeout_ms = 30'000;    // one request
  int64_t deadline_ms = 120'000;  // one Embed call with all its retries
  int attempts_max = 5;           // for one request
  int64_t backoff_ms = 250;       // doubles with each attempt
  int64_t backoff_max_ms = 15'000;
};

class HttpEmbedder final : public Embedder {
 public:
  // Errors: InvalidArgument naming the option; what Embed returns when the dimension must be asked for.
  static Result<std::unique_ptr<HttpEmbedder>> Open(HttpEmbedderOptions options);

  std::string_view name() const override { return options_.model; }
  uint32_t dimension() const override { return dimension_; }
  // Errors: Unavailable or DeadlineExceeded after the retries; FailedPrecondition when the server refuses (key,
  // model, address); Internal when its answer is not what the protocol says.
  Result<std::vector<std::vector<float>>> Embed(std::span<const std::string> texts) override;

 private:
  using Vectors = std::vector<std::vector<float>>;
  struct Share;  // the part of a call that one request carries

  explicit HttpEmbedder(HttpEmbedderOptions options) : options_(std::move(options)), dimension_(options_.dimension) {}

  std::vector<Share> Divide(std::span<const std::string> texts, Vectors& vectors) const;
  Status Fill(const Share& share, int64_t deadline_ns);
  Status FillHalves(const Share& share, int64_t deadline_ns);
  Result<io::HttpAnswer> PostWithRetries(const std::string& body, int64_t deadline_ns);
  Status Refusal(const io::HttpAnswer& answer) const;
  std::string Clean(std::string_view server_message) const;

  const HttpEmbedderOptions options_;
  uint32_t dimension_;  // constant after Open
  io::HttpClient client_;
};

}  // namespace rhizome::pipeline
