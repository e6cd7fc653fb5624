// The embedded queue through every crash and every failing call.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "io/crash_enumeration.h"
#include "queue/embedded.h"

namespace rhizome::queue {
namespace {

using io::SimDisk;
using io::SimFault;

const std::vector<std::string> kWork = {"work"};
const std::vector<std::string> kDead = {"dead"};
const std::string kPath = "/queue";

EmbeddedQueueOptions Small() {
  return {.segment_bytes = 4096, .cache_bytes = 4096, .chunk_bytes = 1024, .background_thread = false};
}

using Offsets = std::map<uint32_t, uint64_t>;  // by partition of "work"

// What a client was told, or asked for, at one moment.
struct Promises {
  int published = 0;  // values 0..published-1 were acknowledged
  Offsets committed;  // acknowledged
  Offsets asked;      // of the commit under way
};

std::string ValueOf(int n) { return std::to_string(n) + " " + std::string(static_cast<size_t>(n % 3) * 90, 'v'); }
// Every tenth waits in a topic that nobody empties.
std::string TopicOf(int n) { return n % 10 == 0 ? "dead" : "work"; }

// The life of a client that publishes and one that reads and commits. Ends at the first failure.
class Life {
 public:
  explicit Life(SimDisk& disk) : disk_(disk) {}

  void Run(int until) {
    for (const int stop : {until / 2, until}) {
      auto queue = EmbeddedQueue::Open(disk_, kPath, Small());
      if (!queue.ok() || !Prepare(**queue)) return;
      const auto reader = (*queue)->Subscribe("g", kWork);
      if (!reader.ok()) return;
      while (now_.published < stop) {
        if (!Publish(**queue) || !ReadAndCommit(**reader)) return;
        carried_ = std::max(carried_, (*queue)->stats().carried_runs);
      }
    }
  }
  const Promises& at(uint64_t mark) const { return promises_[mark]; }
  const Promises& now() const { return now_; }
  uint64_t carried() const { return carried_; }

 private:
  static bool Prepare(EmbeddedQueue& queue) {
    return queue.EnsureTopic("work", {.partitions = 2}).ok() && queue.EnsureTopic("dead", {.partitions = 1}).ok() &&
           queue.DeclareGroup("g", kWork).ok() && queue.DeclareGroup("d", kDead).ok();
  }
  void Mark() {
    promises_.push_back(now_);
    disk_.Mark(promises_.size() - 1);
  }
  bool Publish(EmbeddedQueue& queue) {
    std::vector<Outgoing> batch;
    const int first = now_.published;
    for (int n = first; n < first + 1 + first % 4; ++n)
      batch.push_back({TopicOf(n), std::to_string(n), ValueOf(n), {}});
    if (!queue.Publish(batch).ok()) return false;
    now_.published += static_cast<int>(batch.size());
    Mark();
    return true;
  }
  bool ReadAndCommit(Consumer& reader) {
    const auto got = reader.Poll({.messages_max = 3});
    if (!got.ok()) return false;
    const std::vector<Position> positions = PositionsAfter(*got);
    for (const Position& position : positions) now_.asked[position.partition] = position.offset;
    Mark();
    if (!reader.Commit(positions).ok()) return false;
    now_.committed = now_.asked;
    Mark();
    return true;
  }

  SimDisk& disk_;
  Promises now_;
  uint64_t carried_ = 0;
  std::vector<Promises> promises_{Promises{}};
};

// Everything a group may still read, value by value.
testing::AssertionResult ReadEverything(EmbeddedQueue& queue, const std::string& group, const std::string& topic,
                                        std::multiset<std::string>& values) {
  const auto reader = queue.Subscribe(group, {&topic, 1});
  if (!reader.ok()) return testing::AssertionFailure() << reader.status().ToString();
  while (true) {
    const auto got = (*reader)->Poll({});
    if (!got.ok()) return testing::AssertionFailure() << got.status().ToString();
    if (got->empty()) return testing::AssertionSuccess();
    for (const Message& message : *got) values.insert(message.value);
  }
}

// The commit a restart finds is one that was asked for, and none that was acknowledged is missing.
testing::AssertionResult CheckCommits(EmbeddedQueue& queue, const Promises& promises, uint64_t& passed) {
  const auto lags = queue.Lags("g");
  if (!lags.ok()) return testing::AssertionFailure() << lags.status().ToString();
  for (const Lag& lag : *lags) {
    passed += lag.committed;
    const auto committed = promises.committed.find(lag.partition), asked = promises.asked.find(lag.partition);
    if (lag.committed < (committed == promises.committed.end() ? 0 : committed->second)) {
      return testing::AssertionFailure() << "a commit was lost";
    }
    if (lag.committed > (asked == promises.asked.end() ? 0 : asked->second)) {
      return testing::AssertionFailure() << "offset " << lag.committed << " passes what was never committed";
    }
  }
  return testing::AssertionSuccess();
}

testing::AssertionResult Recovers(SimDisk& disk, const Promises& promises) {
  auto opened = EmbeddedQueue::Open(disk, kPath, Small());
  if (!opened.ok()) return testing::AssertionFailure() << opened.status().ToString();
  EmbeddedQueue& queue = **opened;
  if (!queue.Health().ok()) return testing::AssertionFailure() << queue.Health().ToString();
  if (!queue.EnsureTopic("work", {.partitions = 2}).ok() || !queue.EnsureTopic("dead", {.partitions = 1}).ok() ||
      !queue.DeclareGroup("g", kWork).ok()) {
    return testing::AssertionFailure() << "cannot be used";
  }
  uint64_t passed = 0;
  if (auto commits = CheckCommits(queue, promises, passed); !commits) return commits;
  std::multiset<std::string> values;
  for (const auto& [group, topic] : {std::pair{"g", "work"}, std::pair{"d", "dead"}}) {
    if (auto read = ReadEverything(queue, group, topic, values); !read) return read;
  }
  // Each acknowledged message is there or behind the commit; a batch under way may be there in part.
  uint64_t missing = 0;
  for (int n = 0; n < promises.published; ++n) {
    const size_t count = values.count(ValueOf(n));
    if (count > 1) return testing::AssertionFailure() << n << " came " << count << " times";
    missing += 1 - count;
    if (count == 0 && TopicOf(n) == "dead") return testing::AssertionFailure() << n << " was lost";
  }
  if (missing > passed) return testing::AssertionFailure() << missing << " missing, " << passed << " committed";
  if (values.size() + passed > static_cast<uint64_t>(promises.published) + 4) {
    return testing::AssertionFailure() << "messages nobody sent";
  }
  const Status next = queue.Publish({"work", "k", "afterwards", {}});
  return next.ok() ? testing::AssertionSuccess() : testing::AssertionFailure() << next.ToString();
}

TEST(EmbeddedQueueCrash, EveryCrashKeepsWhatWasAcknowledgedAndCommitsNothingMore) {
  SimDisk disk;
  disk.StartTrace();
  Life life(disk);
  life.Run(300);
  ASSERT_GE(life.now().published, 300);
  ASSERT_GT(life.carried(), 0u);
  uint64_t failures = 0;
  const auto counts = io::EnumerateCrashStates(
      disk.trace(), {.states_per_point_max = 8}, [&](SimDisk& crashed, const io::CrashPoint& point) {
        const auto recovered = Recovers(crashed, life.at(point.mark));
        if (!recovered && ++failures < 5) ADD_FAILURE() << "crash after " << point.after << ": " << recovered.message();
      });
  EXPECT_EQ(failures, 0u);
  EXPECT_GT(counts.states, 1000u);
  RecordProperty("crash_states", static_cast<int>(counts.states));
}

// The enumeration must be able to fail.
TEST(EmbeddedQueueCrash, TheEnumerationCatchesADiskWhoseSyncsDoNothing) {
  SimDisk disk({.sync_does_nothing = true});
  disk.StartTrace();
  Life life(disk);
  life.Run(20);
  uint64_t caught = 0;
  io::EnumerateCrashStates(
      disk.trace(), {.states_per_point_max = 8},
      [&](SimDisk& crashed, const io::CrashPoint& point) { caught += Recovers(crashed, life.at(point.mark)) ? 0 : 1; });
  EXPECT_GT(caught, 0u);
}

TEST(EmbeddedQueueCrash, AFailureAtAnyCallLosesNothingAcknowledged) {
  SimDisk counting;
  Life(counting).Run(40);
  const uint64_t calls = counting.operations();
  ASSERT_GT(calls, 100u);
  for (const SimFault fault : {SimFault::kIoError, SimFault::kNoSpace, SimFault::kSyncLies}) {
    for (uint64_t k = 0; k < calls; ++k) {
      SimDisk disk({.seed = k});
      disk.FailOperation(k, fault);
      Life life(disk);
      life.Run(40);
      disk.Crash();
      const auto recovered = Recovers(disk, life.now());
      ASSERT_TRUE(recovered) << "call " << k << ": " << recovered.message();
    }
  }
}

}  // namespace
}  // namespace rhizome::queue
