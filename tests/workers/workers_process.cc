// What workers_kill_test.cc kills: takes documents in as fast as they are acknowledged and works on them, until it
// dies.
//   workers_process FOLDER LIFE     says "ID VERSION\n" for each document that was acknowledged
//   workers_process FOLDER drain    takes nothing in, and ends with 0 when nothing waits any more
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "workers/intake.h"
#include "workers/task_book.h"
#include "workers_model.h"

int main(int argc, char** argv) {
  using namespace rhizome;
  if (argc != 3) return 2;
  const std::string folder = argv[1], life = argv[2];
  pipeline_model::Pipeline pipeline;
  if (const Status opened = pipeline.Open(io::RealDisk(), folder, SystemClock(), true); !opened.ok()) {
    std::fprintf(stderr, "%s\n", opened.ToString().c_str());
    return 1;
  }
  workers::TaskBookOptions options;
  options.flush_every_ms = 50;
  auto book = workers::TaskBook::Open(*pipeline.queue, pipeline_model::Settings(), folder + "/tasks", options);
  if (!book.ok()) {
    std::fprintf(stderr, "%s\n", book.status().ToString().c_str());
    return 1;
  }
  (*book)->Start();
  pipeline.Start();
  if (life == "drain") {
    while (pipeline.Waiting().value() > 0) usleep(10'000);
    pipeline.Stop();
    (*book)->Stop();
    return 0;
  }
  HybridClock versions(SystemClock(), static_cast<uint32_t>(std::atoi(life.c_str())));
  for (uint64_t n = 0; n < 20'000;) {
    std::vector<workers::Submission> batch;
    std::string lines;
    for (int i = 0; i < 5; ++i, ++n) {
      const Version version = versions.Next();
      batch.push_back({life + "-" + std::to_string(n), "t:m" + std::to_string(n % 5), version, "text"});
      lines += batch.back().task + " " + std::to_string(version.time) + "\n";
    }
    Status accepted;
    do {  // a full backlog is waited for
      accepted = workers::Accept(*pipeline.queue, pipeline_model::Settings(), batch, book->get());
      if (accepted.code() == Code::kResourceExhausted) usleep(1000);
    } while (accepted.code() == Code::kResourceExhausted);
    if (!accepted.ok()) return 1;
    if (write(STDOUT_FILENO, lines.data(), lines.size()) != static_cast<ssize_t>(lines.size())) return 1;
  }
  pause();
}
