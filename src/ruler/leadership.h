// Leadership: who leads the cluster, for work that one process does for all; and questions to that process.
//
// The leader is the fabric's (fabric/leader.h): a key in coordination on its lease, whose create revision is the epoch.
// What Look tells may be past; Confirm asks coordination.
//
// Thread-safe; calls block. `calls`, `loop` and `member` outlive it. The destructor waits for answers under way.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/status.h"
#include "base/worker_pool.h"
#include "cluster/loop_calls.h"
#include "cluster/outstanding.h"
#include "cluster/thread_loop.h"
#include "fabric/member.h"

namespace rhizome::ruler {

class Leadership {
 public:
  struct Now {
    bool here = false;  // this process leads
    int64_t epoch = 0;  // of who leads; 0: nobody does
    bool operator==(const Now&) const = default;
  };

  Leadership(cluster::LoopCalls& calls, cluster::ThreadLoop& loop, fabric::Member& member);
  ~Leadership();
  Leadership(const Leadership&) = delete;
  Leadership& operator=(const Leadership&) = delete;

  // As this process knows. Cancelled when it stops.
  Result<Now> Look();
  // As coordination says. Its errors.
  Result<Now> Confirm();

  // Answers what others ask of this process while it leads; `answer` runs on a thread of its own and may take a while.
  void Serve(std::function<Result<std::string>(const std::string& question)> answer);
  // The leader's answer, wherever it is. Unavailable while nobody leads or answers.
  Result<std::string> Ask(const std::string& question, int64_t timeout_ms = 5'000);

 private:
  Result<Now> Known() const;  // on the loop
  Task<Result<Now>> Refreshed();
  Task<Result<std::string>> AnswerOnPool(std::string question);
  Task<Status> End();

  cluster::LoopCalls& calls_;
  cluster::ThreadLoop& loop_;
  fabric::Member& member_;
  std::function<Result<std::string>(const std::string&)> answer_;  // constant after Serve
  // On the loop.
  fabric::Gate gate_;
  cluster::Outstanding outstanding_;
  WorkerPool pool_;  // last, so that it ends first
};

}  // namespace rhizome::ruler
