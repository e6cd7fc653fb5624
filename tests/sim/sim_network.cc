#include "sim_network.h"

#include <fmt/format.h>

namespace rhizome::sim {

using fabric::CallContext;
using fabric::MemberNumber;
using fabric::OneShot;

struct SimNetwork::Exchange {
  HostNumber from = 0;
  HostNumber to_host = 0;
  MemberNumber to = 0;
  std::string message;
  CallContext context;
  OneShot<Result<std::string>> answer;
};

namespace {

constexpr int64_t kQuickNsMin = 50'000;
constexpr size_t kSmallBytesMax = 60;  // pings and questions about a key or two; no write is as short

Result<std::string> Unanswered() { return Status::DeadlineExceeded("no answer from the member"); }

}  // namespace

void SimNetwork::Listen(MemberNumber number, HostNumber host, std::weak_ptr<Inbox> inbox) {
  addresses_[number] = {host, std::move(inbox)};
}

bool SimNetwork::Connected(HostNumber from, HostNumber to) const {
  const auto cut = cut_.find({from, to});
  return cut == cut_.end() || cut->second <= world_.NowNs();
}

void SimNetwork::Heal() {
  cut_.clear();
  slow_.clear();
  black_hole_.clear();
  weather_ = {};
}

bool SimNetwork::Swallowed(HostNumber to, const std::string& message) const {
  const auto hole = black_hole_.find(to);
  return hole != black_hole_.end() && hole->second > world_.NowNs() && message.size() > kSmallBytesMax;
}

int64_t SimNetwork::SlownessNs(HostNumber host) const {
  const auto slow = slow_.find(host);
  return slow == slow_.end() || slow->second.second <= world_.NowNs() ? 0 : slow->second.first;
}

int64_t SimNetwork::FlightNs(HostNumber from, HostNumber to) {
  if (from == to) return random_.Between(1'000, 20'000);
  int64_t flight_ns = random_.Between(kQuickNsMin, latency_ns_max_) + SlownessNs(from) + SlownessNs(to);
  if (random_.Chance(weather_.delay)) flight_ns += random_.Between(kMillisecond, kFlightNsMax);
  return std::min(flight_ns, kFlightNsMax);
}

void SimNetwork::Send(HostNumber from, SimLoop& sender, MemberNumber to, std::string message, CallContext context,
                      OneShot<Result<std::string>> answer) {
  ++messages_;
  const int64_t now_ns = world_.NowNs();
  const int64_t left_ns = context.deadline_ns - sender.NowNs();
  world_.In(left_ns, [answer] { answer.Set(Unanswered()); });
  if (left_ns <= 0) return;
  const auto address = addresses_.find(to);
  if (address == addresses_.end() || address->second.inbox.expired()) {
    // Nobody listens. Mostly the machine says so; sometimes it is gone altogether.
    if (random_.Chance(0.8)) {
      world_.In(random_.Between(kQuickNsMin, latency_ns_max_),
                [answer] { answer.Set(Status::Unavailable("the member does not listen")); });
    }
    return;
  }
  auto exchange = std::make_shared<Exchange>(
      Exchange{from, address->second.host, to, std::move(message), std::move(context), std::move(answer)});
  exchange->context.deadline_ns = now_ns + left_ns;  // all monotonic clocks show the world's time
  const bool elsewhere = from != exchange->to_host;
  if (elsewhere && (!Connected(from, exchange->to_host) || random_.Chance(weather_.lose))) return;
  if (elsewhere && Swallowed(exchange->to_host, exchange->message)) return;
  const int copies = elsewhere && random_.Chance(weather_.repeat) ? 2 : 1;
  for (int copy = 0; copy < copies; ++copy) {
    world_.In(FlightNs(from, exchange->to_host), [this, exchange, copy] { Arrive(exchange, copy > 0); });
  }
}

void SimNetwork::Arrive(std::shared_ptr<Exchange> exchange, bool repetition) {
  const auto address = addresses_.find(exchange->to);
  const auto inbox = address == addresses_.end() ? nullptr : address->second.inbox.lock();
  // Who was reachable when it was sent and is not now: whether an earlier copy arrived nobody can tell.
  if (inbox == nullptr) return;
  world_.Note("message", fmt::format("{} to member {}{}", exchange->from, exchange->to, repetition ? " again" : ""),
              exchange->message);
  inbox->Deliver(exchange->message, exchange->context, [this, exchange, repetition](Result<std::string> result) {
    if (!repetition) Answer(exchange, std::move(result));
  });
}

void SimNetwork::Answer(std::shared_ptr<Exchange> exchange, Result<std::string> result) {
  const bool elsewhere = exchange->from != exchange->to_host;
  if (elsewhere && (!Connected(exchange->to_host, exchange->from) || random_.Chance(weather_.lose))) return;
  world_.In(FlightNs(exchange->to_host, exchange->from),
            [exchange, result = std::move(result)] { exchange->answer.Set(result); });
}

Task<Result<std::string>> NetworkPort::Call(MemberNumber to, std::string message, CallContext context) {
  const auto answer = loop_.Expect<std::string>();
  if (!loop_.stopping()) network_.Send(host_, loop_, to, std::move(message), std::move(context), answer);
  co_return co_await answer;
}

}  // namespace rhizome::sim
