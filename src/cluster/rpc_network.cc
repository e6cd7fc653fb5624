#include "cluster/rpc_network.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace rhizome::cluster {

using fabric::CallContext;
using fabric::MemberNumber;

namespace {

constexpr int64_t kNsPerMs = 1'000'000;

}  // namespace

RpcNetwork::RpcNetwork(fabric::Loop& loop, std::unique_ptr<rpc::Client> client)
    : loop_(loop), client_(std::move(client)), outstanding_(loop), gate_(loop) {}

Task<Result<std::string>> RpcNetwork::Call(MemberNumber to, std::string message, CallContext context) {
  CHECK(member_ != nullptr);
  if (loop_.stopping()) co_return Status::Cancelled("this member is stopping");
  if (to == member_->identity().record.number) co_return co_await CallSelf(std::move(message), std::move(context));
  const fabric::MemberRecord* record = member_->directory().Now()->Member(to);
  if (record == nullptr) co_return Status::Unavailable("there is no member " + std::to_string(to));
  const std::string address = record->rpc_address;
  rpc::CallOptions options;
  const int64_t left_ms = (context.deadline_ns - loop_.NowNs() + kNsPerMs - 1) / kNsPerMs;
  if (left_ms <= 0) co_return Status::Unavailable("no time was left to ask");
  options.timeout_ms = std::min(left_ms, rpc::kTimeoutMsMax);
  options.peer = record->name;
  options.priority = fabric::IsPing(message);
  options.request_id = std::move(context.request_id);
  options.traceparent = std::move(context.traceparent);
  co_return co_await outstanding_.Call<Result<std::string>>(
      [this, &address, &message, &options](std::function<void(Result<std::string>)> done) {
        client_->Call(address, std::move(message), std::move(options), std::move(done));
      });
}

Task<Result<std::string>> RpcNetwork::CallSelf(std::string message, CallContext context) {
  fabric::OneShot<Result<std::string>> answer(loop_);
  const int64_t deadline_ns = context.deadline_ns;
  gate_.Start(AnswerSelf(*member_, std::move(message), std::move(context), answer));
  const fabric::TimeLimit<Result<std::string>> limit(
      loop_, deadline_ns, answer, Status::DeadlineExceeded("this member itself did not answer in time"));
  co_return co_await answer;
}

Task<void> RpcNetwork::AnswerSelf(fabric::Member& member, std::string message, CallContext context,
                                  fabric::OneShot<Result<std::string>> answer) {
  answer.Set(co_await member.Handle(std::move(message), std::move(context)));
}

Status RpcNetwork::Serve(rpc::ServerOptions options) {
  ASSIGN_OR_RETURN(server_, rpc::Server::Start(std::move(options),
                                               [this](rpc::CallInfo info, std::string message, rpc::Respond respond) {
                                                 loop_.Post([this, info = std::move(info), message = std::move(message),
                                                             respond = std::move(respond)]() mutable {
                                                   Receive(std::move(info), std::move(message), std::move(respond));
                                                 });
                                               }));
  return Status::Ok();
}

void RpcNetwork::Receive(rpc::CallInfo info, std::string message, rpc::Respond respond) {
  if (!admitting_ || loop_.stopping()) {
    respond(Status::Unavailable("this member is not in service"));
    return;
  }
  CallContext context;
  context.deadline_ns = info.deadline_ns;
  context.request_id = std::move(info.request_id);
  context.traceparent = std::move(info.traceparent);
  gate_.Start(AnswerPeer(*member_, std::move(message), std::move(context), std::move(respond)));
}

Task<void> RpcNetwork::AnswerPeer(fabric::Member& member, std::string message, CallContext context,
                                  rpc::Respond respond) {
  respond(co_await member.Handle(std::move(message), std::move(context)));
}

void RpcNetwork::StopServing(int64_t drain_ms) {
  if (server_ != nullptr) server_->Stop(drain_ms);
}

void RpcNetwork::Close() {
  server_.reset();
  client_.reset();
}

}  // namespace rhizome::cluster
