// The queue on a real Kafka broker: the contract, what a broker's death does, and the pipeline's workers over it.
#include "queue/kafka.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>

#include "base/await_testing.h"
#include "kafka_server.h"
#include "queue/contract_testing.h"
#include "workers/dead_letters.h"
#include "workers/intake.h"
#include "workers/retry_mover.h"
#include "workers/task_book.h"
#include "workers/worker.h"

namespace rhizome::queue {

KafkaServer* server = nullptr;  // of all tests of this program

namespace {

KafkaQueueOptions Options() {
  KafkaQueueOptions options;
  options.brokers = server->Address();
  options.replication_factor = 1;
  options.session_timeout_ms = 6'000;
  return options;
}

class KafkaBackend final : public Backend {
 public:
  KafkaBackend() { Reopen(); }
  Queue& queue() override { return *queue_; }
  void Reopen() override {
    queue_.reset();
    queue_ = KafkaQueue::Open(Options()).value();
  }

 private:
  std::unique_ptr<KafkaQueue> queue_;
};

std::unique_ptr<Backend> MakeKafka() { return std::make_unique<KafkaBackend>(); }
INSTANTIATE_TEST_SUITE_P(Kafka, QueueContract, testing::Values(&MakeKafka));

TEST(KafkaQueue, AWrongSettingIsNamed) {
  KafkaQueueOptions options = Options();
  options.more = {"no.such.setting=1"};
  const Status status = KafkaQueue::Open(options).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("no.such.setting"));
}

TEST(KafkaQueue, WithoutABrokerNothingIsAcknowledged) {
  KafkaQueueOptions options = Options();
  options.brokers = "127.0.0.1:1";
  options.request_timeout_ms = 500;
  const auto queue = KafkaQueue::Open(options).value();
  const Status status = queue->EnsureTopic("t", {});
  EXPECT_THAT(status.code(), testing::AnyOf(Code::kUnavailable, Code::kDeadlineExceeded)) << status.ToString();
}

TEST(KafkaQueue, WhatWasAcknowledgedOutlivesTheBrokersDeathAndReadersGoOn) {
  const auto queue = KafkaQueue::Open(Options()).value();
  const std::string topic = "death-" + Uuid::Random().ToString();
  ASSERT_TRUE(queue->EnsureTopic(topic, {.partitions = 1}).ok());
  const auto reader = queue->Subscribe("g-" + topic, {&topic, 1}).value();
  ASSERT_TRUE(queue->Publish({topic, "k", "before", {}}).ok());
  const std::vector<Message> first = ReadMessages(*reader, 1);
  ASSERT_EQ(first.size(), 1u);
  ASSERT_TRUE(reader->Commit(PositionsAfter(first)).ok());
  server->Kill();
  server->Start();
  // While it is away nothing is acknowledged; once it is back, everything is.
  const Status after = queue->Publish({topic, "k", "after", {}}, {.deadline_ms = 110'000});
  EXPECT_TRUE(after.ok()) << after.ToString();
  std::vector<Message> second;
  EXPECT_TRUE(Await([&] {
    const auto got = reader->Poll({.wait_ms = 1000});
    if (got.ok()) second.insert(second.end(), got->begin(), got->end());
    return !second.empty();
  }));
  ASSERT_FALSE(second.empty());
  EXPECT_EQ(second[0].value, "after");
}

}  // namespace
}  // namespace rhizome::queue

namespace rhizome::workers {
namespace {

// Two workers of a stage, retries, a dead letter and its redrive, all over the broker.
TEST(KafkaPipeline, EveryTaskEndsDoneOrDeadLetteredAndRedrives) {
  const auto queue = queue::KafkaQueue::Open(queue::Options()).value();
  const ScratchFolder folder;
  PipelineSettings settings;
  settings.prefix = "p" + Uuid::Random().ToString() + ".";
  settings.stages = {std::string(kRaw), std::string(kEmbed)};
  settings.partitions = 2;
  settings.retries_max = 1;
  settings.retry_base_ms = 100;
  ASSERT_TRUE(EnsureTopics(*queue, settings).ok());
  const auto book = TaskBook::Open(*queue, settings, folder.File("tasks")).value();
  const auto mover = RetryMover::Create(*queue, settings).value();
  std::atomic<bool> healed = false;
  std::vector<std::unique_ptr<Worker>> workers;
  for (int n = 0; n < 2; ++n) {
    workers.push_back(Worker::Create(*queue, settings, {.stage = std::string(kRaw)}, [](std::span<const Job> jobs) {
                        return std::vector<Outcome>(jobs.size(), {Status::Ok(), {{std::string(kEmbed), "x"}}});
                      }).value());
  }
  workers.push_back(Worker::Create(*queue, settings, {.stage = std::string(kEmbed)}, [&](std::span<const Job> jobs) {
                      std::vector<Outcome> outcomes;
                      for (const Job& job : jobs) {
                        const bool fails = job.task == "doc7" && !healed;
                        outcomes.push_back({fails ? Status::Unavailable("model") : Status::Ok(), {}});
                      }
                      return outcomes;
                    }).value());
  for (const auto& worker : workers) worker->Start();
  mover->Start();
  book->Start();
  std::vector<Submission> submissions;
  for (int n = 0; n < 200; ++n)
    submissions.push_back({"doc" + std::to_string(n), "t:m" + std::to_string(n % 9), {}, "x"});
  ASSERT_TRUE(Accept(*queue, settings, submissions, book.get()).ok());
  const auto count = [&](TaskState state) {
    return std::count_if(submissions.begin(), submissions.end(),
                         [&](const Submission& each) { return book->Get(each.task)->state() == state; });
  };
  EXPECT_TRUE(Await([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(40));
    return count(TaskState::kDone) == 199 && count(TaskState::kDeadLettered) == 1;
  }));
  EXPECT_EQ(book->Get("doc7")->reason(), "ingest.embed: unavailable: model");
  const auto letters = ListDeadLetters(*queue, settings, 10, {.stage = std::string(kEmbed)});
  ASSERT_TRUE(letters.ok()) << letters.status().ToString();
  ASSERT_EQ(letters->size(), 1u);
  EXPECT_EQ(letters->front().job.task, "doc7");
  healed = true;
  const auto redriven = Redrive(*queue, settings, {});
  ASSERT_TRUE(redriven.ok()) << redriven.status().ToString();
  EXPECT_EQ(*redriven, 1u);
  EXPECT_TRUE(Await([&] { return book->Get("doc7")->state() == TaskState::kDone; }));
  for (const auto& worker : workers) worker->Stop();
  mover->Stop();
  for (const queue::Lag& lag : *queue->Lags(StageGroup(settings, kEmbed))) EXPECT_EQ(lag.messages(), 0u);
}

}  // namespace
}  // namespace rhizome::workers

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (!rhizome::queue::KafkaServer::Present()) {
    std::puts("skipped: there is no Kafka broker (tools/kafka_server)");
    return 77;  // what ctest counts as skipped
  }
  rhizome::queue::KafkaServer kafka;
  if (!kafka.AwaitReady()) {
    std::printf("the broker does not start:\n%s\n", kafka.Log().c_str());
    return 1;
  }
  rhizome::queue::server = &kafka;
  return RUN_ALL_TESTS();
}
