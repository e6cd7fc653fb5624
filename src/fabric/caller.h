// Caller: typed exchanges with members, one or many at once. On the loop.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "fabric/async.h"
#include "fabric/peers.h"
#include "fabric/ports.h"

namespace rhizome::fabric {

class Caller {
 public:
  Caller(Loop& loop, Network& network, Peers& peers, const Settings& settings)
      : loop_(loop), network_(network), peers_(peers), settings_(settings), gate_(loop) {}

  // One exchange, no longer than the context's deadline and, unless it is background work, Settings::call_timeout_ms.
  // Tells Peers how it went.
  template <typename R>
  Task<Result<typename R::Reply>> Ask(MemberNumber to, R request, CallContext context) {
    Result<std::string> bytes = co_await Exchange(to, EncodeRequest(Request(std::move(request))), std::move(context));
    if (!bytes.ok()) co_return bytes.status();
    typename R::Reply reply;
    const Status decoded = DecodeReply(*bytes, reply);
    if (!decoded.ok()) co_return decoded;
    co_return reply;
  }

  // The same request to several members at once.
  template <typename R>
  struct Round {
    using Answer = Result<typename R::Reply>;
    using Heard = std::function<void(MemberNumber, const Answer&)>;
    explicit Round(Loop& loop) : settled(loop) {}
    std::map<MemberNumber, Answer> answers;  // up to when it settled
    size_t outstanding = 0;
    std::function<bool(const Round&)> enough;
    Heard late;  // told of answers after it settled
    OneShot<bool> settled;
  };

  // Ends when `enough` says so of the answers so far, or all have answered. What comes later goes to `late`.
  template <typename R>
  Task<std::map<MemberNumber, typename Round<R>::Answer>> AskMany(
      std::map<MemberNumber, R> requests, CallContext context,
      std::function<bool(const std::map<MemberNumber, typename Round<R>::Answer>&)> enough,
      typename Round<R>::Heard late = {}) {
    auto round = std::make_shared<Round<R>>(loop_);
    round->outstanding = requests.size();
    round->enough = [enough = std::move(enough)](const Round<R>& so_far) { return enough(so_far.answers); };
    round->late = std::move(late);
    if (requests.empty()) co_return std::move(round->answers);
    for (auto& [to, request] : requests) gate_.Start(AskInRound<R>(*this, to, std::move(request), context, round));
    co_await round->settled;
    co_return std::move(round->answers);
  }

  Loop& loop() { return loop_; }
  Peers& peers() { return peers_; }
  // For exchanges that may outlive whoever began them.
  Gate& gate() { return gate_; }
  // Ends when every exchange has.
  Task<void> Drained() { return gate_.Drained(); }

 private:
  Task<Result<std::string>> Exchange(MemberNumber to, std::string message, CallContext context);

  template <typename R>
  static Task<void> AskInRound(Caller& caller, MemberNumber to, R request, CallContext context,
                               std::shared_ptr<Round<R>> round) {
    typename Round<R>::Answer answer = co_await caller.Ask<R>(to, std::move(request), std::move(context));
    --round->outstanding;
    if (round->settled.done()) {
      if (round->late) round->late(to, answer);
      co_return;
    }
    round->answers.emplace(to, std::move(answer));
    if (round->outstanding == 0 || round->enough(*round)) round->settled.Set(true);
  }

  Loop& loop_;
  Network& network_;
  Peers& peers_;
  const Settings& settings_;
  Gate gate_;
};

}  // namespace rhizome::fabric
