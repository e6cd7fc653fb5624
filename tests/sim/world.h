// World: virtual time. Events happen in the order of (time, sequence), nothing else decides anything, so one seed is
// one history. What is noted of it goes into a hash: two runs with the same hash did the same.
//
// Single-threaded. Events must not outlive what they capture: they hold weak or shared pointers.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

#include "history/random.h"

namespace rhizome::sim {

using history::Random;

inline constexpr int64_t kMillisecond = 1'000'000;
inline constexpr int64_t kSecond = 1'000 * kMillisecond;

class World {
 public:
  // `trace` prints every note.
  World(uint64_t seed, bool trace) : seed_(seed), trace_(trace) {}

  uint64_t seed() const { return seed_; }
  int64_t NowNs() const { return now_ns_; }
  void At(int64_t time_ns, std::function<void()> event);
  void In(int64_t delay_ns, std::function<void()> event) { At(now_ns_ + delay_ns, std::move(event)); }

  // Runs what is due until `time_ns`; stops early once the run has failed.
  void RunUntil(int64_t time_ns);

  // An effect: a message handled, a batch durable, a decision in coordination, a fault, a client's answer.
  void Note(std::string_view kind, std::string_view subject, std::string_view bytes = {});
  // Printed with --trace, but no part of the hash: may hold what differs between processes.
  void Say(std::string_view text) const;
  uint64_t trace_hash() const { return hash_; }
  uint64_t events() const { return sequence_; }
  bool tracing() const { return trace_; }

  // The first failure ends the run.
  void Fail(std::string reason);
  bool failed() const { return !failure_.empty(); }
  const std::string& failure() const { return failure_; }

 private:
  struct Event {
    int64_t time_ns;
    uint64_t sequence;
    std::function<void()> run;
    bool operator<(const Event& other) const {  // a priority_queue gives the greatest first
      return time_ns != other.time_ns ? time_ns > other.time_ns : sequence > other.sequence;
    }
  };

  const uint64_t seed_;
  const bool trace_;
  int64_t now_ns_ = 0;
  uint64_t sequence_ = 0;
  uint64_t hash_ = 0;
  std::priority_queue<Event> events_;
  std::string failure_;
};

}  // namespace rhizome::sim
