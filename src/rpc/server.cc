#include "rpc/server.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/byte_buffer.h>

#include "base/clock.h"
#include "rpc/address.h"
#include "rpc/grpc_parts.h"
#include "rpc/in_flight.h"
#include "rpc/reply.h"

namespace rhizome::rpc {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kHandshakeMsMax = 5000;
// A caller's clock and ours round differently.
constexpr int64_t kTimeoutSlackMs = 1000;

class ServerCall;

// Who may finish a call: whoever takes it out of here, once. The handler's answer may come long after gRPC let go.
struct OpenCall {
  std::atomic<ServerCall*> call;
  ServerCall* Take() { return call.exchange(nullptr); }
};

// A call's place in flight and the handler's right to answer it.
class Answer {
 public:
  Answer(std::shared_ptr<OpenCall> open, std::shared_ptr<InFlight> in_flight)
      : open_(std::move(open)), in_flight_(std::move(in_flight)) {}
  ~Answer() {
    if (!given_) Send(Status::Internal("the handler let go of the call without an answer"));
  }
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;

  void Give(Result<std::string> result) {
    CHECK(!given_.exchange(true));
    Send(std::move(result));
  }

 private:
  void Send(Result<std::string> result);

  const std::shared_ptr<OpenCall> open_;
  const std::shared_ptr<InFlight> in_flight_;
  std::atomic<bool> given_{false};
};

// One call as gRPC sees it; lives until OnDone. Every way to end it goes through open_, so exactly one does.
class ServerCall final : public grpc::ServerGenericBidiReactor {
 public:
  ServerCall(const ServerOptions& options, const Handler& handler, grpc::GenericCallbackServerContext& context)
      : options_(options), handler_(handler), context_(context), open_(std::make_shared<OpenCall>()) {
    open_->call = this;
  }

  // Refuses the call, or reads its request.
  void Begin(const std::shared_ptr<InFlight>& in_flight, bool open) {
    if (context_.method() != kMethod) {
      Take();
      Finish({grpc::StatusCode::UNIMPLEMENTED, "nodes answer rhizome.Peer/Call only"});
    } else if (const Status status = Admit(*in_flight, open); !status.ok()) {
      Take();
      Send(status);
    } else {
      answer_ = std::make_shared<Answer>(open_, in_flight);
      StartRead(&request_);
    }
  }

  void Send(Result<std::string> result) {
    if (result.ok() && result->size() > options_.message_bytes_max) {
      result = Status::TooLarge("reply", "the reply has " + std::to_string(result->size()) + " bytes, " +
                                             std::to_string(options_.message_bytes_max) + " at most");
    }
    if (result.ok()) {
      const grpc::Slice slices[] = {{ReplyHeader().data(), ReplyHeader().size(), grpc::Slice::STATIC_SLICE},
                                    SliceOf(std::move(result).value())};
      reply_ = grpc::ByteBuffer(slices, 2);
    } else {
      reply_ = BufferOf(EncodeFailure(result.status()));
    }
    StartWriteAndFinish(&reply_, grpc::WriteOptions(), grpc::Status::OK);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      if (Take()) Finish({grpc::StatusCode::INVALID_ARGUMENT, "the call has no request"});
      return;
    }
    if (open_->call.load() == nullptr) return;  // nobody waits any more
    std::string request = BytesOf(request_);
    request_.Clear();
    handler_(std::move(info_), std::move(request),
             [answer = std::move(answer_)](Result<std::string> result) { answer->Give(std::move(result)); });
  }
  void OnCancel() override {
    if (Take()) Finish(grpc::Status::CANCELLED);
  }
  void OnDone() override { delete this; }

 private:
  bool Take() { return open_->Take() != nullptr; }

  // Fills info_; OK holds a place in flight.
  Status Admit(InFlight& in_flight, bool open) {
    if (!open) return Status::Unavailable("the node is stopping");
    const gpr_timespec left = gpr_convert_clock_type(context_.raw_deadline(), GPR_TIMESPAN);
    if (left.tv_sec > (kTimeoutMsMax + kTimeoutSlackMs) / 1000) {
      return Status::InvalidArgument("timeout_ms", "a call has " + std::to_string(kTimeoutMsMax) + " ms at most");
    }
    info_.deadline_ns = SystemClock().MonotonicNs() + left.tv_sec * (1000 * kNsPerMs) + left.tv_nsec;
    if (options_.tls.enabled()) {
      info_.peer = PeerName(*context_.auth_context());
      if (info_.peer.empty()) return Status::FailedPrecondition("the client's certificate names no node");
    }
    info_.request_id = Label(kRequestIdKey);
    info_.traceparent = Label(kTraceparentKey);
    info_.priority = context_.client_metadata().count(kPriorityKey) != 0;
    if (in_flight.TryEnter(info_.priority)) return Status::Ok();
    return Status::ResourceExhausted("the node has too many calls in flight");
  }

  std::string Label(const char* key) const {
    const auto found = context_.client_metadata().find(key);
    if (found == context_.client_metadata().end()) return {};
    const std::string_view text(found->second.data(), found->second.size());
    return IsLabel(text) ? std::string(text) : std::string();
  }

  const ServerOptions& options_;
  const Handler& handler_;
  grpc::GenericCallbackServerContext& context_;
  const std::shared_ptr<OpenCall> open_;
  std::shared_ptr<Answer> answer_;  // until the handler has it
  CallInfo info_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer reply_;
};

void Answer::Send(Result<std::string> result) {
  in_flight_->Leave();
  if (ServerCall* const call = open_->Take()) call->Send(std::move(result));
}

Status CheckOptions(const ServerOptions& options, const Address& address) {
  if (options.tls.enabled()) {
    RETURN_IF_ERROR(CheckTlsFiles(options.tls));
  } else if (!address.is_loopback && !options.insecure) {
    return Status::InvalidArgument("address", "plain text beyond loopback needs `insecure`: " + options.address);
  }
  return CheckBounds(options.message_bytes_max, options.calls_max, options.calls_for_priority);
}

}  // namespace

struct Server::Impl final : grpc::CallbackGenericService {
  Impl(ServerOptions server_options, rpc::Handler server_handler)
      : options(std::move(server_options)),
        handler(std::move(server_handler)),
        in_flight(std::make_shared<InFlight>(options.calls_max, options.calls_for_priority)) {}

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    auto* const call = new ServerCall(options, handler, *context);
    call->Begin(in_flight, open.load());
    return call;
  }

  void Configure(grpc::ServerBuilder& builder) {
    builder.RegisterCallbackGenericService(this);
    builder.SetMaxReceiveMessageSize(static_cast<int>(options.message_bytes_max));
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, static_cast<int>(kHandshakeMsMax));
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(kKeepaliveMs));
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, static_cast<int>(kKeepaliveMs));
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
    // Refused calls are told so at once; beyond this a client has stopped listening.
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, static_cast<int>(2 * options.calls_max));
    // A compressed message could be far larger than its bound.
    builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, 0);
    builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
    builder.AddChannelArgument(GRPC_ARG_ENABLE_CENSUS, 0);
    builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 0);
  }

  // Constant after Start.
  const ServerOptions options;
  const rpc::Handler handler;                 // the base class has a member of this name
  const std::shared_ptr<InFlight> in_flight;  // shared with answers that come after the server is gone
  std::unique_ptr<grpc::Server> server;

  std::atomic<bool> open{false};  // from Start to Stop
};

Result<std::unique_ptr<Server>> Server::Start(ServerOptions options, Handler handler) {
  ASSIGN_OR_RETURN(const Address address, ParseAddress(options.address));
  RETURN_IF_ERROR(CheckOptions(options, address));
  PrepareGrpc();
  auto impl = std::make_unique<Impl>(std::move(options), std::move(handler));
  grpc::ServerBuilder builder;
  impl->Configure(builder);
  int port = 0;
  builder.AddListeningPort(address.ToString(), ServerCredentialsFor(impl->options.tls), &port);
  impl->open = true;
  impl->server = builder.BuildAndStart();
  if (impl->server == nullptr || port == 0) return Status::Unavailable("cannot listen on " + address.ToString());
  std::unique_ptr<Server> server(new Server(std::move(impl)));
  server->port_ = static_cast<uint16_t>(port);
  return server;
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() { Stop(0); }

int64_t Server::calls_in_flight() const { return impl_->in_flight->count(); }

void Server::Stop(int64_t drain_ms) {
  if (!impl_->open.exchange(false)) return;
  impl_->server->Shutdown(gpr_time_from_millis(drain_ms, GPR_TIMESPAN));
}

}  // namespace rhizome::rpc
