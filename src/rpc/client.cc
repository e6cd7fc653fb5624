#include "rpc/client.h"

// clang-format off
#include "base/mutex.h"  // before gRPC: Abseil below it defines some of the same macros, and may do so only second
// clang-format on

#include <grpcpp/alarm.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <deque>
#include <unordered_set>

#include "rpc/address.h"
#include "rpc/grpc_parts.h"
#include "rpc/in_flight.h"
#include "rpc/reply.h"

namespace rhizome::rpc {
namespace {

constexpr int kFirstBackoffMs = 100;  // gRPC takes no less
// A lost SYN is sent again after a second: an attempt begun just before a network heals must be given up sooner.
constexpr int kLastBackoffMs = 600;

// One node at one address.
struct Peer {
  Peer(std::string peer_target, std::shared_ptr<grpc::Channel> channel, const ClientOptions& options)
      : target(std::move(peer_target)),
        stub(std::move(channel)),
        in_flight(options.calls_max, options.calls_for_priority) {}

  const std::string target;
  grpc::GenericStub stub;
  InFlight in_flight;
};

struct OneCall {
  std::shared_ptr<Peer> peer;
  int64_t timeout_ms = 0;
  Done done;
  grpc::ClientContext context;
  grpc::ByteBuffer request;
  grpc::ByteBuffer reply;
};

grpc::ChannelArguments ChannelArgs(const ClientOptions& options, const std::string& peer) {
  grpc::ChannelArguments args;
  const size_t reply_bytes_max = std::max(options.message_bytes_max + kReplyHeaderBytes, kReplyStatusBytesMax);
  args.SetMaxReceiveMessageSize(static_cast<int>(reply_bytes_max));
  if (options.tls.enabled()) args.SetSslTargetNameOverride(peer);
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  args.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  // A client's connections are its own, so that Forget ends them.
  args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Retries are the caller's: there is one layer of them.
  args.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstBackoffMs);
  args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kLastBackoffMs);  // the time a connection may take
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kLastBackoffMs);
  args.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, kLastBackoffMs);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(kKeepaliveMs));
  args.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, static_cast<int>(kKeepaliveMs));
  args.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  args.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // A compressed message could be far larger than its bound.
  args.SetInt(GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, 0);
  args.SetInt(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  args.SetInt(GRPC_ARG_ENABLE_CENSUS, 0);
  args.SetInt(GRPC_ARG_ENABLE_CHANNELZ, 0);
  return args;
}

Result<std::string> DecodeBuffer(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  if (buffer.Valid() && !buffer.Dump(&slices).ok()) return Status::Internal("the reply's buffer cannot be read");
  std::vector<std::string_view> pieces;
  for (const grpc::Slice& slice : slices) {
    pieces.emplace_back(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return DecodeReply(pieces);
}

// False when the call was never put on a connection: gRPC tells it who is at the other end ("insecure", at least) just
// before it hands it over.
bool WasConnected(const grpc::ClientContext& context) {
  const std::shared_ptr<const grpc::AuthContext> other = context.auth_context();
  return other != nullptr && other->begin() != other->end();
}

// What gRPC's own failure says about the call; see the header.
Status FailureOf(const OneCall& call, const grpc::Status& status) {
  const std::string why = call.peer->target + ": " + status.error_message();
  const bool connected = WasConnected(call.context);
  // gRPC says this of either direction, and has no code of its own for it.
  if (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED && why.find("larger than max") != std::string::npos) {
    return Status::TooLarge("message", why);
  }
  switch (status.error_code()) {
    case grpc::StatusCode::UNIMPLEMENTED: return Status::FailedPrecondition("not a node of ours: " + why);
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      if (!connected) return Status::Unavailable("no connection in " + std::to_string(call.timeout_ms) + " ms: " + why);
      return Status::DeadlineExceeded("no answer in " + std::to_string(call.timeout_ms) + " ms: " + why);
    default:
      if (!connected) return Status::Unavailable("no connection: " + why);
      return Status::DeadlineExceeded("the connection was lost, outcome unknown: " + why);
  }
}

Status CheckCall(const ClientOptions& client, const CallOptions& options, size_t request_bytes) {
  if (options.timeout_ms < 1 || options.timeout_ms > kTimeoutMsMax) {
    return Status::InvalidArgument("timeout_ms", "must be 1 to " + std::to_string(kTimeoutMsMax));
  }
  if (client.tls.enabled() && !IsLabel(options.peer)) {
    return Status::InvalidArgument("peer", "with TLS a call names the node it expects");
  }
  if (request_bytes > client.message_bytes_max) {
    return Status::TooLarge("request", "the request has " + std::to_string(request_bytes) + " bytes, " +
                                           std::to_string(client.message_bytes_max) + " at most");
  }
  return Status::Ok();
}

void SetUp(OneCall& call, const CallOptions& options, std::string request) {
  call.timeout_ms = options.timeout_ms;
  call.request = BufferOf(std::move(request));
  call.context.set_deadline(gpr_time_from_millis(options.timeout_ms, GPR_TIMESPAN));
  if (IsLabel(options.request_id)) call.context.AddMetadata(kRequestIdKey, options.request_id);
  if (IsLabel(options.traceparent)) call.context.AddMetadata(kTraceparentKey, options.traceparent);
  if (options.priority) call.context.AddMetadata(kPriorityKey, "1");
}

}  // namespace

struct Client::Impl {
  explicit Impl(ClientOptions client_options)
      : options(std::move(client_options)), credentials(ChannelCredentialsFor(options.tls)) {}

  Result<std::shared_ptr<Peer>> PeerAt(const std::string& address, const std::string& name) {
    MutexLock lock(mutex);
    std::shared_ptr<Peer>& peer = peers[address][options.tls.enabled() ? name : std::string()];
    if (peer != nullptr) return peer;
    Result<std::shared_ptr<Peer>> made = Connect(address, name);
    if (made.ok()) {
      peer = *made;
    } else {
      peers.erase(address);
    }
    return made;
  }

  Result<std::shared_ptr<Peer>> Connect(const std::string& text, const std::string& name) const {
    ASSIGN_OR_RETURN(const Address address, ParseAddress(text));
    if (address.port == 0) return Status::InvalidArgument("address", "nobody listens on port 0: " + text);
    if (!options.tls.enabled() && !address.is_loopback && !options.insecure) {
      return Status::InvalidArgument("address", "plain text beyond loopback needs `insecure`: " + text);
    }
    const std::string target = address.Target();
    auto channel = grpc::CreateCustomChannel(target, credentials, ChannelArgs(options, name));
    return std::make_shared<Peer>(target, std::move(channel), options);
  }

  // OK: `call` is under way and will end through End.
  Status Begin(const std::string& address, std::string request, const CallOptions& call_options, Done& done) {
    RETURN_IF_ERROR(CheckCall(options, call_options, request.size()));
    ASSIGN_OR_RETURN(std::shared_ptr<Peer> peer, PeerAt(address, call_options.peer));
    if (!peer->in_flight.TryEnter(call_options.priority)) {
      return Status(Code::kResourceExhausted, "too many calls in flight to " + address, "in_flight");
    }
    const auto call = std::make_shared<OneCall>();
    call->peer = std::move(peer);
    call->done = std::move(done);
    SetUp(*call, call_options, std::move(request));
    {
      MutexLock lock(mutex);
      calls.insert(call);
      if (closing) call->context.TryCancel();
    }
    call->peer->stub.UnaryCall(&call->context, kMethod, {}, &call->request, &call->reply,
                               [this, call](const grpc::Status& status) { End(call, status); });
    return Status::Ok();
  }

  void End(const std::shared_ptr<OneCall>& call, const grpc::Status& status) {
    call->peer->in_flight.Leave();
    bool closed = false;
    {
      // Always: the lock is what orders the caller's writes before `done` for whoever checks.
      MutexLock lock(mutex);
      closed = closing;
    }
    if (status.ok()) {
      call->done(DecodeBuffer(call->reply));
    } else if (closed && status.error_code() == grpc::StatusCode::CANCELLED) {
      call->done(Status::Cancelled("the client was closed; outcome unknown"));
    } else {
      call->done(FailureOf(*call, status));
    }
    // With all they hold, before the client may go.
    call->done = nullptr;
    call->peer = nullptr;
    MutexLock lock(mutex);
    calls.erase(call);
    if (closing) ended.NotifyAll();
  }

  // On another thread, so that a caller may hold its locks across Call.
  void FailLater(Status status, Done done) {
    {
      MutexLock lock(mutex);
      failures.emplace_back(std::move(status), std::move(done));
      ++failing;
    }
    auto* const alarm = new grpc::Alarm;
    alarm->Set(gpr_time_0(GPR_CLOCK_MONOTONIC), [this, alarm](bool) {
      FailNext();
      delete alarm;
    });
  }

  void FailNext() {
    Status status;
    Done done;
    {
      MutexLock lock(mutex);
      status = std::move(failures.front().first);
      done = std::move(failures.front().second);
      failures.pop_front();
    }
    done(std::move(status));
    done = nullptr;
    MutexLock lock(mutex);
    --failing;
    if (closing) ended.NotifyAll();
  }

  void Close() {
    MutexLock lock(mutex);
    closing = true;
    for (const auto& call : calls) call->context.TryCancel();
    while (!calls.empty() || failing > 0) ended.Wait(mutex);
  }

  // Constant after construction.
  const ClientOptions options;
  const std::shared_ptr<grpc::ChannelCredentials> credentials;

  Mutex mutex;
  CondVar ended;
  // By address, then by the name expected there.
  std::map<std::string, std::map<std::string, std::shared_ptr<Peer>>> peers GUARDED_BY(mutex);
  std::unordered_set<std::shared_ptr<OneCall>> calls GUARDED_BY(mutex);
  std::deque<std::pair<Status, Done>> failures GUARDED_BY(mutex);  // each has an alarm set
  int64_t failing GUARDED_BY(mutex) = 0;                           // whose `done` has not returned
  bool closing GUARDED_BY(mutex) = false;
};

Result<std::unique_ptr<Client>> Client::Create(ClientOptions options) {
  if (options.tls.enabled()) RETURN_IF_ERROR(CheckTlsFiles(options.tls));
  RETURN_IF_ERROR(CheckBounds(options.message_bytes_max, options.calls_max, options.calls_for_priority));
  PrepareGrpc();
  return std::unique_ptr<Client>(new Client(std::make_unique<Impl>(std::move(options))));
}

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Client::~Client() { impl_->Close(); }

void Client::Call(const std::string& address, std::string request, CallOptions options, Done done) {
  if (Status status = impl_->Begin(address, std::move(request), options, done); !status.ok()) {
    impl_->FailLater(std::move(status), std::move(done));
  }
}

void Client::Forget(const std::string& address) {
  MutexLock lock(impl_->mutex);
  impl_->peers.erase(address);
}

}  // namespace rhizome::rpc
