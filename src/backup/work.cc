#include "backup/work.h"

#include <chrono>
#include <thread>

namespace rhizome::backup {

void Pace::Pass(uint64_t bytes) {
  bytes_ += bytes;
  if (work_.bytes_per_second_max == 0) return;
  const auto due_ms = static_cast<int64_t>(bytes_ * 1'000 / work_.bytes_per_second_max);
  const int64_t wait_ms = due_ms - (work_.clock.MonotonicNs() - start_ns_) / 1'000'000;
  if (wait_ms <= 0) return;
  if (work_.sleep) return work_.sleep(wait_ms);
  std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms));
}

}  // namespace rhizome::backup
