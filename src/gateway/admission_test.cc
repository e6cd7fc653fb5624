#include "gateway/admission.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string>

namespace rhizome::gateway {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

// A server in time that only this test moves: so many cores, each request takes `service_ms` of one of them, and what
// runs shares them fairly. Requests come at random intervals of a given mean.
class Model {
 public:
  explicit Model(AdmissionOptions options) : admission_(options) {}

  double cores = 4;
  double service_ms = 10;
  double patience_ms = 30'000;  // how far away the deadlines of new requests are

  double CapacityPerS() const { return cores / service_ms * 1e3; }

  // Of what came in the time.
  struct Outcome {
    uint64_t arrived = 0;
    uint64_t done = 0;
    uint64_t refused = 0;
    uint64_t refused_on_arrival = 0;
    std::vector<double> latencies_ms;  // of those done, from their arrival
    double p99_ms() {
      if (latencies_ms.empty()) return 0;
      std::sort(latencies_ms.begin(), latencies_ms.end());
      return latencies_ms[latencies_ms.size() * 99 / 100];
    }
  };

  Outcome Run(double seconds, double rate_per_s) {
    outcome_ = {};
    const double end_ms = now_ms_ + seconds * 1e3;
    double next_ms = now_ms_ + Gap(rate_per_s);
    double sweep_ms = now_ms_ + 100;
    while (now_ms_ < end_ms) {
      const double step_ms = std::min({next_ms - now_ms_, NextEndMs(), sweep_ms - now_ms_});
      Work(std::max(0.0, step_ms));
      if (now_ms_ >= sweep_ms) {
        sweep_ms += 100;
        Carry(admission_.Expire(Now()));
      }
      if (now_ms_ >= next_ms) {
        Arrive();
        next_ms += Gap(rate_per_s);
      }
    }
    return outcome_;
  }
  uint32_t limit() const { return admission_.limit(); }
  size_t queued() const { return admission_.queued(); }

 private:
  struct Running {
    double left_ms = 0;
    double arrived_ms = 0;
    double began_ms = 0;
    uint32_t beside = 0;
  };

  int64_t Now() const { return std::llround(now_ms_ * kNsPerMs); }
  double Gap(double rate_per_s) { return std::exponential_distribution<double>(rate_per_s / 1e3)(random_); }
  double Speed() const { return std::min(1.0, cores / static_cast<double>(running_.size())); }
  double NextEndMs() const {
    double least = 1e9;
    for (const auto& [number, request] : running_) least = std::min(least, request.left_ms);
    return running_.empty() ? least : least / Speed();
  }

  void Work(double step_ms) {
    const double done_ms = running_.empty() ? 0 : step_ms * Speed();
    now_ms_ += step_ms;
    std::vector<Running> ended;
    for (auto it = running_.begin(); it != running_.end();) {
      it->second.left_ms -= done_ms;
      if (it->second.left_ms > 1e-9) {
        ++it;
        continue;
      }
      ended.push_back(it->second);
      it = running_.erase(it);
    }
    for (const Running& request : ended) {
      ++outcome_.done;
      outcome_.latencies_ms.push_back(now_ms_ - request.arrived_ms);
      Carry(admission_.Ended(request.beside, std::llround((now_ms_ - request.began_ms) * kNsPerMs), Now()));
    }
  }

  void Arrive() {
    ++outcome_.arrived;
    const double arrived_ms = now_ms_;
    Admission::Waiting request;
    request.arrived_ns = Now();
    request.deadline_ns = Now() + std::llround(patience_ms * kNsPerMs);
    request.start = [this, arrived_ms](uint32_t beside) {
      const double spread = 0.5 + std::uniform_real_distribution<double>()(random_);
      running_[next_++] = {service_ms * spread, arrived_ms, now_ms_, beside};
    };
    request.refuse = [this, arrived_ms](const Admission::Refusal&) {
      ++outcome_.refused;
      outcome_.refused_on_arrival += arrived_ms == now_ms_ ? 1 : 0;
    };
    Carry(admission_.Arrive(std::move(request), Now()));
  }

  static void Carry(const Admission::Todo& todo) {
    for (const auto& action : todo) action();
  }

  Admission admission_;
  std::mt19937_64 random_{7};
  double now_ms_ = 1'000;
  uint64_t next_ = 0;
  std::map<uint64_t, Running> running_;
  Outcome outcome_;
};

AdmissionOptions Searches() {
  AdmissionOptions options;
  options.limit_min = 4;
  options.limit_max = 64;
  options.queue_len_max = 1'024;
  options.burst_ms = 1'000;
  options.standing_ms = 250;
  return options;
}

TEST(AdmissionTest, BelowCapacityNothingIsRefused) {
  Model model(Searches());
  const auto outcome = model.Run(60, 0.7 * model.CapacityPerS());
  EXPECT_EQ(outcome.refused, 0U);
}

TEST(AdmissionTest, TwiceTheCapacityKeepsGoodputAndBoundsTheWait) {
  Model model(Searches());
  model.Run(10, 0.7 * model.CapacityPerS());
  auto outcome = model.Run(60, 2 * model.CapacityPerS());
  EXPECT_GT(static_cast<double>(outcome.done), 0.95 * 60 * model.CapacityPerS());
  // The burst's second at first, then a quarter of one, and the service, which many share.
  EXPECT_LT(outcome.p99_ms(), 1'000);
  auto later = model.Run(60, 2 * model.CapacityPerS());
  EXPECT_LT(later.p99_ms(), 400);
  EXPECT_GT(static_cast<double>(later.refused_on_arrival), 0.8 * static_cast<double>(later.refused));
}

TEST(AdmissionTest, AfterAnOverloadTheQueueIsEmptyWithinASecond) {
  Model model(Searches());
  model.Run(60, 3 * model.CapacityPerS());
  model.Run(1, 0.5 * model.CapacityPerS());
  EXPECT_EQ(model.queued(), 0U);
  EXPECT_EQ(model.Run(10, 0.5 * model.CapacityPerS()).refused, 0U);
}

TEST(AdmissionTest, TheLimitFollowsWhatTheCoresCanDo) {
  Model model(Searches());
  model.Run(60, 2 * model.CapacityPerS());
  EXPECT_GE(model.limit(), 4U);
  EXPECT_LE(model.limit(), 20U);
  model.cores = 32;
  model.Run(120, 2 * model.CapacityPerS());
  EXPECT_GE(model.limit(), 28U);
}

// A gateway's requests wait for others, which do not get slower by there being more of them.
TEST(AdmissionTest, WorkThatDoesNotShareACoreMayRunManyAtOnce) {
  Model model(Searches());
  model.cores = 1'000;
  model.Run(60, 64 / model.service_ms * 1e3);
  EXPECT_GE(model.limit(), 60U);
}

TEST(AdmissionTest, RequestsThatBecameSlowByNatureAreNotTakenForOverloadForever) {
  Model model(Searches());
  model.cores = 32;
  model.Run(30, 0.9 * model.CapacityPerS());
  model.service_ms = 50;
  model.Run(120, 2 * model.CapacityPerS());
  EXPECT_GE(model.limit(), 28U);
  const auto outcome = model.Run(30, 2 * model.CapacityPerS());
  EXPECT_GT(static_cast<double>(outcome.done), 0.9 * 30 * model.CapacityPerS());
}

TEST(AdmissionTest, WhatCouldNotEndByItsDeadlineIsRefusedOnArrival) {
  Model model(Searches());
  model.Run(10, 1.5 * model.CapacityPerS());
  model.patience_ms = 1;  // less than one takes
  const auto outcome = model.Run(5, 1.5 * model.CapacityPerS());
  EXPECT_GT(outcome.refused_on_arrival, outcome.arrived / 4);
}

// One that is started or refused says which.
struct Seen {
  std::string order;
  Admission::Waiting Request(char name, int64_t deadline_ms = 1'000'000) {
    Admission::Waiting request;
    request.deadline_ns = deadline_ms * kNsPerMs;
    request.start = [this, name](uint32_t) { order += name; };
    request.refuse = [this, name](const Admission::Refusal&) { order += static_cast<char>(std::toupper(name)); };
    return request;
  }
  void Do(const Admission::Todo& todo) {
    for (const auto& action : todo) action();
  }
};

TEST(AdmissionTest, FirstComeFirstServed) {
  Admission admission({1, 1, 10, 1'000, 250});
  Seen seen;
  for (const char name : {'a', 'b', 'c'}) seen.Do(admission.Arrive(seen.Request(name), 0));
  EXPECT_EQ(seen.order, "a");
  seen.Do(admission.Ended(1, 0, 0));
  seen.Do(admission.Ended(1, 0, 0));
  EXPECT_EQ(seen.order, "abc");
}

TEST(AdmissionTest, AFullQueueRefuses) {
  Admission admission({1, 1, 1, 1'000, 250});
  Seen seen;
  for (const char name : {'a', 'b', 'c'}) seen.Do(admission.Arrive(seen.Request(name), 0));
  EXPECT_EQ(seen.order, "aC");
}

TEST(AdmissionTest, WhatWaitedTooLongIsRefusedAlthoughNothingEnds) {
  Admission admission({1, 1, 10, 1'000, 250});
  Seen seen;
  for (const char name : {'a', 'b'}) seen.Do(admission.Arrive(seen.Request(name), 0));
  seen.Do(admission.Expire(900 * kNsPerMs));
  EXPECT_EQ(seen.order, "a");
  seen.Do(admission.Expire(1'001 * kNsPerMs));
  EXPECT_EQ(seen.order, "aB");
}

TEST(AdmissionTest, InAStandingQueueTheWaitIsShort) {
  Admission admission({1, 1, 10, 1'000, 250});
  Seen seen;
  for (const char name : {'a', 'b'}) seen.Do(admission.Arrive(seen.Request(name), 0));
  Admission::Waiting late = seen.Request('c');
  late.arrived_ns = 900 * kNsPerMs;
  seen.Do(admission.Arrive(std::move(late), 900 * kNsPerMs));
  seen.Do(admission.Ended(1, 0, 950 * kNsPerMs));  // b has waited 950 ms, in a burst
  EXPECT_EQ(seen.order, "ab");
  seen.Do(admission.Expire(1'140 * kNsPerMs));  // c has waited 240 ms, in a queue that has not been empty
  EXPECT_EQ(seen.order, "ab");
  seen.Do(admission.Expire(1'160 * kNsPerMs));
  EXPECT_EQ(seen.order, "abC");
}

TEST(AdmissionTest, WhatWasNotCarriedOutTellsNothingOfLatency) {
  Admission admission({1, 1, 10, 1'000, 250});
  Seen seen;
  for (int i = 0; i < 100; ++i) {
    seen.Do(admission.Arrive(seen.Request('a'), i * 10 * kNsPerMs));
    seen.Do(admission.Abandoned((i * 10 + 5) * kNsPerMs));
  }
  EXPECT_EQ(admission.latency_ms(), 0);
  EXPECT_EQ(admission.running(), 0U);
}

}  // namespace
}  // namespace rhizome::gateway
