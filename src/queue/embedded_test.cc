// The embedded queue: the contract, and what only a log of our own can be asked.
#include "queue/embedded.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/scratch_testing.h"
#include "io/sim_disk.h"
#include "queue/contract_testing.h"

namespace rhizome::queue {
namespace {

using io::SimDisk;

class EmbeddedBackend final : public Backend {
 public:
  EmbeddedBackend() { Reopen(); }
  Queue& queue() override { return *queue_; }
  void Reopen() override {
    queue_.reset();
    queue_ = EmbeddedQueue::Open(io::RealDisk(), folder_.File("queue")).value();
  }

 private:
  const ScratchFolder folder_;
  std::unique_ptr<EmbeddedQueue> queue_;
};

std::unique_ptr<Backend> MakeEmbedded() { return std::make_unique<EmbeddedBackend>(); }
INSTANTIATE_TEST_SUITE_P(Embedded, QueueContract, testing::Values(&MakeEmbedded));

const std::vector<std::string> kWork = {"work"};
const std::vector<std::string> kDead = {"dead"};

// A queue in one thread, of small segments.
EmbeddedQueueOptions Small() {
  return {.segment_bytes = 4096, .cache_bytes = 1024, .chunk_bytes = 512, .background_thread = false};
}

class EmbeddedQueueTest : public testing::Test {
 protected:
  void Open(EmbeddedQueueOptions options = Small()) {
    queue_.reset();
    queue_ = EmbeddedQueue::Open(disk_, "/queue", options).value();
    ASSERT_TRUE(queue_->EnsureTopic("work", {.partitions = 2}).ok());
    ASSERT_TRUE(queue_->EnsureTopic("dead", {.partitions = 1}).ok());
  }
  Status Put(const std::string& topic, int n, size_t bytes = 100) {
    return queue_->Publish({topic, std::to_string(n), std::to_string(n) + " " + std::string(bytes, 'x'), {}});
  }
  // Reads all there is and commits it.
  size_t Drain(const std::vector<std::string>& topics, const std::string& group) {
    const auto consumer = queue_->Subscribe(group, topics).value();
    size_t count = 0;
    while (true) {
      const auto got = consumer->Poll({.messages_max = 16}).value();
      if (got.empty()) return count;
      EXPECT_TRUE(consumer->Commit(PositionsAfter(got)).ok());
      count += got.size();
    }
  }

  SimDisk disk_;
  std::unique_ptr<EmbeddedQueue> queue_;
};

TEST_F(EmbeddedQueueTest, WhatAllGroupsHavePassedLeavesTheDisk) {
  Open();
  ASSERT_TRUE(queue_->DeclareGroup("a", kWork).ok() && queue_->DeclareGroup("b", kWork).ok());
  for (int n = 0; n < 400; ++n) ASSERT_TRUE(Put("work", n).ok());
  EXPECT_EQ(Drain(kWork, "a"), 400u);
  const uint64_t held = queue_->stats().log_bytes;
  EXPECT_GT(held, 400u * 100);
  EXPECT_EQ(Drain(kWork, "b"), 400u);
  EXPECT_EQ(queue_->stats().live_runs, 0u);
  for (int n = 0; n < 100; ++n) ASSERT_TRUE(Put("work", n).ok());
  EXPECT_EQ(Drain(kWork, "a") + Drain(kWork, "b"), 200u);
  EXPECT_LT(queue_->stats().log_bytes, held / 2);
  Open();
  EXPECT_EQ(Drain(kWork, "a") + Drain(kWork, "b"), 0u);
}

TEST_F(EmbeddedQueueTest, WithoutAGroupEverythingStays) {
  Open();
  for (int n = 0; n < 100; ++n) ASSERT_TRUE(Put("work", n).ok());
  Open();
  EXPECT_EQ(Drain(kWork, "late"), 100u);
}

TEST_F(EmbeddedQueueTest, AFewOldMessagesAreCarriedAlongInsteadOfKeepingTheLog) {
  Open();
  ASSERT_TRUE(queue_->DeclareGroup("a", kWork).ok() && queue_->DeclareGroup("d", kDead).ok());
  for (int n = 0; n < 5; ++n) ASSERT_TRUE(Put("dead", n).ok());
  uint64_t most = 0;
  for (int round = 0; round < 40; ++round) {
    for (int n = 0; n < 50; ++n) ASSERT_TRUE(Put("work", n).ok());
    EXPECT_EQ(Drain(kWork, "a"), 50u);
    most = std::max(most, queue_->stats().log_bytes);
  }
  EXPECT_GT(queue_->stats().carried_runs, 0u);
  EXPECT_LT(most, 16u * 4096);
  Open();
  const auto left = queue_->Browse({"dead", 0, 0}, 100).value();
  ASSERT_EQ(left.size(), 5u);
  for (size_t n = 0; n < 5; ++n) {
    EXPECT_EQ(left[n].offset, n);
    EXPECT_EQ(left[n].key, std::to_string(n));
  }
  EXPECT_EQ(Drain(kDead, "d"), 5u);
}

TEST_F(EmbeddedQueueTest, AReaderFarBehindReadsFromTheLog) {
  Open();
  for (int n = 0; n < 500; ++n) ASSERT_TRUE(Put("work", n).ok());
  const auto consumer = queue_->Subscribe("g", kWork).value();
  std::vector<Message> all;
  while (all.size() < 500) {
    for (Message& message : *consumer->Poll({.messages_max = 7})) all.push_back(std::move(message));
  }
  std::map<uint32_t, uint64_t> next;
  for (const Message& message : all) EXPECT_EQ(message.offset, next[message.partition]++);
}

TEST_F(EmbeddedQueueTest, ABacklogIsBoundedInBytes) {
  Open();
  ASSERT_TRUE(queue_->EnsureTopic("work", {.partitions = 2, .backlog_bytes_max = 3000}).ok());
  int n = 0;
  while (Put("work", n, 900).ok()) ++n;
  EXPECT_EQ(n, 3);
  const Status refused = Put("work", n, 900);
  EXPECT_EQ(refused.code(), Code::kResourceExhausted);
  EXPECT_THAT(std::string(refused.message()), testing::HasSubstr("no group reads"));
  EXPECT_EQ(Drain(kWork, "g"), 3u);
  EXPECT_TRUE(Put("work", n, 900).ok());
}

TEST_F(EmbeddedQueueTest, ARefusedBatchLeavesNothing) {
  Open();
  ASSERT_TRUE(queue_->EnsureTopic("dead", {.partitions = 1, .backlog_messages_max = 1}).ok());
  const std::vector<Outgoing> batch = {{"work", "", "1", {}}, {"dead", "", "2", {}}, {"dead", "", "3", {}}};
  EXPECT_EQ(queue_->Publish(batch).code(), Code::kResourceExhausted);
  EXPECT_EQ(queue_->stats().live_runs, 0u);
  const std::vector<Outgoing> unknown = {{"work", "", "1", {}}, {"nowhere", "", "2", {}}};
  EXPECT_EQ(queue_->Publish(unknown).code(), Code::kNotFound);
  EXPECT_EQ(queue_->stats().live_runs, 0u);
}

TEST_F(EmbeddedQueueTest, AFullDiskRefusesAndGoesOnWhenThereIsRoom) {
  Open();
  ASSERT_TRUE(queue_->DeclareGroup("g", kWork).ok());
  disk_.SetCapacity(disk_.used_bytes() + 2048);
  int n = 0;
  Status status;
  while ((status = Put("work", n, 300)).ok()) ++n;
  EXPECT_EQ(status.code(), Code::kNoSpace);
  EXPECT_EQ(queue_->Health().code(), Code::kNoSpace);
  const auto consumer = queue_->Subscribe("g", kWork).value();
  const auto got = consumer->Poll({}).value();
  EXPECT_EQ(got.size(), static_cast<size_t>(n));
  disk_.SetCapacity(UINT64_MAX);
  EXPECT_TRUE(Put("work", n, 300).ok());
  EXPECT_TRUE(queue_->Health().ok());
  EXPECT_TRUE(consumer->Commit(PositionsAfter(got)).ok());
  EXPECT_EQ(consumer->Poll({})->size(), 1u);
}

TEST_F(EmbeddedQueueTest, AFailedSyncStopsTheQueueUntilItIsReopened) {
  Open();
  ASSERT_TRUE(Put("work", 1).ok());
  disk_.FailOperation(1, io::SimFault::kSyncLies);
  EXPECT_EQ(Put("work", 2).code(), Code::kIoError);
  EXPECT_EQ(Put("work", 3).code(), Code::kIoError);
  EXPECT_FALSE(queue_->Health().ok());
  disk_.Crash();
  Open();
  EXPECT_TRUE(Put("work", 4).ok());
  const size_t left = Drain(kWork, "g");
  EXPECT_GE(left, 2u);
  EXPECT_LE(left, 3u);
}

TEST_F(EmbeddedQueueTest, DamageIsNamedAndNothingIsWrittenOverIt) {
  Open();
  for (int n = 0; n < 20; ++n) ASSERT_TRUE(Put("work", n).ok());
  queue_.reset();
  disk_.Crash();
  ASSERT_TRUE(disk_.FlipBit("/queue/0000000000000001.log", 1500, 3).ok());
  queue_ = EmbeddedQueue::Open(disk_, "/queue", Small()).value();
  EXPECT_EQ(queue_->Health().code(), Code::kCorruption);
  EXPECT_THAT(std::string(queue_->Health().message()), testing::HasSubstr("0000000000000001.log at byte"));
  EXPECT_EQ(Put("work", 20).code(), Code::kReadOnly);
  const auto before = queue_->Browse({"work", 0, 0}, 100);
  ASSERT_TRUE(before.ok());
  EXPECT_FALSE(before->empty());
}

TEST_F(EmbeddedQueueTest, DamageThatComesLaterIsFoundByWhoReads) {
  Open();
  for (int n = 0; n < 60; ++n) ASSERT_TRUE(Put("work", n).ok());
  ASSERT_TRUE(disk_.FlipBit("/queue/0000000000000001.log", 1500, 3).ok());
  const auto consumer = queue_->Subscribe("g", kWork).value();
  Status status;
  for (int i = 0; i < 60 && status.ok(); ++i) status = consumer->Poll({.messages_max = 1}).status();
  EXPECT_EQ(status.code(), Code::kCorruption);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("0000000000000001.log at byte"));
}

TEST_F(EmbeddedQueueTest, ACommitBehindTheEndOrOfAStrangerIsRefused) {
  Open();
  ASSERT_TRUE(Put("work", 1).ok());
  const auto consumer = queue_->Subscribe("g", kWork).value();
  const std::vector<Position> behind = {{"work", 0, 50}}, strange = {{"dead", 0, 0}}, nowhere = {{"work", 9, 0}};
  EXPECT_EQ(consumer->Commit(behind).code(), Code::kInvalidArgument);
  EXPECT_EQ(consumer->Commit(strange).code(), Code::kFailedPrecondition);
  EXPECT_EQ(consumer->Commit(nowhere).code(), Code::kNotFound);
}

TEST_F(EmbeddedQueueTest, ASecondProcessIsKeptOut) {
  Open();
  EXPECT_EQ(EmbeddedQueue::Open(disk_, "/queue", Small()).status().code(), Code::kFailedPrecondition);
}

TEST_F(EmbeddedQueueTest, ManyPublishersShareTheSyncs) {
  const ScratchFolder folder;
  const auto queue = EmbeddedQueue::Open(io::RealDisk(), folder.File("queue")).value();
  ASSERT_TRUE(queue->EnsureTopic("work", {}).ok());
  const uint64_t before = queue->stats().syncs;
  std::vector<std::thread> publishers;
  for (int t = 0; t < 16; ++t) {
    publishers.emplace_back([&] {
      for (int n = 0; n < 50; ++n) EXPECT_TRUE(queue->Publish({"work", std::to_string(n), "x", {}}).ok());
    });
  }
  for (std::thread& publisher : publishers) publisher.join();
  EXPECT_LT(queue->stats().syncs - before, 800u);
  EXPECT_EQ(queue->stats().live_runs, 800u);
}

}  // namespace
}  // namespace rhizome::queue
