#include "resources.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "base/cpu_time.h"

namespace rhizome::app {
namespace {

// The first number of a file; 0 when there is none ("max").
double NumberIn(const char* path, int index = 0) {
  std::ifstream file(path);
  double number = 0;
  for (int i = 0; i <= index; ++i) {
    if (!(file >> number)) return 0;
  }
  return number;
}

// What may be used: of the machine, or of the group of processes it is confined to.
double MemoryBytes() {
  const auto machine = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  const double group = NumberIn("/sys/fs/cgroup/memory.max");
  return group > 0 ? std::min(group, machine) : machine;
}

double OpenFiles() {
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  return error ? 0 : static_cast<double>(std::distance(begin(files), end(files)));
}

}  // namespace

Resources::Resources(std::string data_dir, MetricRegistry& metrics)
    : data_dir_(std::move(data_dir)),
      cpu_seconds_(metrics.GetCounter("process_cpu_seconds_total", "Processor time of this process.")),
      cpus_(metrics.GetGauge("rhizome_cpus", "Processors that this process may use.")),
      resident_bytes_(metrics.GetGauge("process_resident_memory_bytes", "Memory this process holds.")),
      memory_bytes_(metrics.GetGauge("rhizome_memory_bytes", "Memory that there is for it.")),
      open_files_(metrics.GetGauge("process_open_fds", "Files and connections this process has open.")),
      open_files_max_(metrics.GetGauge("process_max_fds", "How many it may have open.")),
      disk_bytes_(metrics.GetGauge("rhizome_disk_bytes", "Size of the disk that the data folder is on.")),
      disk_free_bytes_(metrics.GetGauge("rhizome_disk_free_bytes", "What is free of it.")) {}

void Resources::Refresh() {
  MutexLock lock(mutex_);
  const double spent = ProcessCpuSeconds();
  cpu_seconds_.Add(std::max(0.0, spent - cpu_seconds_told_));
  cpu_seconds_told_ = spent;
  cpus_.Set(std::max(1U, std::thread::hardware_concurrency()));
  resident_bytes_.Set(NumberIn("/proc/self/statm", 1) * static_cast<double>(sysconf(_SC_PAGESIZE)));
  memory_bytes_.Set(MemoryBytes());
  open_files_.Set(OpenFiles());
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) open_files_max_.Set(static_cast<double>(files.rlim_cur));
  if (data_dir_.empty()) return;
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(data_dir_, error);
  if (error) return;
  disk_bytes_.Set(static_cast<double>(space.capacity));
  disk_free_bytes_.Set(static_cast<double>(space.available));
}

}  // namespace rhizome::app
