// How little the calling thread asks of the processor from now on, beside whoever else wants it. The threads that it
// starts inherit it; it cannot be taken back. Both are allowed to every user, and where they fail it stays a thread
// like the others.
#pragma once

#include <sched.h>
#include <sys/resource.h>

namespace rhizome {

// A ninth of an ordinary thread's share, should all want to run: for what somebody waits for, but can wait longer.
inline void LetOthersFirst() {
  constexpr int kNice = 10;
  (void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + kNice);  // Linux: of this thread only
}

// Next to nothing while another wants to run, and it gives way the moment one does, not at the end of its turn: for
// what nobody waits for, and under no lock that others want.
inline void TakeIdleTimeOnly() {
  const sched_param parameters{};
  (void)sched_setscheduler(0, SCHED_IDLE, &parameters);  // Linux: of this thread only
}

}  // namespace rhizome
