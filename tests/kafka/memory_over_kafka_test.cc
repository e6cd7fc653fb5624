// A server whose pipeline stands on Kafka and whose extraction is done by `rhizome worker` processes: killed in turn,
// server, worker and broker, while documents are written. Each one is learned once.
//
// RHIZOME_KILLS says how often (./dev kill-workers [N]).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "base/await_testing.h"
#include "base/scratch_testing.h"
#include "base/uuid.h"
#include "crash/memory_client.h"
#include "kafka_server.h"

namespace rhizome::queue {

extern KafkaServer* server;  // of the program (kafka_test.cc)

namespace {

using crash::ServerProcess;

// `rhizome worker`, which dies with the test.
class WorkerProcess {
 public:
  WorkerProcess(std::string queue, std::string prefix, std::string log)
      : queue_(std::move(queue)), prefix_(std::move(prefix)), log_(std::move(log)) {}
  ~WorkerProcess() { Kill(); }
  void Start(uint16_t port) {
    Kill();
    const std::string url = "http://127.0.0.1:" + std::to_string(port);
    pid_ = fork();
    CHECK(pid_ >= 0);
    if (pid_ > 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int log = open(log_.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execl(RHIZOME_PROGRAM, RHIZOME_PROGRAM, "worker", "--type", "extract", "--queue", queue_.c_str(), "--queue-prefix",
          prefix_.c_str(), "--server", url.c_str(), "--retry-base-ms", "50", nullptr);
    _exit(127);
  }
  void Kill() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  const std::string queue_, prefix_, log_;
  pid_t pid_ = 0;
};

bool Written(const ServerProcess& program, int document) {
  return Await(
      [&] { return program.Call("POST", "/documents", crash::DocumentBody(document, document)).status == 200; });
}

TEST(MemoryOverKafka, ServerWorkerAndBrokerAreKilledAndEachDocumentIsLearnedOnce) {
  const char* text = std::getenv("RHIZOME_KILLS");
  const int kills = text == nullptr ? 3 : std::atoi(text);
  const ScratchFolder folder;
  const std::string queue = "kafka://" + server->Address(), prefix = "m-" + Uuid::Random().ToString() + ".";
  ServerProcess program(folder.File("data"), {"--queue", queue, "--queue-prefix", prefix, "--extract-workers", "0",
                                              "--retry-base-ms", "50"});
  WorkerProcess worker(queue, prefix, folder.File("worker.log"));
  ASSERT_GE(program.Start(120'000), 0) << program.Log();
  const std::string made = R"({"name":"lives","dimension":0,"graph":true})";
  const auto create = [&] { return program.Call("POST", "/collections", made).status == 201; };
  ASSERT_TRUE(create() || Await(create)) << program.Log();
  worker.Start(program.port());
  int documents = 0;
  for (int n = 0; n < kills && !HasFailure(); ++n) {
    for (int i = 0; i < 5; ++i, ++documents) ASSERT_TRUE(Written(program, documents)) << program.Log();
    switch (n % 3) {
      case 0: worker.Start(program.port()); break;
      case 1:
        program.Kill();
        ASSERT_GE(program.Start(120'000), 0) << program.Log();
        worker.Start(program.port());
        break;
      default:
        server->Kill();
        server->Start();
        ASSERT_TRUE(server->AwaitReady());
    }
  }
  for (int i = 0; i < 5; ++i, ++documents) ASSERT_TRUE(Written(program, documents)) << program.Log();
  const auto learned = [&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    return crash::NothingWaits(program);
  };
  ASSERT_TRUE(Await(learned) || Await(learned) || Await(learned)) << program.Log();
  for (int document = 0; document < documents; ++document) {
    EXPECT_EQ(crash::TownsOf(program, document), std::vector<std::string>{crash::Lower(crash::Town(document))});
  }
  EXPECT_TRUE(crash::Get(program, "/dead-letters").at("dead_letters").as_array().empty());
  std::printf("kills of worker, server and broker %d, documents %d\n", kills, documents);
}

}  // namespace
}  // namespace rhizome::queue
