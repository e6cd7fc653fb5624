// Resources: what the process uses of the machine, as gauges of a registry: processor, memory, open files, disk.
//
// Thread-safe. The registry outlives it.
#pragma once

#include <string>

#include "base/metrics.h"
#include "base/mutex.h"

namespace rhizome::app {

class Resources {
 public:
  // `data_dir` names the disk; "" for none.
  Resources(std::string data_dir, MetricRegistry& metrics);
  // Brings the gauges up to date. What cannot be read stays as it was.
  void Refresh() EXCLUDES(mutex_);

 private:
  const std::string data_dir_;
  Mutex mutex_;
  double cpu_seconds_told_ GUARDED_BY(mutex_) = 0;
  Counter cpu_seconds_;
  Gauge cpus_, resident_bytes_, memory_bytes_, open_files_, open_files_max_, disk_bytes_, disk_free_bytes_;
};

}  // namespace rhizome::app
