#include "rpc/grpc_parts.h"

#include <absl/synchronization/mutex.h>
#include <grpc/grpc_security_constants.h>
#include <grpc/support/log.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/security/auth_context.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <spdlog/spdlog.h>

namespace rhizome::rpc {
namespace {

constexpr unsigned kReloadSeconds = 1;
// gRPC counts in int.
constexpr size_t kMessageBytesLimit = 1u << 30;
constexpr int64_t kCallsLimit = 1 << 20;

using SslContext = std::unique_ptr<SSL_CTX, decltype([](SSL_CTX* context) { SSL_CTX_free(context); })>;

Status WrongFile(const char* field, const std::string& path, const char* what) {
  const unsigned long error = ERR_peek_error();
  const char* reason = error == 0 ? nullptr : ERR_reason_error_string(error);
  const std::string why = reason == nullptr ? "" : std::string(" (") + reason + ")";
  ERR_clear_error();
  return Status::InvalidArgument(field, "'" + path + "' " + what + why);
}

template <typename Options>
void WatchFiles(const TlsOptions& tls, Options& options) {
  options.set_certificate_provider(std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      tls.key_file, tls.cert_file, tls.ca_file, kReloadSeconds));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
}

void LogLine(gpr_log_func_args* line) {
  const auto level = line->severity == GPR_LOG_SEVERITY_ERROR ? spdlog::level::warn : spdlog::level::debug;
  spdlog::log(level, "grpc: {}", line->message);
}

}  // namespace

bool IsLabel(std::string_view text) {
  if (text.empty() || text.size() > kLabelBytesMax) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

Status CheckBounds(size_t message_bytes_max, int64_t calls_max, int64_t calls_for_priority) {
  if (message_bytes_max > kMessageBytesLimit) {
    return Status::InvalidArgument("message_bytes_max", "must be at most " + std::to_string(kMessageBytesLimit));
  }
  if (calls_max < 1 || calls_max > kCallsLimit) {
    return Status::InvalidArgument("calls_max", "must be 1 to " + std::to_string(kCallsLimit));
  }
  if (calls_for_priority < 0 || calls_for_priority >= calls_max) {
    return Status::InvalidArgument("calls_for_priority", "must leave room for ordinary calls");
  }
  return Status::Ok();
}

Status CheckTlsFiles(const TlsOptions& tls) {
  const SslContext context(SSL_CTX_new(TLS_method()));
  if (context == nullptr) return Status::Internal("OpenSSL gives no TLS context");
  ERR_clear_error();
  if (SSL_CTX_load_verify_locations(context.get(), tls.ca_file.c_str(), nullptr) != 1) {
    return WrongFile("tls.ca_file", tls.ca_file, "holds no certificates");
  }
  if (SSL_CTX_use_certificate_chain_file(context.get(), tls.cert_file.c_str()) != 1) {
    return WrongFile("tls.cert_file", tls.cert_file, "holds no certificate");
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), tls.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    return WrongFile("tls.key_file", tls.key_file, "does not hold the certificate's private key");
  }
  return Status::Ok();
}

std::shared_ptr<grpc::ServerCredentials> ServerCredentialsFor(const TlsOptions& tls) {
  if (!tls.enabled()) return grpc::InsecureServerCredentials();
  grpc::experimental::TlsServerCredentialsOptions options(nullptr);
  WatchFiles(tls, options);
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return grpc::experimental::TlsServerCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> ChannelCredentialsFor(const TlsOptions& tls) {
  if (!tls.enabled()) return grpc::InsecureChannelCredentials();
  grpc::experimental::TlsChannelCredentialsOptions options;
  WatchFiles(tls, options);
  return grpc::experimental::TlsCredentials(options);
}

std::string PeerName(const grpc::AuthContext& auth) {
  for (const char* property : {GRPC_PEER_DNS_PROPERTY_NAME, GRPC_X509_CN_PROPERTY_NAME}) {
    const std::vector<grpc::string_ref> names = auth.FindPropertyValues(property);
    if (names.empty()) continue;
    const std::string_view name(names[0].data(), names[0].size());
    return IsLabel(name) ? std::string(name) : std::string();
  }
  return {};
}

grpc::Slice SliceOf(std::string bytes) {
  auto* const owned = new std::string(std::move(bytes));
  return grpc::Slice(
      owned->data(), owned->size(), [](void* string) { delete static_cast<std::string*>(string); }, owned);
}

grpc::ByteBuffer BufferOf(std::string bytes) {
  const grpc::Slice slice = SliceOf(std::move(bytes));
  return grpc::ByteBuffer(&slice, 1);
}

std::string BytesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  bytes.reserve(buffer.Length());
  for (const grpc::Slice& slice : slices) bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return bytes;
}

void PrepareGrpc() {
  // gRPC 1.51 ends its callback threads with the last channel or server, and joins them from whichever thread lets go
  // of it. When that is one of their own, it goes on running over freed memory. A server without a port, never stopped,
  // keeps them.
  static const grpc::Server* const keeper = [] {
    gpr_set_log_function(LogLine);
    // Debian builds Abseil with its search for deadlocks: a global lock and a graph at every lock gRPC takes.
    absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
    grpc::ServerBuilder builder;
    builder.RegisterCallbackGenericService(new grpc::CallbackGenericService);
    return builder.BuildAndStart().release();
  }();
  CHECK(keeper != nullptr);
}

}  // namespace rhizome::rpc
