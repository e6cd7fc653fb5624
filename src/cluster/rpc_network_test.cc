#include "cluster/rpc_network.h"

#include <gtest/gtest.h>

#include "cluster/loop_calls.h"
#include "cluster/pooled_truth.h"
#include "coordination/embedded.h"
#include "fabric/topology.h"
#include "io/sim_disk.h"
#include "rpc/rpc_testing.h"

namespace rhizome::cluster {
namespace {

using fabric::MemberNumber;

constexpr MemberNumber kOther = 2;
constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kLongMs = 60'000;

// One process without data, number 0, that meets the others only when told to.
class RpcNetworkTest : public testing::Test {
 protected:
  RpcNetworkTest() {
    coordination_ = coordination::Embedded::Open(disk_, "/coordination").value();
    truth_ = std::make_unique<PooledTruth>(loop_, *coordination_);
    network_ = std::make_unique<RpcNetwork>(loop_, rpc::Client::Create({}).value(), 1'000);
    fabric::Settings settings;
    settings.ping_interval_ms = 3'600'000;
    const fabric::Identity identity{{.name = "self"}, false};
    member_ = std::make_unique<fabric::Member>(fabric::Ports{loop_, *network_, *truth_, nullptr, SystemClock()},
                                               identity, settings);
  }
  ~RpcNetworkTest() override {
    network_->StopServing(0);
    loop_.BeginStop();
    EXPECT_TRUE(calls_.One<Status>([this] { return End(); }).ok());
    loop_.End();
    network_->Close();
    member_.reset();
    truth_.reset();
  }
  Task<Status> End() {
    network_->CancelAll();
    truth_->CancelAll();
    co_await network_->Drained();
    co_await member_->Stop();
    co_return Status::Ok();
  }

  // Starts with a member at that address.
  void Know(const std::string& address) {
    coordination::Transaction transaction;
    transaction.changes = {
        {fabric::MemberKey(kOther), fabric::EncodeMember({.number = kOther, .name = "other", .rpc_address = address})}};
    ASSERT_TRUE(coordination_->Commit(transaction)->succeeded);
    Start();
  }
  void Start() {
    const Status started = calls_.One<Status>([this] {
      network_->Attach(*member_);
      return member_->Start();
    });
    ASSERT_TRUE(started.ok()) << started.ToString();
  }
  Result<std::string> Call(MemberNumber to, const std::string& message, int64_t within_ms = kLongMs) {
    return calls_.One<Result<std::string>>([&] {
      fabric::CallContext context;
      context.deadline_ns = loop_.NowNs() + within_ms * kNsPerMs;
      ++begun_;
      return network_->Call(to, message, context);
    });
  }

  io::SimDisk disk_;
  std::unique_ptr<coordination::Embedded> coordination_;
  ThreadLoop loop_;
  LoopCalls calls_{loop_};
  std::unique_ptr<PooledTruth> truth_;
  std::unique_ptr<RpcNetwork> network_;
  std::unique_ptr<fabric::Member> member_;
  std::atomic<int> begun_{0};
};

TEST_F(RpcNetworkTest, AMessageReachesTheMembersAddressAndItsAnswerComesBack) {
  const auto server = rpc::Serve();
  Know(rpc::AddressOf(*server));
  EXPECT_EQ(Call(kOther, "hello").value(), "hello");
}

TEST_F(RpcNetworkTest, TheMembersOwnRefusalIsPassedOn) {
  const auto server =
      rpc::Serve([](rpc::CallInfo, std::string, rpc::Respond respond) { respond(Status::NoSpace("full")); });
  Know(rpc::AddressOf(*server));
  const Status status = Call(kOther, "hello").status();
  EXPECT_EQ(status.code(), Code::kNoSpace);
  EXPECT_EQ(status.message(), "full");
}

TEST_F(RpcNetworkTest, AMemberNobodyKnowsIsUnavailable) {
  Start();
  EXPECT_EQ(Call(99, "hello").status().code(), Code::kUnavailable);
}

TEST_F(RpcNetworkTest, ARefusedConnectionIsUnavailable) {
  std::string address;
  {
    const auto server = rpc::Serve();
    address = rpc::AddressOf(*server);
  }
  Know(address);
  EXPECT_EQ(Call(kOther, "hello").status().code(), Code::kUnavailable);
}

TEST_F(RpcNetworkTest, WithoutTimeLeftNothingIsSent) {
  rpc::Holding holding;
  const auto server = rpc::Serve(holding.handler());
  Know(rpc::AddressOf(*server));
  EXPECT_EQ(Call(kOther, "hello", -1).status().code(), Code::kUnavailable);
  EXPECT_EQ(holding.count(), 0u);
}

TEST_F(RpcNetworkTest, AnUnansweredMessageIsUnknownAtItsDeadline) {
  std::atomic<bool> answers{true};
  rpc::Holding holding;
  const auto server = rpc::Serve([&](rpc::CallInfo info, std::string message, rpc::Respond respond) {
    if (answers) return respond(std::move(message));
    holding.handler()(std::move(info), std::move(message), std::move(respond));
  });
  Know(rpc::AddressOf(*server));
  ASSERT_TRUE(Call(kOther, "hello").ok());  // the connection is there
  answers = false;
  EXPECT_EQ(Call(kOther, "hello", 300).status().code(), Code::kDeadlineExceeded);
  holding.Drop();
}

TEST_F(RpcNetworkTest, WhatIsUnderWayIsCancelledAtOnce) {
  rpc::Holding holding;
  const auto server = rpc::Serve(holding.handler());
  Know(rpc::AddressOf(*server));
  Status ended;
  std::thread caller([&] { ended = Call(kOther, "hello").status(); });
  EXPECT_TRUE(rpc::Eventually([&] { return holding.count() == 1; }, kLongMs));
  loop_.Post([this] { network_->CancelAll(); });
  caller.join();
  EXPECT_EQ(ended.code(), Code::kCancelled);
  holding.Drop();
}

TEST_F(RpcNetworkTest, NothingIsSentWhileTheLoopStops) {
  rpc::Holding holding;
  const auto server = rpc::Serve(holding.handler());
  Know(rpc::AddressOf(*server));
  loop_.BeginStop();
  EXPECT_EQ(Call(kOther, "hello").status().code(), Code::kCancelled);
  EXPECT_EQ(holding.count(), 0u);
}

TEST_F(RpcNetworkTest, ItselfIsAskedWithoutAWire) {
  Start();
  EXPECT_EQ(Call(0, "no message").status().code(), Code::kCorruption);
}

TEST_F(RpcNetworkTest, ItselfTooHasADeadline) {
  Start();
  EXPECT_EQ(Call(0, fabric::EncodeRequest(fabric::PingRequest{}), -1).status().code(), Code::kDeadlineExceeded);
}

TEST_F(RpcNetworkTest, OthersAreRefusedUntilTheyAreAdmitted) {
  Start();
  ASSERT_TRUE(network_->Serve({}).ok());
  const auto client = rpc::Connect();
  const std::string address = "127.0.0.1:" + std::to_string(network_->port());
  const std::string ping = fabric::EncodeRequest(fabric::PingRequest{});
  EXPECT_EQ(rpc::Call(*client, address, ping, {.timeout_ms = kLongMs}).status().code(), Code::kUnavailable);
  loop_.Post([this] { network_->Admit(); });
  EXPECT_TRUE(rpc::Call(*client, address, ping, {.timeout_ms = kLongMs}).ok());
}

TEST_F(RpcNetworkTest, WhereItCannotListenItSaysWhy) {
  EXPECT_EQ(network_->Serve({.address = "nowhere"}).code(), Code::kInvalidArgument);
  EXPECT_EQ(network_->port(), 0);
}

}  // namespace
}  // namespace rhizome::cluster
