// Peers that speak gRPC and not our protocol: nothing they send may crash a node, and each gets a clear answer.
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/scratch_testing.h"
#include "rpc/grpc_parts.h"
#include "rpc/reply.h"
#include "rpc/rpc_testing.h"
#include "rpc/tls_testing.h"

namespace rhizome::rpc {
namespace {

struct RawCall {
  std::string method = kMethod;
  std::vector<std::string> requests = {"x"};
  int64_t timeout_ms = 5000;  // 0: none
  std::vector<std::pair<std::string, std::string>> metadata;
};

struct RawAnswer {
  grpc::Status status;
  std::string reply;
};

// A streaming call may send no request, or several.
class RawReactor : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  RawReactor(grpc::GenericStub& stub, const RawCall& call) : call_(call) {
    if (call.timeout_ms > 0) context_.set_deadline(gpr_time_from_millis(call.timeout_ms, GPR_TIMESPAN));
    for (const auto& [key, value] : call.metadata) context_.AddMetadata(key, value);
    stub.PrepareBidiStreamingCall(&context_, call.method, {}, this);
    StartRead(&reply_);
    Next();
    StartCall();
  }
  void OnWriteDone(bool ok) override {
    if (ok) Next();
  }
  void OnReadDone(bool ok) override {
    if (ok) answer_.reply = BytesOf(reply_);
  }
  void OnDone(const grpc::Status& status) override {
    answer_.status = status;
    done_.set_value();
  }
  RawAnswer Wait() {
    done_.get_future().wait();
    return answer_;
  }

 private:
  void Next() {
    if (sent_ == call_.requests.size()) return StartWritesDone();
    request_ = BufferOf(call_.requests[sent_++]);
    StartWrite(&request_);
  }

  const RawCall call_;
  size_t sent_ = 0;
  grpc::ClientContext context_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer reply_;
  RawAnswer answer_;
  std::promise<void> done_;
};

RawAnswer Send(const Server& server, const RawCall& call,
               const std::shared_ptr<grpc::ChannelCredentials>& credentials = grpc::InsecureChannelCredentials()) {
  grpc::GenericStub stub(grpc::CreateChannel(AddressOf(server), credentials));
  RawReactor reactor(stub, call);
  return reactor.Wait();
}

Status Decoded(const RawAnswer& answer) {
  const std::string_view reply = answer.reply;
  return DecodeReply(std::span(&reply, 1)).status();
}

TEST(HostileClient, OtherMethodIsUnimplemented) {
  const auto server = Serve();
  EXPECT_EQ(Send(*server, {.method = "/rhizome.Peer/Other"}).status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST(HostileClient, CallWithoutDeadlineIsRefused) {
  const auto server = Serve();
  const Status status = Decoded(Send(*server, {.timeout_ms = 0}));
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_EQ(status.field(), "timeout_ms");
}

TEST(HostileClient, DeadlineTooFarIsRefused) {
  const auto server = Serve();
  const Status status = Decoded(Send(*server, {.timeout_ms = kTimeoutMsMax + 60'000}));
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
}

TEST(HostileClient, CallWithoutRequestNeverRuns) {
  std::atomic<int> ran = 0;
  const auto server = Serve([&](CallInfo, std::string, Respond respond) {
    ++ran;
    respond(std::string());
  });
  EXPECT_FALSE(Send(*server, {.requests = {}}).status.ok());
  EXPECT_EQ(ran, 0);
  EXPECT_TRUE(Eventually([&] { return server->calls_in_flight() == 0; }));
}

TEST(HostileClient, OnlyTheFirstRequestRuns) {
  std::atomic<int> ran = 0;
  const auto server = Serve([&](CallInfo, std::string request, Respond respond) {
    ++ran;
    respond(std::move(request));
  });
  const RawAnswer answer = Send(*server, {.requests = {"first", "second"}});
  EXPECT_EQ(answer.reply, std::string(ReplyHeader()) + "first");
  EXPECT_EQ(ran, 1);
}

TEST(HostileClient, LabelsThatAreNoneAreDropped) {
  Holding holding;
  const auto server = Serve(holding.handler());
  const std::string id(kRequestIdKey);
  std::thread calling([&] {
    Send(*server, {.metadata = {{id, "two words"}, {kTraceparentKey, std::string(200, 'x')}}});
  });
  ASSERT_TRUE(Eventually([&] { return holding.count() == 1; }));
  EXPECT_EQ(holding.infos()[0].request_id, "");
  EXPECT_EQ(holding.infos()[0].traceparent, "");
  holding.Release();
  calling.join();
}

TEST(HostileClient, TlsWithoutCertificateIsRefused) {
  const ScratchFolder folder;
  const Authority authority("cluster authority");
  const TlsOptions tls = authority.Issue(folder, "node-1", "rhizome", "DNS:node-1,IP:127.0.0.1");
  std::atomic<int> ran = 0;
  const auto server = Serve(
      [&](CallInfo, std::string, Respond respond) {
        ++ran;
        respond(std::string());
      },
      {.tls = tls});
  std::stringstream roots;
  roots << std::ifstream(tls.ca_file).rdbuf();
  EXPECT_FALSE(Send(*server, {.timeout_ms = 2000}, grpc::SslCredentials({roots.str(), "", ""})).status.ok());
  EXPECT_EQ(ran, 0);
}

// A server that answers every call with the same message, or none, and the same gRPC status.
class RawServer final : public grpc::CallbackGenericService {
 public:
  RawServer(std::optional<std::string> reply, grpc::Status status) : reply_(std::move(reply)), status_(status) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterCallbackGenericService(this);
    server_ = builder.BuildAndStart();
  }
  ~RawServer() override { server_->Shutdown(); }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    class Reactor : public grpc::ServerGenericBidiReactor {
     public:
      Reactor(const std::optional<std::string>& reply, const grpc::Status& status) {
        if (reply) {
          reply_ = BufferOf(*reply);
          StartWriteAndFinish(&reply_, {}, status);
        } else {
          Finish(status);
        }
      }
      void OnDone() override { delete this; }

     private:
      grpc::ByteBuffer reply_;
    };
    return new Reactor(reply_, status_);
  }

 private:
  const std::optional<std::string> reply_;
  const grpc::Status status_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

Status AnswerOf(std::optional<std::string> reply, const grpc::Status& status = grpc::Status::OK) {
  const RawServer server(std::move(reply), status);
  return Call(*Connect(), server.address(), "x").status();
}

TEST(HostileServer, ReplyThatIsNoneIsCorruption) {
  EXPECT_EQ(AnswerOf("").code(), Code::kCorruption);
  EXPECT_EQ(AnswerOf("\x07garbage").code(), Code::kCorruption);
  EXPECT_EQ(AnswerOf(std::nullopt).code(), Code::kCorruption);
}

TEST(HostileServer, UnknownCodeIsInternal) {
  EXPECT_EQ(AnswerOf(std::string("\x01\x63\x02no\x00", 6)).code(), Code::kInternal);
}

TEST(HostileServer, GrpcFailureOfItsOwnIsNeverCertain) {
  EXPECT_EQ(AnswerOf(std::nullopt, {grpc::StatusCode::UNAVAILABLE, "x"}).code(), Code::kDeadlineExceeded);
  EXPECT_EQ(AnswerOf(std::nullopt, {grpc::StatusCode::RESOURCE_EXHAUSTED, "x"}).code(), Code::kDeadlineExceeded);
  EXPECT_EQ(AnswerOf(std::nullopt, {grpc::StatusCode::CANCELLED, "x"}).code(), Code::kDeadlineExceeded);
  EXPECT_EQ(AnswerOf(std::nullopt, {grpc::StatusCode::UNIMPLEMENTED, "x"}).code(), Code::kFailedPrecondition);
}

}  // namespace
}  // namespace rhizome::rpc
