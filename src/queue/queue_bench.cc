// How many small messages a second an embedded queue takes in and gives out, durably, beside the bare log it stands on:
//   queue_bench [--messages N] [--batch N] [--bytes N]
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/scratch_testing.h"
#include "queue/embedded.h"
#include "wal/log.h"

namespace {

using namespace rhizome;
using namespace rhizome::queue;

double Seconds(int64_t from_ns) { return static_cast<double>(SystemClock().MonotonicNs() - from_ns) / 1e9; }

struct Sizes {
  size_t messages = 500'000, batch = 1000, bytes = 200;
};

double BareLog(const std::string& path, const Sizes& sizes) {
  const auto log = wal::Log::Open(io::RealDisk(), path).value();
  const std::string payload(sizes.bytes * sizes.batch, 'x');
  const int64_t started_ns = SystemClock().MonotonicNs();
  for (size_t n = 0; n < sizes.messages; n += sizes.batch) CHECK(log->Append(0, payload).ok());
  return static_cast<double>(sizes.messages) / Seconds(started_ns);
}

struct Rates {
  double published = 0, consumed = 0;
};

Rates QueueRates(const std::string& path, const Sizes& sizes) {
  const auto queue = EmbeddedQueue::Open(io::RealDisk(), path).value();
  const std::string topic = "bench";
  CHECK(queue->EnsureTopic(topic, {.backlog_messages_max = UINT64_MAX, .backlog_bytes_max = UINT64_MAX}).ok());
  CHECK(queue->DeclareGroup("g", {&topic, 1}).ok());
  std::vector<Outgoing> batch;
  for (size_t n = 0; n < sizes.batch; ++n) {
    batch.push_back(
        {topic, "tenant:" + std::to_string(n % 64), std::string(sizes.bytes, 'x'), {{"task", "0123456789"}}});
  }
  Rates rates;
  int64_t started_ns = SystemClock().MonotonicNs();
  for (size_t n = 0; n < sizes.messages; n += sizes.batch) CHECK(queue->Publish(batch).ok());
  rates.published = static_cast<double>(sizes.messages) / Seconds(started_ns);
  const auto reader = queue->Subscribe("g", {&topic, 1}).value();
  started_ns = SystemClock().MonotonicNs();
  size_t read = 0;
  while (read < sizes.messages) {
    const auto got = reader->Poll({.messages_max = static_cast<uint32_t>(sizes.batch)}).value();
    CHECK(!got.empty() && reader->Commit(PositionsAfter(got)).ok());
    read += got.size();
  }
  rates.consumed = static_cast<double>(read) / Seconds(started_ns);
  return rates;
}

}  // namespace

int main(int argc, char** argv) {
  Sizes sizes;
  bool json = false;
  for (int i = 1; i < argc; ++i) {
    json |= std::strcmp(argv[i], "--json") == 0;
    if (i + 1 == argc) break;
    for (const auto& [name, into] : {std::pair{"--messages", &sizes.messages}, std::pair{"--batch", &sizes.batch},
                                     std::pair{"--bytes", &sizes.bytes}}) {
      if (std::strcmp(argv[i], name) == 0) *into = std::strtoull(argv[i + 1], nullptr, 10);
    }
  }
  if (sizes.batch == 0 || sizes.messages < sizes.batch) return 2;
  const ScratchFolder folder;
  const double bare = BareLog(folder.File("log"), sizes);
  const Rates rates = QueueRates(folder.File("queue"), sizes);
  const char* form = json ? "{\"published_per_s\":%.0f,\"consumed_per_s\":%.0f,\"published_of_bare_log\":%.3f}\n"
                          : "published %.0f/s, read and committed %.0f/s; publishing is %.2f of the bare log\n";
  std::printf(form, rates.published, rates.consumed, rates.published / bare);
  return 0;
}
