// How many documents a second go from being accepted through two stages that do nothing, with a book of tasks, beside
// what the queue alone takes in:
//   workers_bench [--documents N] [--json]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "base/scratch_testing.h"
#include "queue/embedded.h"
#include "workers/intake.h"
#include "workers/worker.h"

namespace {

using namespace rhizome;
using namespace rhizome::workers;

double Seconds(int64_t from_ns) { return static_cast<double>(SystemClock().MonotonicNs() - from_ns) / 1e9; }

std::vector<Submission> Batch(size_t from, size_t count) {
  std::vector<Submission> batch;
  for (size_t n = from; n < from + count; ++n) {
    batch.push_back(
        {"document-" + std::to_string(n), "tenant:memory" + std::to_string(n % 16), {n + 1, 1}, std::string(300, 'x')});
  }
  return batch;
}

double QueueAlone(const std::string& path, size_t documents) {
  const auto queue = queue::EmbeddedQueue::Open(io::RealDisk(), path).value();
  PipelineSettings settings;
  CHECK(EnsureTopics(*queue, settings).ok());
  const int64_t started_ns = SystemClock().MonotonicNs();
  for (size_t n = 0; n < documents; n += 500) {
    std::vector<queue::Outgoing> messages;
    for (const Submission& each : Batch(n, 500)) {
      messages.push_back({StageTopic(settings, kRaw), each.key, each.payload, {{"task", each.task}}});
    }
    CHECK(queue->Publish(messages).ok());
  }
  return static_cast<double>(documents) / Seconds(started_ns);
}

double Pipeline(const std::string& folder, size_t documents) {
  const auto queue = queue::EmbeddedQueue::Open(io::RealDisk(), folder + "/queue").value();
  PipelineSettings settings;
  CHECK(EnsureTopics(*queue, settings).ok());
  const auto book = TaskBook::Open(*queue, settings, folder + "/tasks").value();
  book->Start();
  std::vector<std::unique_ptr<Worker>> workers;
  for (const std::string_view stage : {kRaw, kEmbed}) {
    workers.push_back(Worker::Create(*queue, settings, {.stage = std::string(stage), .batch_max = 512},
                                     [stage](std::span<const Job> jobs) {
                                       std::vector<Outcome> outcomes(jobs.size());
                                       for (size_t i = 0; i < jobs.size() && stage == kRaw; ++i) {
                                         outcomes[i].next = {{std::string(kEmbed), jobs[i].payload}};
                                       }
                                       return outcomes;
                                     })
                          .value());
    workers.back()->Start();
  }
  const int64_t started_ns = SystemClock().MonotonicNs();
  for (size_t n = 0; n < documents; n += 500) {
    const auto batch = Batch(n, 500);
    Status accepted;
    while ((accepted = Accept(*queue, settings, batch, book.get())).code() == Code::kResourceExhausted) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    CHECK(accepted.ok());
  }
  while (workers.back()->counts().done < documents) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  const double rate = static_cast<double>(documents) / Seconds(started_ns);
  for (const auto& worker : workers) worker->Stop();
  return rate;
}

}  // namespace

int main(int argc, char** argv) {
  size_t documents = 100'000;
  bool json = false;
  for (int i = 1; i < argc; ++i) {
    json |= std::strcmp(argv[i], "--json") == 0;
    if (std::strcmp(argv[i], "--documents") == 0 && i + 1 < argc) documents = std::strtoull(argv[i + 1], nullptr, 10);
  }
  documents = (documents + 499) / 500 * 500;
  const ScratchFolder folder;
  const double alone = QueueAlone(folder.File("alone"), documents);
  const double through = Pipeline(folder.path(), documents);
  const char* form = json ? "{\"queue_documents_per_s\":%.0f,\"documents_per_s\":%.0f,\"of_queue\":%.3f}\n"
                          : "queue alone %.0f documents/s; accepted and through two stages %.0f/s, %.2f of it\n";
  std::printf(form, alone, through, through / alone);
  return 0;
}
