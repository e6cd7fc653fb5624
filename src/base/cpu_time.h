// Processor time, for benchmarks: others share the machine, so what the clock on the wall says is noise. Seconds; any
// thread.
#pragma once

#include <time.h>

#include <cstddef>
#include <functional>

namespace rhizome {

inline double CpuSecondsOf(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}
inline double ThreadCpuSeconds() { return CpuSecondsOf(CLOCK_THREAD_CPUTIME_ID); }
inline double ProcessCpuSeconds() { return CpuSecondsOf(CLOCK_PROCESS_CPUTIME_ID); }

// Million items per second of this thread, when `once` does `items` of them; repeated for `seconds`, and once before.
inline double MillionsPerCpuSecond(double seconds, size_t items, const std::function<void()>& once) {
  once();
  size_t rounds = 0;
  const double before = ThreadCpuSeconds();
  double spent = 0;
  while (spent < seconds) {
    for (int i = 0; i < 8; ++i) once();
    rounds += 8;
    spent = ThreadCpuSeconds() - before;
  }
  return static_cast<double>(rounds * items) / spent / 1e6;
}

}  // namespace rhizome
