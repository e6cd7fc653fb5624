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
  RpcNetwork(fabric::Loop& loop, std::unique_ptr<rpc::Client> client);

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
  static Task<void> AnswerPeer(fabric::Member& member, std::string message, fabric::CallContext context,
                               rpc::Respond respond);
  void Receive(rpc::CallInfo info, std::string message, rpc::Respond respond);

  fabric::Loop& loop_;
  std::unique_ptr<rpc::Client> client_;  // null once closed
  std::unique_ptr<rpc::Server> server_;
  fabric::Member* member_ = nullptr;
  bool admitting_ = false;
  Outstanding outstanding_;
  fabric::Gate gate_;
};

}  // namespace rhizome::cluster
