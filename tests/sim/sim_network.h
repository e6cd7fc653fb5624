// SimNetwork: messages between processes, with everything a network does to them: delay, loss of the request or of its
// answer, a request delivered twice, reordering, slow links, partitions of every shape, also in one direction only.
//
// Only bytes and a status cross it. Unavailable is answered only where the request surely never arrives; whatever is
// lost otherwise is DeadlineExceeded at the deadline. A message sent before its sender died may still arrive. None is
// on its way longer than kFlightNsMax, which the product's grace periods count on.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "fabric/ports.h"
#include "sim_loop.h"

namespace rhizome::sim {

inline constexpr int64_t kFlightNsMax = 1'500 * kMillisecond;

using HostNumber = uint32_t;

// Where messages arrive: one life of one process.
class Inbox {
 public:
  virtual ~Inbox() = default;
  virtual SimLoop& loop() = 0;
  // Carries a message out and gives its answer to `done`, at most once; never, when the process dies meanwhile.
  virtual void Deliver(std::string message, fabric::CallContext context,
                       std::function<void(Result<std::string>)> done) = 0;
};

class SimNetwork {
 public:
  explicit SimNetwork(World& world) : world_(world), random_(Random::Of(world.seed(), 0x6e6574)) {}

  // `inbox` is reached at `number` from now on; null: nobody listens there.
  void Listen(fabric::MemberNumber number, HostNumber host, std::weak_ptr<Inbox> inbox);

  struct Weather {
    double lose = 0;  // of requests, and as many answers
    double repeat = 0;
    double delay = 0;  // of messages that take up to kFlightNsMax
  };
  void SetWeather(Weather weather) { weather_ = weather; }
  // Messages from one host to another get lost until then.
  void Cut(HostNumber from, HostNumber to, int64_t until_ns) { cut_[{from, to}] = until_ns; }
  void Slow(HostNumber host, int64_t delay_ns, int64_t until_ns) { slow_[host] = {delay_ns, until_ns}; }
  // Requests longer than that get lost on their way to the host: a path that passes small packets only.
  void BlackHole(HostNumber host, int64_t until_ns) { black_hole_[host] = until_ns; }
  // What an ordinary message takes at most.
  void SetLatency(int64_t latency_ns_max) { latency_ns_max_ = latency_ns_max; }
  bool Connected(HostNumber from, HostNumber to) const;
  void Heal();

  void Send(HostNumber from, SimLoop& sender, fabric::MemberNumber to, std::string message, fabric::CallContext context,
            fabric::OneShot<Result<std::string>> answer);

  uint64_t messages() const { return messages_; }

 private:
  struct Address {
    HostNumber host = 0;
    std::weak_ptr<Inbox> inbox;
  };
  struct Exchange;
  int64_t FlightNs(HostNumber from, HostNumber to);
  bool Swallowed(HostNumber to, const std::string& message) const;
  int64_t SlownessNs(HostNumber host) const;
  void Arrive(std::shared_ptr<Exchange> exchange, bool repetition);
  void Answer(std::shared_ptr<Exchange> exchange, Result<std::string> result);

  World& world_;
  Random random_;
  Weather weather_;
  std::map<fabric::MemberNumber, Address> addresses_;
  std::map<std::pair<HostNumber, HostNumber>, int64_t> cut_;
  std::map<HostNumber, std::pair<int64_t, int64_t>> slow_;
  std::map<HostNumber, int64_t> black_hole_;
  int64_t latency_ns_max_ = kMillisecond;
  uint64_t messages_ = 0;
};

// The network as one process sees it.
class NetworkPort final : public fabric::Network {
 public:
  NetworkPort(SimNetwork& network, SimLoop& loop, HostNumber host) : network_(network), loop_(loop), host_(host) {}
  Task<Result<std::string>> Call(fabric::MemberNumber to, std::string message, fabric::CallContext context) override;

 private:
  SimNetwork& network_;
  SimLoop& loop_;
  const HostNumber host_;
};

}  // namespace rhizome::sim
