#include "blob/s3.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "base/uuid.h"
#include "blob/s3_wire.h"
#include "format/coding.h"

namespace rhizome::blob {
namespace {

constexpr size_t kAnswerBytesMin = 256 << 10;  // what an error's or a listing's body may take
constexpr size_t kListingBytesMax = 8 << 20;
constexpr int64_t kBackoffFirstMs = 100;
constexpr int64_t kBackoffMaxMs = 5'000;
constexpr int kRetryAfterMaxS = 10;
constexpr double kBudgetMax = 10;
constexpr double kBudgetPerSuccess = 0.1;

bool IsBucket(std::string_view name) {
  return name.size() >= 3 && name.size() <= 63 && name.front() != '.' && name.front() != '-' &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-'; });
}

std::string BaseOf(const S3Options& options) {
  std::string endpoint = options.endpoint;
  while (endpoint.ends_with('/')) endpoint.pop_back();
  if (options.path_style) return endpoint + "/" + options.bucket;
  const size_t host = endpoint.find("://") + 3;
  return endpoint.substr(0, host) + options.bucket + "." + endpoint.substr(host);
}

bool IsTransient(int status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

Status StatusOf(const io::HttpAnswer& answer, const std::string& what) {
  const std::string code = ParseS3ErrorCode(answer.body);
  const std::string said =
      what + ": the server answers " + std::to_string(answer.status) + (code.empty() ? "" : " (" + code + ")");
  if (answer.status >= 300 && answer.status < 400) {
    return Status::FailedPrecondition(said + ": the bucket is elsewhere; check s3_endpoint and s3_region");
  }
  if (answer.status == 401 || answer.status == 403) {
    return Status::FailedPrecondition(said + ": check the keys, s3_region and this machine's clock");
  }
  if (answer.status == 404) return Status::FailedPrecondition(said + ": check the bucket's name");
  if (answer.status == 507) return Status::NoSpace(said);
  if (IsTransient(answer.status)) return Status::Unavailable(said);
  return Status::IoError(said);
}

}  // namespace

S3::S3(S3Options options) : options_(std::move(options)), base_(BaseOf(options_)), http_(options_.tls) {
  const Uuid seed = Uuid::Random();
  MutexLock lock(mutex_);
  random_.seed(format::LoadFixed<uint64_t>(reinterpret_cast<const char*>(seed.bytes.data())));
}

Result<std::unique_ptr<S3>> S3::Open(S3Options options) {
  RETURN_IF_ERROR(io::CheckServerUrl(options.endpoint, "s3_endpoint"));
  if (options.endpoint.find_first_of("?#") != std::string::npos) {
    return Status::InvalidArgument("s3_endpoint", "must end with its host or port");
  }
  if (!IsBucket(options.bucket)) return Status::InvalidArgument("target", "no bucket can be called that");
  if (!options.prefix.empty() && !CheckName(options.prefix).ok()) {
    return Status::InvalidArgument("target", "the prefix must be segments of A-Z a-z 0-9 . _ - by '/'");
  }
  if (options.region.empty()) return Status::InvalidArgument("s3_region", "must not be empty");
  if (options.access_key.empty()) return Status::InvalidArgument("s3_access_key", "must not be empty");
  if (options.secret_key.empty()) return Status::InvalidArgument("s3_secret_key", "must not be empty");
  if (options.attempts_max < 1) return Status::InvalidArgument("attempts_max", "must be at least 1");
  if (!options.sleep) {
    options.sleep = [](int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); };
  }
  return std::unique_ptr<S3>(new S3(std::move(options)));
}

std::string S3::Describe() const {
  return "s3://" + options_.bucket + (options_.prefix.empty() ? "" : "/" + options_.prefix);
}

std::string S3::KeyOf(const std::string& name) const {
  return options_.prefix.empty() ? name : options_.prefix + "/" + name;
}

io::HttpExchange S3::Exchange(std::string method, const std::string& name, std::string_view body) const {
  io::HttpExchange exchange;
  exchange.body = body;
  // The server refuses bytes that are not these.
  exchange.headers.push_back("x-amz-content-sha256: " + ContentName(body));
  // Names are made of what a URL's path carries as it is.
  exchange.url = base_ + (name.empty() ? "" : "/" + KeyOf(name));
  exchange.method = std::move(method);
  exchange.signature = io::HttpSignature{options_.access_key, options_.secret_key, options_.region, "s3"};
  exchange.connect_timeout_ms = options_.connect_timeout_ms;
  exchange.timeout_ms = options_.timeout_ms;
  exchange.response_bytes_max = kAnswerBytesMin;
  if (!options_.session_token.empty()) exchange.headers.push_back("x-amz-security-token: " + options_.session_token);
  return exchange;
}

std::optional<int64_t> S3::Backoff(int attempt, const std::string& retry_after) {
  MutexLock lock(mutex_);
  if (attempt >= options_.attempts_max || budget_ < 1) return std::nullopt;
  budget_ -= 1;
  const int64_t longest = std::min(kBackoffMaxMs, kBackoffFirstMs << std::min(attempt, 10));
  const int64_t asked = int64_t{1'000} * std::clamp(std::atoi(retry_after.c_str()), 0, kRetryAfterMaxS);
  return asked + std::uniform_int_distribution<int64_t>(0, longest)(random_);
}

Result<io::HttpAnswer> S3::Call(const io::HttpExchange& exchange, const std::string& what) {
  for (int attempt = 1;; ++attempt) {
    // Signed anew each time: a signature is good for minutes only.
    Result<io::HttpAnswer> answer = http_.Send(exchange);
    const bool silent =
        answer.status().code() == Code::kUnavailable || answer.status().code() == Code::kDeadlineExceeded;
    if (!answer.ok() && !silent) return answer.status().Annotate(what);
    if (answer.ok() && !IsTransient(answer->status)) {
      MutexLock lock(mutex_);
      budget_ = std::min(kBudgetMax, budget_ + kBudgetPerSuccess);
      const bool done = (answer->status >= 200 && answer->status < 300) || answer->status == 416 ||
                        (answer->status == 404 && ParseS3ErrorCode(answer->body) != "NoSuchBucket");
      if (!done) return StatusOf(*answer, what);
      return answer;
    }
    const std::optional<int64_t> wait_ms = Backoff(attempt, answer.ok() ? answer->retry_after : "");
    if (!wait_ms) return answer.ok() ? StatusOf(*answer, what) : answer.status().Annotate(what);
    options_.sleep(*wait_ms);
  }
}

Status S3::Put(const std::string& name, std::string_view bytes) {
  RETURN_IF_ERROR(CheckName(name));
  if (bytes.size() > kObjectBytesMax) return Status::TooLarge("object", name + " is larger than objects may be");
  io::HttpExchange exchange = Exchange("PUT", name, bytes);
  exchange.headers.push_back("Content-Type: application/octet-stream");
  ASSIGN_OR_RETURN(const io::HttpAnswer answer, Call(exchange, "writing " + name));
  return answer.status < 300 ? Status::Ok() : StatusOf(answer, "writing " + name);
}

Result<std::string> S3::Get(const std::string& name, uint64_t bytes_max) {
  RETURN_IF_ERROR(CheckName(name));
  io::HttpExchange exchange = Exchange("GET", name);
  exchange.response_bytes_max = std::max<uint64_t>(bytes_max, kAnswerBytesMin);
  const Status too_large =
      Status::TooLarge("object", name + " has more than the " + std::to_string(bytes_max) + " bytes expected at most");
  Result<io::HttpAnswer> answer = Call(exchange, "reading " + name);
  if (answer.status().code() == Code::kTooLarge) return too_large;
  RETURN_IF_ERROR(answer.status());
  if (answer->status == 404) return Status::NotFound("there is no object " + name);
  if (answer->status >= 300) return StatusOf(*answer, "reading " + name);
  if (answer->body.size() > bytes_max) return too_large;
  return std::move(answer->body);
}

Result<std::string> S3::GetRange(const std::string& name, uint64_t offset, uint64_t length) {
  RETURN_IF_ERROR(CheckName(name));
  length = std::min(length, kObjectBytesMax);
  if (length == 0) return std::string();
  io::HttpExchange exchange = Exchange("GET", name);
  exchange.headers.push_back("Range: bytes=" + std::to_string(offset) + "-" + std::to_string(offset + length - 1));
  exchange.response_bytes_max = std::max<uint64_t>(length, kAnswerBytesMin);
  ASSIGN_OR_RETURN(io::HttpAnswer answer, Call(exchange, "reading " + name));
  if (answer.status == 404) return Status::NotFound("there is no object " + name);
  if (answer.status == 416) return std::string();
  if (answer.status != 206 || answer.body.size() > length) {
    return Status::IoError("reading " + name + ": the server does not answer with the range asked for");
  }
  return std::move(answer.body);
}

Result<std::optional<uint64_t>> S3::SizeOf(const std::string& name) {
  RETURN_IF_ERROR(CheckName(name));
  ASSIGN_OR_RETURN(const io::HttpAnswer answer, Call(Exchange("HEAD", name), "looking at " + name));
  if (answer.status == 404) return std::optional<uint64_t>();
  if (answer.status >= 300 || answer.length < 0) return StatusOf(answer, "looking at " + name);
  return std::optional<uint64_t>(static_cast<uint64_t>(answer.length));
}

Result<ObjectPage> S3::List(const std::string& prefix, const std::string& after, uint32_t limit) {
  RETURN_IF_ERROR(CheckPrefix(prefix));
  if (limit == 0 || limit > kListLimitMax) return Status::InvalidArgument("limit", "must be 1 to 1000");
  const std::string root = options_.prefix.empty() ? "" : options_.prefix + "/";
  ObjectPage page;
  std::string from = after.empty() ? "" : root + after;
  // Keys that are no names of ours take room in the server's pages, so one of ours may take several.
  while (true) {
    io::HttpExchange exchange = Exchange("GET", "");
    exchange.response_bytes_max = kListingBytesMax;
    exchange.url += "?encoding-type=url&list-type=2&max-keys=" + std::to_string(limit - page.objects.size()) +
                    "&prefix=" + PercentEncode(root + prefix);
    if (!from.empty()) exchange.url += "&start-after=" + PercentEncode(from);
    ASSIGN_OR_RETURN(const io::HttpAnswer answer, Call(exchange, "listing " + Describe()));
    if (answer.status >= 300) return StatusOf(answer, "listing " + Describe());
    ASSIGN_OR_RETURN(S3Listing listing, ParseS3Listing(answer.body));
    for (ObjectInfo& object : listing.objects) {
      if (object.name <= from || page.objects.size() == limit) {
        return Status::Corruption("listing " + Describe() + ": the server's answer is not in order");
      }
      from = object.name;
      if (!object.name.starts_with(root + prefix)) continue;
      object.name.erase(0, root.size());
      if (CheckName(object.name).ok()) page.objects.push_back(std::move(object));
    }
    if (!listing.truncated) return page;
    if (listing.objects.empty()) return Status::Corruption("listing " + Describe() + ": an endless answer");
    if (page.objects.size() == limit) break;
  }
  page.next = page.objects.back().name;
  return page;
}

Status S3::Delete(const std::string& name) {
  RETURN_IF_ERROR(CheckName(name));
  ASSIGN_OR_RETURN(const io::HttpAnswer answer, Call(Exchange("DELETE", name), "removing " + name));
  return answer.status < 300 || answer.status == 404 ? Status::Ok() : StatusOf(answer, "removing " + name);
}

}  // namespace rhizome::blob
