// A small pipeline whose every effect is counted: documents go through two stages, some of them fail, and what was done
// stands in a log of its own. Its tests kill it and look whether each effect was made once.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/version.h"
#include "io/disk.h"
#include "queue/embedded.h"
#include "wal/log.h"
#include "workers/retry_mover.h"
#include "workers/settings.h"
#include "workers/worker.h"

namespace rhizome::pipeline_model {

// Effects by the job that made them, durable when Make returns.
class Effects {
 public:
  Status Open(io::Disk& disk, const std::string& path, bool background);
  // Leaves out a job whose effect of this version, or a newer one, is there: that is what makes it idempotent.
  Status Make(const std::vector<workers::Job>& jobs) EXCLUDES(mutex_);
  // How often the effect stands in the log, and with which version last.
  struct Made {
    uint64_t times = 0;
    Version version;
  };
  std::map<std::string, Made> all() EXCLUDES(mutex_);

 private:
  std::unique_ptr<wal::Log> log_;
  Mutex mutex_;
  std::map<std::string, Made> made_ GUARDED_BY(mutex_);
};

// What is to become of a document, told by its id alone.
enum class Fate { kDone, kDoneAfterRetry, kDeadAtOnce, kDeadAfterRetries };
Fate FateOf(const std::string& task);
inline bool EndsDead(Fate fate) { return fate == Fate::kDeadAtOnce || fate == Fate::kDeadAfterRetries; }

// Ends the process that works on it, each time.
inline constexpr std::string_view kPoison = "poison";

workers::PipelineSettings Settings();
// The jobs a document that is done consists of; one that ends dead makes only the first one's effect.
std::vector<std::string> JobsOf();

// Queue, effects and workers over one folder.
struct Pipeline {
  std::unique_ptr<queue::EmbeddedQueue> queue;
  Effects effects;
  std::vector<std::unique_ptr<workers::Worker>> workers;
  std::unique_ptr<workers::RetryMover> mover;

  Status Open(io::Disk& disk, const std::string& folder, Clock& clock, bool threads);
  void Start();
  void Stop();
  // One step of each; how many jobs were moved.
  Result<size_t> Step();
  // What waits in stages and for repetition.
  Result<uint64_t> Waiting();
};

}  // namespace rhizome::pipeline_model
