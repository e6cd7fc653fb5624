#include "io/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <string_view>

namespace rhizome::io {
namespace {

constexpr size_t kIdleMax = 16;

struct Receiver {
  HttpAnswer answer;
  size_t bytes_max = 0;
  const std::function<bool(const std::string&)>& until;
  const std::string& wanted_header;
  bool too_large = false;
  bool enough = false;
};

size_t OnBody(char* bytes, size_t, size_t count, void* receiver_pointer) {
  auto& receiver = *static_cast<Receiver*>(receiver_pointer);
  if (count > receiver.bytes_max - receiver.answer.body.size()) {
    receiver.too_large = true;
    return 0;  // ends the transfer
  }
  receiver.answer.body.append(bytes, count);
  receiver.enough = receiver.until && receiver.until(receiver.answer.body);
  return receiver.enough ? 0 : count;
}

// The value, when the line is a header of this name.
std::optional<std::string> ValueIn(std::string_view line, std::string_view name) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  const bool named =
      !name.empty() && line.size() > name.size() && line[name.size()] == ':' &&
      std::equal(name.begin(), name.end(), line.begin(), [&](char a, char b) { return lower(a) == lower(b); });
  if (!named) return std::nullopt;
  line.remove_prefix(name.size() + 1);
  while (!line.empty() && std::isspace(static_cast<unsigned char>(line.front()))) line.remove_prefix(1);
  while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back()))) line.remove_suffix(1);
  return std::string(line);
}

size_t OnHeader(char* bytes, size_t, size_t count, void* receiver_pointer) {
  auto& receiver = *static_cast<Receiver*>(receiver_pointer);
  const std::string_view line(bytes, count);
  if (auto value = ValueIn(line, "retry-after")) receiver.answer.retry_after = std::move(*value);
  if (auto value = ValueIn(line, receiver.wanted_header)) receiver.answer.wanted_header = std::move(*value);
  return count;
}

void SetMethod(CURL* curl, const HttpExchange& exchange) {
  if (exchange.method == "GET") {
    curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    return;
  }
  if (exchange.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    return;
  }
  if (exchange.method != "DELETE") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, exchange.body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(exchange.body.size()));
  }
  if (exchange.method != "POST") curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, exchange.method.c_str());
}

void SetSignature(CURL* curl, const HttpSignature& signature) {
  curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, ("aws:amz:" + signature.region + ":" + signature.service).c_str());
  curl_easy_setopt(curl, CURLOPT_USERNAME, signature.access_key.c_str());
  curl_easy_setopt(curl, CURLOPT_PASSWORD, signature.secret_key.c_str());
}

void SetRequest(CURL* curl, const HttpExchange& exchange) {
  curl_easy_setopt(curl, CURLOPT_URL, exchange.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  SetMethod(curl, exchange);
  if (exchange.signature) SetSignature(curl, *exchange.signature);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(exchange.connect_timeout_ms));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(exchange.timeout_ms));
  curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, exchange.fresh_connection ? 1L : 0L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, OnHeader);
}

void SetTls(CURL* curl, const HttpTls& tls) {
  if (!tls.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, tls.ca_file.c_str());
  if (!tls.certificate_file.empty()) curl_easy_setopt(curl, CURLOPT_SSLCERT, tls.certificate_file.c_str());
  if (!tls.key_file.empty()) curl_easy_setopt(curl, CURLOPT_SSLKEY, tls.key_file.c_str());
}

struct UrlParts {
  std::string scheme;
  std::string host;
  bool credentials = false;
};

std::string UrlPart(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

bool Split(const std::string& text, UrlParts& parts) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), curl_url_cleanup);
  if (url == nullptr || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) {
    return false;
  }
  parts.scheme = UrlPart(url.get(), CURLUPART_SCHEME);
  parts.host = UrlPart(url.get(), CURLUPART_HOST);
  parts.credentials = !UrlPart(url.get(), CURLUPART_USER).empty() || !UrlPart(url.get(), CURLUPART_PASSWORD).empty();
  return true;
}

bool IsLoopback(const std::string& host) { return host == "localhost" || host == "[::1]" || host.starts_with("127."); }

Status Failure(CURLcode code, const Receiver& receiver) {
  if (receiver.too_large) {
    return Status::TooLarge("response", "the answer is larger than " + std::to_string(receiver.bytes_max) + " bytes");
  }
  if (code == CURLE_OPERATION_TIMEDOUT) return Status::DeadlineExceeded("no whole answer in time");
  return Status::Unavailable(curl_easy_strerror(code));
}

}  // namespace

struct HttpClient::Handle {
  Handle() : curl(curl_easy_init()) { CHECK(curl != nullptr); }
  ~Handle() { curl_easy_cleanup(curl); }
  CURL* curl;
};

Status CheckServerUrl(const std::string& url, const std::string& field) {
  UrlParts parts;
  if (!Split(url, parts) || (parts.scheme != "http" && parts.scheme != "https") || parts.host.empty()) {
    return Status::InvalidArgument(field, "must be an http or https URL with a host");
  }
  if (parts.credentials) return Status::InvalidArgument(field, "must not hold a user name or password");
  return Status::Ok();
}

HttpClient::HttpClient(HttpTls tls) : tls_(std::move(tls)) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  CHECK(initialised == CURLE_OK);
}
HttpClient::~HttpClient() = default;

std::unique_ptr<HttpClient::Handle> HttpClient::Take() {
  MutexLock lock(mutex_);
  if (idle_.empty()) return std::make_unique<Handle>();
  std::unique_ptr<Handle> handle = std::move(idle_.back());
  idle_.pop_back();
  return handle;
}

void HttpClient::GiveBack(std::unique_ptr<Handle> handle) {
  curl_easy_reset(handle->curl);  // keeps the connection
  MutexLock lock(mutex_);
  if (idle_.size() < kIdleMax) idle_.push_back(std::move(handle));
}

Result<HttpAnswer> HttpClient::Post(const HttpExchange& exchange, bool* sent) {
  CHECK(exchange.method == "POST");
  return Send(exchange, sent);
}

Result<HttpAnswer> HttpClient::Send(const HttpExchange& exchange, bool* sent) {
  if (sent != nullptr) *sent = false;
  RETURN_IF_ERROR(CheckServerUrl(exchange.url, "url"));
  UrlParts parts;
  CHECK(Split(exchange.url, parts));
  std::unique_ptr<Handle> handle = Take();
  CURL* curl = handle->curl;
  curl_slist* headers = nullptr;
  for (const std::string& header : exchange.headers) headers = curl_slist_append(headers, header.c_str());
  headers = curl_slist_append(headers, "Expect:");  // no round trip before the body
  Receiver receiver{
      .bytes_max = exchange.response_bytes_max, .until = exchange.until, .wanted_header = exchange.wanted_header};

  SetRequest(curl, exchange);
  SetTls(curl, tls_);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &receiver);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &receiver);
  if (IsLoopback(parts.host)) curl_easy_setopt(curl, CURLOPT_PROXY, "");  // a proxy's loopback is another machine

  const CURLcode code = curl_easy_perform(curl);
  long status = 0;
  long request_bytes = 0;
  curl_off_t length = -1;
  curl_easy_getinfo(curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(curl, CURLINFO_REQUEST_SIZE, &request_bytes);
  curl_slist_free_all(headers);
  if (sent != nullptr) *sent = request_bytes > 0;
  // On a failure the handle, and with it the connection, is dropped; so is one whose answer was not read to its end.
  if (code != CURLE_OK && !receiver.enough) return Failure(code, receiver);
  if (code == CURLE_OK) GiveBack(std::move(handle));
  receiver.answer.status = static_cast<int>(status);
  receiver.answer.length = length;
  return std::move(receiver.answer);
}

}  // namespace rhizome::io
