// Loop: where the coroutines of one member run: one at a time, with its clocks, its timers and its randomness. A port:
// a real thread in a server, a virtual one in the simulator.
//
// Everything in fabric that says "on the loop" is called from tasks posted to it, so fabric holds no locks. Only Post
// may be called from elsewhere.
//
// Stopping: once stopping() is true, timers fire at once and ports answer Cancelled, so that every coroutine comes to
// its end; nobody is left suspended in a loop that goes away.
#pragma once

#include <cstdint>
#include <functional>

namespace rhizome::fabric {

class Loop {
 public:
  using TimerId = uint64_t;

  virtual ~Loop() = default;
  virtual int64_t NowNs() = 0;    // monotonic; of this member only
  virtual int64_t WallMs() = 0;   // since 1970; may be wrong, and may jump
  virtual uint64_t Random() = 0;  // seeded in the simulator
  // Runs `task` on the loop, after what was posted before. From any thread.
  virtual void Post(std::function<void()> task) = 0;
  // Runs `task` on the loop no sooner than `delay_ns` from now.
  virtual TimerId After(int64_t delay_ns, std::function<void()> task) = 0;
  // Forgets a timer; one that has fired is none of its business.
  virtual void Cancel(TimerId timer) = 0;
  virtual bool stopping() const = 0;
};

}  // namespace rhizome::fabric
