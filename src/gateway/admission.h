// Admission: which requests of one kind run now, which wait, and which are refused at once. The rules without threads.
//
// As many run as the ConcurrencyLimit says; the others wait in the order of their arrival, in a queue of bounded length
// and bounded time. The time is that of CoDel (Nichols and Jacobson, "Controlling Queue Delay", ACM Queue 2012) in the
// form for servers of Maurer, "Fail at Scale", ACM Queue 2015: a burst may wait for `burst_ms`, but a queue that has
// not been empty for so long is not a burst, and then a request waits for `standing_ms` at most. Both grow with the
// time that requests of this kind take, so that slow kinds queue as many. What would wait longer than that, or would
// end past its deadline, by what is known on arrival, is refused on arrival.
//
// First come, first served: since nobody waits long, the newest is no likelier to be still waited for than the oldest,
// and nobody starves; a newest-first queue would only choose other victims and reorder one client's writes.
//
// Not thread-safe and without a clock: the owner calls under a lock, and carries out what is handed back outside of it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string_view>
#include <vector>

#include "gateway/concurrency_limit.h"

namespace rhizome::gateway {

struct AdmissionOptions {
  uint32_t limit_min = 1;
  uint32_t limit_max = 1;
  uint32_t queue_len_max = 1;
  uint32_t burst_ms = 1'000;
  uint32_t standing_ms = 250;
};

class Admission {
 public:
  struct Refusal {
    std::string_view reason;  // for people; a literal
    double wait_ms = 0;       // how long what waits now will take
  };
  struct Waiting {
    int64_t arrived_ns = 0;
    int64_t deadline_ns = 0;
    std::function<void(uint32_t beside)> start;  // how many run with it
    std::function<void(const Refusal&)> refuse;
  };
  // Each of these to be called once, by the owner.
  using Todo = std::vector<std::function<void()>>;

  explicit Admission(const AdmissionOptions& options);

  Todo Arrive(Waiting request, int64_t now_ns);
  // One that was started has ended; every start is followed by one of the two.
  Todo Ended(uint32_t beside, int64_t latency_ns, int64_t now_ns);
  Todo Abandoned(int64_t now_ns);  // it was not carried out after all, so its time tells nothing
  // Refuses what has waited too long; to be called now and then, because nothing may end for a while.
  Todo Expire(int64_t now_ns);

  uint32_t limit() const { return limit_.limit(); }
  uint32_t running() const { return running_; }
  size_t queued() const { return queue_.size(); }
  double latency_ms() const { return limit_.latency_ms(); }

 private:
  int64_t AllowedNs(int64_t now_ns) const;
  double ExpectedWaitMs(size_t ahead) const;
  std::string_view WhyNot(const Waiting& request, int64_t wait_ns, int64_t now_ns) const;
  void Start(Waiting request, Todo& todo);
  void Refuse(Waiting request, std::string_view reason, Todo& todo) const;
  void Advance(int64_t now_ns, Todo& todo);

  const AdmissionOptions options_;
  ConcurrencyLimit limit_;
  uint32_t running_ = 0;
  std::deque<Waiting> queue_;
  int64_t empty_ns_ = 0;  // when the queue was last empty
};

}  // namespace rhizome::gateway
