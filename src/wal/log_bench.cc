// Appends per second by number of writers, on a real file system. One line per row; --json prints one object.
//   log_bench [DIRECTORY] [--json]
// The yardstick is the device: "sync only" is the same bytes, one write and one fdatasync each, without the log, in
// the same run, rounds interleaved, so that the ratio says what group commit gains.
#include <fmt/format.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "base/clock.h"
#include "wal/log.h"

namespace rhizome::wal {
namespace {

constexpr size_t kPayloadBytes = 1024;
constexpr int64_t kRoundNs = 300'000'000;
constexpr int kRounds = 3;

struct Row {
  int writers;
  uint64_t appends = 0;
  uint64_t groups = 0;
  int64_t elapsed_ns = 0;
  double PerSecond() const {
    return elapsed_ns == 0 ? 0 : static_cast<double>(appends) * 1e9 / static_cast<double>(elapsed_ns);
  }
};

void RunWriters(Log& log, Row& row) {
  const std::string payload(kPayloadBytes, 'x');
  const uint64_t groups_before = log.stats().groups;
  const int64_t begin_ns = SystemClock().MonotonicNs();
  std::atomic<uint64_t> appends = 0;
  std::vector<std::thread> threads;
  for (int w = 0; w < row.writers; ++w) {
    threads.emplace_back([&, w] {
      while (SystemClock().MonotonicNs() - begin_ns < kRoundNs) {
        CHECK(log.Append(static_cast<uint32_t>(w), payload).ok());
        ++appends;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  row.elapsed_ns += SystemClock().MonotonicNs() - begin_ns;
  row.appends += appends;
  row.groups += log.stats().groups - groups_before;
}

void RunSyncOnly(io::File& file, Row& row) {
  const std::string payload(kPayloadBytes + 56, 'x');
  const int64_t begin_ns = SystemClock().MonotonicNs();
  while (SystemClock().MonotonicNs() - begin_ns < kRoundNs) {
    CHECK(file.Append(payload).ok() && file.Sync().ok());
    ++row.appends;
  }
  row.groups = row.appends;
  row.elapsed_ns += SystemClock().MonotonicNs() - begin_ns;
}

int Run(const std::string& directory, bool json) {
  io::Disk& disk = io::RealDisk();
  const std::string path = directory + "/rhizome_log_bench";
  CHECK(io::RemoveTree(disk, path).ok() && io::CreateDirectories(disk, path).ok());
  auto log = Log::Open(disk, path + "/log").value();
  auto file = disk.Open(path + "/sync_only", io::OpenMode::kCreate).value();
  CHECK(file->Preallocate(64 << 20).ok());
  Row sync_only{.writers = 1};
  std::vector<Row> rows = {{.writers = 1}, {.writers = 8}, {.writers = 64}};
  for (int round = 0; round < kRounds; ++round) {
    RunSyncOnly(*file, sync_only);
    for (Row& row : rows) RunWriters(*log, row);
    CHECK(log->TruncateBefore(log->durable_lsn()).ok());
  }
  if (json) {
    fmt::print("{{\"sync_only_per_s\":{:.0f}", sync_only.PerSecond());
    for (const Row& row : rows) fmt::print(",\"appends_per_s_{}\":{:.0f}", row.writers, row.PerSecond());
    for (const Row& row : rows)
      fmt::print(",\"ratio_{}\":{:.2f}", row.writers, row.PerSecond() / sync_only.PerSecond());
    fmt::print("}}\n");
  } else {
    fmt::print("log, {} byte records, group commit ({})\n", kPayloadBytes, directory);
    fmt::print("{:>10} {:>12} {:>10} {:>14} {:>12}\n", "writers", "appends/s", "MB/s", "records/sync", "x sync only");
    for (const Row& row : rows) {
      fmt::print("{:>10} {:>12.0f} {:>10.1f} {:>14.1f} {:>12.2f}\n", row.writers, row.PerSecond(),
                 row.PerSecond() * kPayloadBytes / 1e6,
                 static_cast<double>(row.appends) / static_cast<double>(std::max<uint64_t>(row.groups, 1)),
                 row.PerSecond() / sync_only.PerSecond());
    }
    fmt::print("{:>10} {:>12.0f} {:>10.1f} {:>14.1f} {:>12.2f}\n", "sync only", sync_only.PerSecond(),
               sync_only.PerSecond() * kPayloadBytes / 1e6, 1.0, 1.0);
  }
  log.reset();
  file.reset();
  CHECK(io::RemoveTree(disk, path).ok());
  return 0;
}

}  // namespace
}  // namespace rhizome::wal

int main(int argc, char** argv) {
  std::string directory = ".";
  bool json = false;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) {
      json = true;
    } else {
      directory = argv[i];
    }
  }
  return rhizome::wal::Run(directory, json);
}
