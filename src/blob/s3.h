// S3: the blob store of a bucket on a server that speaks Amazon's REST API, by libcurl's Signature Version 4.
//
// An object's key is the prefix, '/' and its name. Objects are far below the size where parts would be needed. Every
// call here may be repeated without harm, so what the server sheds (429, 5xx), a broken connection and silence are
// tried again after a random time, a few times and within a budget: ten tries on credit, then one for ten successes.
//
// Address, bucket and keys come from the operator alone; redirects are not followed. The secret key is in no message
// and no URL. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <random>

#include "base/mutex.h"
#include "blob/blob.h"
#include "io/http_client.h"

namespace rhizome::blob {

struct S3Options {
  std::string endpoint;  // "https://s3.eu-central-1.amazonaws.com", "http://127.0.0.1:9000"
  std::string region = "us-east-1";
  std::string bucket;  // 3 to 63 of a-z 0-9 . -; it exists
  std::string prefix;  // "" or as an object's name
  std::string access_key;
  std::string secret_key;
  std::string session_token;  // of temporary keys
  bool path_style = true;     // bucket in the path, else in front of the host
  io::HttpTls tls;
  int64_t connect_timeout_ms = 5'000;
  int64_t timeout_ms = 60'000;  // of one try
  int attempts_max = 5;
  std::function<void(int64_t ms)> sleep;  // between tries; none: the thread sleeps
};

class S3 final : public BlobStore {
 public:
  // InvalidArgument names the option; nothing is sent.
  static Result<std::unique_ptr<S3>> Open(S3Options options);

  Status Put(const std::string& name, std::string_view bytes) override;
  Result<std::string> Get(const std::string& name, uint64_t bytes_max) override;
  Result<std::string> GetRange(const std::string& name, uint64_t offset, uint64_t length) override;
  Result<std::optional<uint64_t>> SizeOf(const std::string& name) override;
  Result<ObjectPage> List(const std::string& prefix, const std::string& after, uint32_t limit) override;
  Status Delete(const std::string& name) override;
  std::string Describe() const override;

 private:
  explicit S3(S3Options options);
  std::string KeyOf(const std::string& name) const;
  io::HttpExchange Exchange(std::string method, const std::string& name, std::string_view body = {}) const;
  // Sends until the server has answered for good. 2xx, 404 and 416 are answers; the rest become a Status.
  Result<io::HttpAnswer> Call(const io::HttpExchange& exchange, const std::string& what) EXCLUDES(mutex_);
  // How long to wait before the next try; nullopt: the budget is spent.
  std::optional<int64_t> Backoff(int attempt, const std::string& retry_after) EXCLUDES(mutex_);

  const S3Options options_;
  const std::string base_;  // up to and with the bucket, without a '/' at its end
  io::HttpClient http_;
  Mutex mutex_;
  double budget_ GUARDED_BY(mutex_) = 10;
  std::mt19937_64 random_ GUARDED_BY(mutex_);
};

}  // namespace rhizome::blob
