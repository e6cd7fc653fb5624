// The pipeline as a process, killed at random moments while it takes documents in. In the end every one that was ever
// acknowledged is done or dead-lettered as its fate will have it, and each effect was made once.
//
// RHIZOME_KILLS says how often (./dev kill-workers [N]).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "base/await_testing.h"
#include "base/scratch_testing.h"
#include "workers/dead_letters.h"
#include "workers/intake.h"
#include "workers/task_book.h"
#include "workers_model.h"

namespace rhizome::pipeline_model {
namespace {

using workers::TaskBook;
using workers::TaskState;

using Acknowledged = std::map<std::string, uint64_t>;  // document to version

// Runs the process for so long, kills it, and takes what it said it had acknowledged.
void RunAndKill(const std::string& folder, int life, int64_t life_ms, Acknowledged& acknowledged) {
  int pipes[2];
  ASSERT_EQ(pipe2(pipes, O_CLOEXEC), 0);
  const std::string number = std::to_string(life);
  const pid_t pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(pipes[1], STDOUT_FILENO);
    execl(WORKERS_PROCESS, "workers_process", folder.c_str(), number.c_str(), nullptr);
    _exit(127);
  }
  close(pipes[1]);
  std::string said;
  std::thread reader([&] {
    char buffer[4096];
    for (ssize_t got = 0; (got = read(pipes[0], buffer, sizeof(buffer))) > 0;)
      said.append(buffer, static_cast<size_t>(got));
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(life_ms));
  kill(pid, SIGKILL);
  int state = 0;
  waitpid(pid, &state, 0);
  reader.join();
  close(pipes[0]);
  EXPECT_TRUE(WIFSIGNALED(state)) << "it ended by itself: " << WEXITSTATUS(state);
  said.resize(said.rfind('\n') == std::string::npos ? 0 : said.rfind('\n') + 1);
  std::istringstream lines(said);
  std::string task;
  uint64_t version = 0;
  while (lines >> task >> version) acknowledged[task] = version;
}

struct Findings {
  uint64_t lost = 0, twice = 0, wrong = 0;
  std::string first;
  void Note(uint64_t& kind, const std::string& what) {
    if (++kind > 0 && first.empty()) first = what;
  }
};

// Every effect that is to be there once is, with the version that was acknowledged; no other is.
void CheckEffects(Pipeline& pipeline, const Acknowledged& acknowledged, Findings& findings) {
  const auto effects = pipeline.effects.all();
  for (const auto& [task, version] : acknowledged) {
    for (const std::string& job : JobsOf()) {
      const bool wanted = job == "ingest.raw" || !EndsDead(FateOf(task));
      const auto made = effects.find(task + " " + job);
      const uint64_t times = made == effects.end() ? 0 : made->second.times;
      if (wanted && times == 0) findings.Note(findings.lost, task + " " + job);
      if (times > (wanted ? 1 : 0)) findings.Note(findings.twice, task + " " + job);
      if (wanted && times > 0 && made->second.version.time != version) findings.Note(findings.wrong, task + " version");
    }
  }
}

void CheckTasks(Pipeline& pipeline, TaskBook& book, const Acknowledged& acknowledged, Findings& findings) {
  std::set<std::string> dead;
  for (const auto& letter : workers::ListDeadLetters(*pipeline.queue, Settings(), SIZE_MAX).value()) {
    dead.insert(letter.job.task);
  }
  for (const auto& [task, version] : acknowledged) {
    const auto found = book.Get(task);
    const TaskState wanted = EndsDead(FateOf(task)) ? TaskState::kDeadLettered : TaskState::kDone;
    if (!found.ok())
      findings.Note(findings.lost, "the status of " + task);
    else if (found->state() != wanted)
      findings.Note(findings.wrong, task + " is " + std::string(TaskStateName(found->state())));
    if (dead.contains(task) != EndsDead(FateOf(task))) findings.Note(findings.wrong, "dead letter of " + task);
  }
}

TEST(PipelineKill, EveryAcceptedDocumentEndsAsItShouldAndEachEffectIsMadeOnce) {
  const char* text = std::getenv("RHIZOME_KILLS");
  const int kills = text == nullptr ? 25 : std::atoi(text);
  const ScratchFolder folder;
  std::mt19937_64 random(7);
  Acknowledged acknowledged;
  // A slow machine takes in so little in short lives that it gets some longer ones.
  for (int life = 1; (life <= kills || (acknowledged.size() < 50 && life <= kills + 10)) && !HasFailure(); ++life) {
    const int64_t life_ms = life <= kills ? 20 + static_cast<int64_t>(random() % 280) : 3'000;
    RunAndKill(folder.path(), life, life_ms, acknowledged);
  }
  ASSERT_GT(acknowledged.size(), 0u);
  Pipeline pipeline;
  ASSERT_TRUE(pipeline.Open(io::RealDisk(), folder.path(), SystemClock(), true).ok());
  const auto book = TaskBook::Open(*pipeline.queue, Settings(), folder.File("tasks")).value();
  pipeline.Start();
  EXPECT_TRUE(Await([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return pipeline.Waiting().value() == 0;
  }));
  pipeline.Stop();
  while (book->Step(0).value() > 0) {
  }
  Findings findings;
  CheckEffects(pipeline, acknowledged, findings);
  CheckTasks(pipeline, *book, acknowledged, findings);
  std::printf("kills %d, documents acknowledged %zu, lost %lu, twice %lu, wrong %lu\n", kills, acknowledged.size(),
              findings.lost, findings.twice, findings.wrong);
  EXPECT_EQ(findings.lost + findings.twice + findings.wrong, 0u) << findings.first;
}

TEST(PipelineKill, AJobThatEndsItsProcessesEndsAsADeadLetterAndItsNeighboursAreDone) {
  const ScratchFolder folder;
  Acknowledged acknowledged;
  {
    Pipeline pipeline;
    ASSERT_TRUE(pipeline.Open(io::RealDisk(), folder.path(), SystemClock(), true).ok());
    std::vector<workers::Submission> batch;
    for (uint64_t n = 0; n < 20; ++n) {
      acknowledged["n" + std::to_string(n)] = n + 1;
      batch.push_back({"n" + std::to_string(n), "one key", {n + 1, 1}, "text"});
      if (n == 7) batch.push_back({std::string(kPoison), "one key", {1, 1}, "text"});
    }
    ASSERT_TRUE(workers::Accept(*pipeline.queue, Settings(), batch, nullptr).ok());
  }
  uint32_t ended = 0;
  for (; ended <= Settings().deliveries_max + 1; ++ended) {
    const pid_t pid = fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      execl(WORKERS_PROCESS, "workers_process", folder.path().c_str(), "drain", nullptr);
      _exit(127);
    }
    int state = 0;
    ASSERT_EQ(waitpid(pid, &state, 0), pid);
    if (WIFEXITED(state) && WEXITSTATUS(state) == 0) break;
    ASSERT_TRUE(WIFSIGNALED(state)) << WEXITSTATUS(state);
  }
  EXPECT_EQ(ended, Settings().deliveries_max + 1);  // once among its neighbours, then alone
  Pipeline pipeline;
  ASSERT_TRUE(pipeline.Open(io::RealDisk(), folder.path(), SystemClock(), true).ok());
  const auto book = TaskBook::Open(*pipeline.queue, Settings(), folder.File("tasks")).value();
  while (book->Step(0).value() > 0) {
  }
  Findings findings;
  CheckEffects(pipeline, acknowledged, findings);
  CheckTasks(pipeline, *book, acknowledged, findings);
  EXPECT_EQ(findings.lost + findings.twice + findings.wrong, 0u) << findings.first;
  EXPECT_EQ(book->Get(std::string(kPoison))->state(), TaskState::kDeadLettered);
  EXPECT_NE(book->Get(std::string(kPoison))->reason().find("processes ended"), std::string::npos);
}

}  // namespace
}  // namespace rhizome::pipeline_model
