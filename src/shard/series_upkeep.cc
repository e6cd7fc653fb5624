#include "shard/series_upkeep.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

namespace rhizome::shard {
namespace {

constexpr auto kIdle = std::chrono::seconds(1);
constexpr auto kPauseAfterFailure = std::chrono::seconds(10);

}  // namespace

SeriesUpkeep::SeriesUpkeep(Round round, std::function<bool()> may_write)
    : round_(std::move(round)), may_write_(std::move(may_write)), thread_([this] { Run(); }) {}

SeriesUpkeep::~SeriesUpkeep() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  thread_.join();
}

void SeriesUpkeep::Run() {
  for (;;) {
    std::chrono::milliseconds pause = kIdle;
    if (may_write_()) {
      const Result<bool> worked = round_();
      if (!worked.ok()) {
        spdlog::error("looking after the metrics failed: {}", worked.status().ToString());
        pause = kPauseAfterFailure;
      } else if (*worked) {
        pause = std::chrono::milliseconds(0);
      }
    }
    MutexLock lock(mutex_);
    if (!stopping_ && pause.count() > 0) (void)wake_.WaitFor(mutex_, pause);
    if (stopping_) return;
  }
}

}  // namespace rhizome::shard
