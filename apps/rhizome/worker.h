// `rhizome worker`: a worker of the pipeline as a process of its own. It stands on the queue that the server stands on,
// which is Kafka then, and asks that server for what it reads; what it finds goes back through the queue.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace rhizome::app {

struct WorkerArguments {
  std::string type;
  std::string queue;
  std::string queue_prefix;
  std::string server = "http://127.0.0.1:8000";
  std::string api_key;
  unsigned threads = 1;
  unsigned retries_max = 3;
  uint64_t retry_base_ms = 60'000;
  std::string log_level = "info";
};

// The command with its options; `arguments` outlives the parsing.
void AddWorker(CLI::App& app, WorkerArguments& arguments);
// Works until SIGINT or SIGTERM, which let it finish what it has in hand. 0; 1: it could not begin.
int RunWorker(const WorkerArguments& arguments);

}  // namespace rhizome::app
