#include "cluster/rpc_network.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/trace.h"

namespace rhizome::cluster {

using fabric::CallContext;
using fabric::MemberNumber;

namespace {

constexpr int64_t kNsPerMs = 1'000'000;

}  // namespace

RpcNetwork::RpcNetwork(fabric::Loop& loop, std::unique_ptr<rpc::Client> client, int64_t slow_ms)
    : loop_(loop), slow_ms_(slow_ms), client_(std::move(client)), outstanding_(loop), gate_(loop) {}

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
  const auto receive = [this](rpc::CallInfo info, std::string message, rpc::Respond respond) {
    Incoming incoming{std::move(message), {}, std::move(respond), SystemClock().MonotonicNs()};
    loop_.Post([this, info = std::move(info), incoming = std::move(incoming)]() mutable {
      Receive(std::move(info), std::move(incoming));
    });
  };
  ASSIGN_OR_RETURN(server_, rpc::Server::Start(std::move(options), receive));
  return Status::Ok();
}

void RpcNetwork::Receive(rpc::CallInfo info, Incoming incoming) {
  if (!admitting_ || loop_.stopping()) {
    incoming.respond(Status::Unavailable("this member is not in service"));
    return;
  }
  incoming.context.deadline_ns = info.deadline_ns;
  incoming.context.request_id = std::move(info.request_id);
  incoming.context.traceparent = std::move(info.traceparent);
  gate_.Start(AnswerPeer(*this, std::move(incoming)));
}

Task<void> RpcNetwork::AnswerPeer(RpcNetwork& network, Incoming incoming) {
  const int64_t begun_ns = network.loop_.NowNs();
  Result<std::string> answer = co_await network.member_->Handle(incoming.message, incoming.context);
  network.LogIfSlow(incoming, begun_ns, answer.status());
  incoming.respond(std::move(answer));
}

void RpcNetwork::LogIfSlow(const Incoming& incoming, int64_t begun_ns, const Status& status) {
  const double waited_ms = static_cast<double>(begun_ns - incoming.arrived_ns) / kNsPerMs;
  const double handled_ms = static_cast<double>(loop_.NowNs() - begun_ns) / kNsPerMs;
  const bool slow = waited_ms + handled_ms > static_cast<double>(slow_ms_);
  const auto level = slow ? spdlog::level::info : spdlog::level::debug;
  if (!spdlog::should_log(level)) return;
  const LogScope scope(incoming.context.request_id);
  spdlog::log(level,
              "answered a member message={} status={} ms={:.2f} bytes_in={} trace={} queue={:.2f}ms handle={:.2f}ms",
              fabric::RequestName(incoming.message), CodeName(status.code()), waited_ms + handled_ms,
              incoming.message.size(), Traceparent::TraceIdIn(incoming.context.traceparent), waited_ms, handled_ms);
}

void RpcNetwork::StopServing(int64_t drain_ms) {
  if (server_ != nullptr) server_->Stop(drain_ms);
}

void RpcNetwork::Close() {
  server_.reset();
  client_.reset();
}

}  // namespace rhizome::cluster
