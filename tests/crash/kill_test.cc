// The real program, killed at random moments while documents and points come in. Every acknowledged change must be
// there after the restart, nothing twice, and searches must agree with a full scan.
//
// RHIZOME_KILLS says how often (./dev kill [N]); RHIZOME_SEED repeats a run's choices, not its timing.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>

#include "base/scratch_testing.h"
#include "ingest_model.h"
#include "server_process.h"

namespace rhizome::crash {
namespace {

constexpr uint64_t kKillsInEveryRun = 8;
constexpr uint32_t kWriters = 4;
constexpr int64_t kRestartMsMax = 10'000;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

class Kill : public testing::Test {
 protected:
  // A mebibyte of log between checkpoints, so that many kills hit one.
  Kill()
      : random_(FromEnvironment("RHIZOME_SEED", 1)), server_(folder_.path() + "/data", {"--checkpoint-log-mib", "1"}) {
    for (uint32_t n = 0; n < kWriters; ++n) writers_.emplace_back(n + 1, random_());
  }

  // Starts the server, sometimes killing it once more while it recovers.
  void Restart() {
    if (random_() % 4 == 0) {
      server_.Spawn();
      std::this_thread::sleep_for(std::chrono::milliseconds(random_() % 60));
      server_.Kill();
      ++recovery_kills_;
    }
    const int64_t took_ms = server_.Start();
    ASSERT_GE(took_ms, 0) << server_.Log();
    restart_ms_max_ = std::max(restart_ms_max_, took_ms);
  }

  void WriteUntilKilled(uint64_t life_ms) {
    std::vector<std::thread> threads;
    for (Writer& writer : writers_) {
      threads.emplace_back(
          [this, &writer] { EXPECT_TRUE(writer.Run(server_.port(), UINT64_MAX)) << writer.refusal(); });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(life_ms));
    server_.Kill();
    for (std::thread& thread : threads) thread.join();
  }

  void Check() {
    const VerifyCounts counts = Verify(server_.port(), writers_, random_());
    lost_ += counts.lost;
    twice_ += counts.twice;
    wrong_ += counts.wrong;
    ASSERT_EQ(counts.first, "") << "lost " << counts.lost << ", twice " << counts.twice << ", wrong " << counts.wrong
                                << "\n"
                                << server_.Log();
  }

  // Whether kills have met a database with snapshots and not only a log.
  bool HasCheckpoints() const {
    const std::string shards = server_.Call("GET", "/shards").body;
    return shards.find("checkpoint_lsn") != std::string::npos &&
           shards.find("\"checkpoint_lsn\":0}") == std::string::npos;
  }

  uint64_t Acknowledged() const {
    uint64_t total = 0;
    for (const Writer& writer : writers_) total += writer.acknowledged();
    return total;
  }

  ScratchFolder folder_;
  std::mt19937_64 random_;
  std::vector<Writer> writers_;
  ServerProcess server_;
  uint64_t recovery_kills_ = 0, lost_ = 0, twice_ = 0, wrong_ = 0;
  int64_t restart_ms_max_ = 0;
};

TEST_F(Kill, AcknowledgedChangesOutliveKillsAndNothingIsThereTwice) {
  ASSERT_NO_FATAL_FAILURE(Restart());
  ASSERT_TRUE(CreateCollections(server_.port())) << server_.Log();
  const uint64_t kills = FromEnvironment("RHIZOME_KILLS", kKillsInEveryRun);
  // A slow build writes so little in a short life that no checkpoint falls due: then it gets longer ones.
  for (uint64_t n = 1; (n <= kills || (n <= 3 * kills && !HasCheckpoints())) && !HasFailure(); ++n) {
    WriteUntilKilled(n <= kills ? 20 + random_() % 600 : 3'000);
    ASSERT_NO_FATAL_FAILURE(Restart());
    Check();
    if (n % 10 == 0 || n == kills || HasFailure()) {
      std::printf(
          "kills %lu, acknowledged %lu, lost %lu, twice %lu (searches wrong %lu, killed while recovering %lu, "
          "slowest restart %ld ms)\n",
          n, Acknowledged(), lost_, twice_, wrong_, recovery_kills_, restart_ms_max_);
      std::fflush(stdout);
    }
  }
  EXPECT_TRUE(HasCheckpoints()) << server_.Call("GET", "/shards").body;
  EXPECT_LT(restart_ms_max_, kRestartMsMax);
  EXPECT_EQ(server_.Stop(), 0) << server_.Log();
  ASSERT_NO_FATAL_FAILURE(Restart());
  Check();
}

}  // namespace
}  // namespace rhizome::crash
