// Chat: answers put into words by any server with OpenAI's `POST {base_url}/chat/completions`.
//
// The server is told to use nothing but the passages it is given and to name them by number. What it says is checked:
// numbers of passages that do not exist are taken out, and its own word for "not in memory" is understood. Nothing is
// retried but a 429 or 503 whose Retry-After is short enough for the deadline; whoever asks has an answer without it.
//
// The key is sent in the Authorization header and appears nowhere else. Thread-safe; a call blocks until the answer or
// the timeout.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "io/http_client.h"

namespace rhizome::ask {

struct ChatOptions {
  std::string base_url;  // "https://host/v1"
  std::string model;
  std::string api_key;  // empty: $RHIZOME_CHAT_API_KEY; that empty too: no Authorization header
  int64_t connect_timeout_ms = 3'000;
  int64_t timeout_ms = 20'000;  // of one answer with its repetition
  uint32_t answer_tokens_max = 400;
  size_t response_bytes_max = 1 << 20;
  size_t passages_bytes_max = 24 << 10;  // of what is sent; later passages are left out
  uint32_t parallel_max = 4;  // calls at once; one more is refused, so that a slow server holds up no one else
};

struct ChatAnswer {
  bool in_memory = true;  // false: the server finds no answer in the passages
  std::string text;
  std::vector<size_t> passages;  // those it named, ascending; may be empty
};

// The bytes: request out, answer in. `passages` are numbered from 1 as they come.
std::string EncodeChatRequest(const ChatOptions& options, std::string_view question,
                              std::span<const std::string> passages);
// Internal naming what is wrong: not JSON, no choice, no text. `passages`: how many were sent.
Result<ChatAnswer> DecodeChatAnswer(std::string_view body, size_t passages);

class Chat {
 public:
  // InvalidArgument names the option.
  static Result<std::unique_ptr<Chat>> Open(ChatOptions options);

  // Errors: Unavailable (refused for now: 429, 5xx, no connection), DeadlineExceeded, FailedPrecondition (refused: key,
  // model, address), Internal (an answer that is none). Messages are for people and hold no key. `deadline_ns` by the
  // machine's monotonic clock; 0: the options' timeout alone.
  Result<ChatAnswer> Ask(std::string_view question, std::span<const std::string> passages, int64_t deadline_ns);

 private:
  explicit Chat(ChatOptions options) : options_(std::move(options)) {}
  Result<ChatAnswer> Exchange(std::string_view question, std::span<const std::string> passages, int64_t end_ns);

  const ChatOptions options_;
  io::HttpClient client_;
  std::atomic<uint32_t> under_way_{0};
};

}  // namespace rhizome::ask
