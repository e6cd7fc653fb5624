// RpcNetwork: fabric's Network over gRPC, both ends: calls to other members by the topology's addresses and names, and
// the others' calls to this one. A call to itself goes to Member::Handle without leaving the loop.
//
// Pings use the share of the wire that is kept free for them, so that a busy member is not taken for a dead one.
//
// On the loop, but for Serve, StopServing and Close, which block: by the owner, not on the loop. The order at the end
// is StopServing, the loop's BeginStop, CancelAll on the loop, Close.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "cluster/outstanding.h"
#include "fabric/async.h"
#include "fabric/member.h"
#include "fabric/ports.h"
#include "rpc/client.h"
#include "rpc/server.h"

namespace rhizome::cluster {

class RpcNetwork final : public fabric::Network {
 public:
  // Messages of others that take longer than `slow_ms` are logged.
  RpcNetwork(fabric::Loop& loop, std::unique_ptr<rpc::Client> client, int64_t slow_ms);

  // Whose network this is; before the first call. `member` outlives it.
  void Attach(fabric::Member& member) { member_ = &member; }
  Task<Result<std::string>> Call(fabric::MemberNumber to, std::string message, fabric::CallContext context) override;

  // Opens the port; messages reach the attached member, once it is there, and are refused as Unavailable before.
  Status Serve(rpc::ServerOptions options);
  uint16_t port() const { return server_ == nullptr ? 0 : server_->port(); }
  // From when on the others' messages are carried out. On the loop.
  void Admit() { admitting_ = true; }

  void StopServing(int64_t drain_ms);
  void CancelAll() { outstanding_.CancelAll(); }
  void Close();
  // Ends when no message, of others or to itself, is being carried out.
  Task<void> Drained() { return gate_.Drained(); }

 private:
  Task<Result<std::string>> CallSelf(std::string message, fabric::CallContext context);
  static Task<void> AnswerSelf(fabric::Member& member, std::string message, fabric::CallContext context,
                               fabric::OneShot<Result<std::string>> answer);
  // A message of another member on its way through here.
  struct Incoming {
    std::string message;
    fabric::CallContext context;
    rpc::Respond respond;
    int64_t arrived_ns = 0;
  };
  static Task<void> AnswerPeer(RpcNetwork& network, Incoming incoming);
  void LogIfSlow(const Incoming& incoming, int64_t begun_ns, const Status& status);
  void Receive(rpc::CallInfo info, Incoming incoming);

  fabric::Loop& loop_;
  const int64_t slow_ms_;
  std::unique_ptr<rpc::Client> client_;  // null once closed
  std::unique_ptr<rpc::Server> server_;
  fabric::Member* member_ = nullptr;
  bool admitting_ = false;
  Outstanding outstanding_;
  fabric::Gate gate_;
};

}  // namespace rhizome::cluster
