#include "pipeline/http_embedder.h"

#include <curl/curl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <random>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/utf8.h"
#include "pipeline/embeddings_protocol.h"

namespace rhizome::pipeline {
namespace {

constexpr size_t kTextBytesMin = 64;  // a text this short is not what the server finds too large
constexpr size_t kMessageBytesMax = 300;
constexpr int64_t kNsPerMs = 1'000'000;

bool MayPass(int status) { return status == 408 || status == 429 || status >= 500; }

bool MayPass(const Status& status) {
  return status.code() == Code::kUnavailable || status.code() == Code::kDeadlineExceeded;
}

// RFC 9110, section 10.2.3: seconds, or a date. 0 when it is neither.
int64_t RetryAfterMs(const std::string& value) {
  if (value.empty()) return 0;
  if (std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    return value.size() > 6 ? INT64_C(1'000'000'000) : std::strtoll(value.c_str(), nullptr, 10) * 1000;
  }
  const time_t date = curl_getdate(value.c_str(), nullptr);
  return date < 0 ? 0 : std::max<int64_t>(0, static_cast<int64_t>(date) * 1000 - SystemClock().WallMs());
}

// Full jitter (Brooker, "Exponential Backoff and Jitter", 2015): anywhere between nothing and the whole step, so
// that clients which failed together do not come back together.
int64_t JitteredMs(int64_t step_ms, int64_t step_max_ms, int attempt) {
  static thread_local std::mt19937_64 random{std::random_device{}()};
  int64_t step = step_ms;
  for (int i = 0; i < attempt && step < step_max_ms; ++i) step *= 2;
  return std::uniform_int_distribution<int64_t>(0, std::min(step, step_max_ms))(random);
}

// The first half, cut between two characters.
std::string FirstHalf(const std::string& text) {
  size_t end = text.size() / 2;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

Status CheckOptions(const HttpEmbedderOptions& options) {
  RETURN_IF_ERROR(io::CheckServerUrl(options.base_url, "base_url"));
  if (options.model.empty()) return Status::InvalidArgument("model", "must not be empty");
  const auto bad = [](char c) { return static_cast<unsigned char>(c) < 0x21 || c == 0x7F; };
  if (std::any_of(options.api_key.begin(), options.api_key.end(), bad)) {
    return Status::InvalidArgument("api_key", "must not hold spaces or control characters");
  }
  if (options.batch_texts_max == 0) return Status::InvalidArgument("batch_texts_max", "must be at least 1");
  if (options.parallel_max == 0) return Status::InvalidArgument("parallel_max", "must be at least 1");
  if (options.attempts_max < 1) return Status::InvalidArgument("attempts_max", "must be at least 1");
  if (options.backoff_ms < 0 || options.backoff_max_ms < 0) {
    return Status::InvalidArgument("backoff_ms", "must not be negative");
  }
  if (options.timeout_ms < 1 || options.connect_timeout_ms < 1 || options.deadline_ms < 1) {
    return Status::InvalidArgument("timeout_ms", "every timeout must be at least 1 ms");
  }
  return Status::Ok();
}

}  // namespace

struct HttpEmbedder::Share {
  std::span<const std::string> texts;
  std::span<std::vector<float>> vectors;
};

Result<std::unique_ptr<HttpEmbedder>> HttpEmbedder::Open(HttpEmbedderOptions options) {
  const char* key = std::getenv("RHIZOME_EMBED_API_KEY");
  if (options.api_key.empty() && key != nullptr) options.api_key = key;
  RETURN_IF_ERROR(CheckOptions(options));
  while (options.base_url.ends_with('/')) options.base_url.pop_back();
  std::unique_ptr<HttpEmbedder> made(new HttpEmbedder(std::move(options)));
  if (made->dimension_ == 0) {
    const std::string probe = "dimension";
    ASSIGN_OR_RETURN(const Vectors vectors, made->Embed(std::span(&probe, 1)));
    made->dimension_ = static_cast<uint32_t>(vectors[0].size());
  }
  return made;
}

std::vector<HttpEmbedder::Share> HttpEmbedder::Divide(std::span<const std::string> texts, Vectors& vectors) const {
  std::vector<Share> shares;
  size_t from = 0;
  size_t bytes = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    const bool full = i - from >= options_.batch_texts_max || bytes + texts[i].size() > options_.batch_bytes_max;
    if (i > from && full) {
      shares.push_back({texts.subspan(from, i - from), std::span(vectors).subspan(from, i - from)});
      from = i;
      bytes = 0;
    }
    bytes += texts[i].size();
  }
  if (from < texts.size()) shares.push_back({texts.subspan(from), std::span(vectors).subspan(from)});
  return shares;
}

Result<std::vector<std::vector<float>>> HttpEmbedder::Embed(std::span<const std::string> texts) {
  Vectors vectors(texts.size());
  const std::vector<Share> shares = Divide(texts, vectors);
  const int64_t deadline_ns = SystemClock().MonotonicNs() + options_.deadline_ms * kNsPerMs;
  std::vector<Status> statuses(shares.size());
  std::atomic<size_t> next = 0;
  std::atomic<bool> failed = false;
  const auto work = [&] {
    for (size_t mine = next++; mine < shares.size() && !failed; mine = next++) {
      statuses[mine] = Fill(shares[mine], deadline_ns);
      if (!statuses[mine].ok()) failed = true;
    }
  };
  std::vector<std::thread> others;
  for (size_t i = 1; i < std::min(options_.parallel_max, shares.size()); ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
  for (const Status& status : statuses) RETURN_IF_ERROR(status);
  return vectors;
}

Status HttpEmbedder::Fill(const Share& share, int64_t deadline_ns) {
  ASSIGN_OR_RETURN(const io::HttpAnswer answer,
                   PostWithRetries(EncodeEmbeddingsRequest(options_.model, share.texts), deadline_ns));
  if (answer.status == 200) return DecodeEmbeddingsAnswer(answer.body, dimension_, share.vectors);
  if (SaysTooLarge(answer.status, answer.body)) {
    const bool divisible = share.texts.size() > 1 || share.texts[0].size() > kTextBytesMin;
    if (divisible) return FillHalves(share, deadline_ns);
  }
  return Refusal(answer);
}

Status HttpEmbedder::FillHalves(const Share& share, int64_t deadline_ns) {
  if (share.texts.size() == 1) {
    const std::string half = FirstHalf(share.texts[0]);
    return Fill({std::span(&half, 1), share.vectors}, deadline_ns);
  }
  const size_t middle = share.texts.size() / 2;
  RETURN_IF_ERROR(Fill({share.texts.first(middle), share.vectors.first(middle)}, deadline_ns));
  return Fill({share.texts.subspan(middle), share.vectors.subspan(middle)}, deadline_ns);
}

Result<io::HttpAnswer> HttpEmbedder::PostWithRetries(const std::string& body, int64_t deadline_ns) {
  io::HttpExchange exchange{.url = options_.base_url + "/embeddings",
                            .headers = {"Content-Type: application/json", "Accept: application/json"},
                            .body = body,
                            .connect_timeout_ms = options_.connect_timeout_ms,
                            .response_bytes_max = options_.response_bytes_max};
  if (!options_.api_key.empty()) exchange.headers.push_back("Authorization: Bearer " + options_.api_key);
  for (int attempt = 0;; ++attempt) {
    const int64_t left_ms = (deadline_ns - SystemClock().MonotonicNs()) / kNsPerMs;
    if (left_ms <= 0) return Status::DeadlineExceeded("the embedding server did not answer in time");
    exchange.timeout_ms = std::min(options_.timeout_ms, left_ms);
    auto answer = client_.Post(exchange);
    if (answer.ok() && !MayPass(answer->status)) return answer;
    if (!answer.ok() && !MayPass(answer.status())) {
      return Status::Internal("the embedding server's answer: " + std::string(answer.status().message()));
    }
    const Status failure = answer.ok() ? Refusal(*answer) : answer.status().Annotate("the embedding server");
    if (attempt + 1 >= options_.attempts_max) return failure;
    int64_t wait_ms = JitteredMs(options_.backoff_ms, options_.backoff_max_ms, attempt);
    if (answer.ok()) wait_ms = std::max(wait_ms, RetryAfterMs(answer->retry_after));
    if (wait_ms >= (deadline_ns - SystemClock().MonotonicNs()) / kNsPerMs) return failure;
    std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms));
  }
}

Status HttpEmbedder::Refusal(const io::HttpAnswer& answer) const {
  std::string text = "the embedding server answered " + std::to_string(answer.status);
  const std::string message = Clean(ServerMessage(answer.body));
  if (!message.empty()) text += ": " + message;
  if (answer.status >= 300 && answer.status < 400) text += " (redirects are not followed)";
  if (MayPass(answer.status)) return Status::Unavailable(text);
  return answer.status >= 300 ? Status::FailedPrecondition(text) : Status::Internal(text);
}

std::string HttpEmbedder::Clean(std::string_view server_message) const {
  std::string clean(server_message);
  const std::string& key = options_.api_key;
  for (size_t at = clean.find(key); !key.empty() && at != std::string::npos; at = clean.find(key, at)) {
    clean.replace(at, key.size(), "***");
    at += 3;
  }
  if (clean.size() > kMessageBytesMax) clean.resize(kMessageBytesMax);
  clean.resize(Utf8ValidPrefix(clean));
  std::replace_if(
      clean.begin(), clean.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return clean;
}

}  // namespace rhizome::pipeline
