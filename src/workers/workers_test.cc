// Jobs through stages, retries, dead letters and the book of tasks, in one thread and by a clock that is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "base/await_testing.h"
#include "base/scratch_testing.h"
#include "queue/embedded.h"
#include "workers/dead_letters.h"
#include "workers/intake.h"
#include "workers/lag_gauges.h"
#include "workers/retry_mover.h"
#include "workers/task_book.h"
#include "workers/worker.h"

namespace rhizome::workers {
namespace {

class WorkersTest : public testing::Test {
 protected:
  WorkersTest() { Open(); }
  void Open() {
    mover_.reset();
    book_.reset();
    queue_.reset();
    queue_ = queue::EmbeddedQueue::Open(io::RealDisk(), folder_.File("queue"), {.clock = &clock_}).value();
    EXPECT_TRUE(EnsureTopics(*queue_, settings_).ok());
    book_ = TaskBook::Open(*queue_, settings_, folder_.File("tasks"), book_options_).value();
    mover_ = RetryMover::Create(*queue_, settings_, clock_).value();
  }
  Status Submit(const std::string& task, const std::string& payload = "text") {
    const Submission submission{task, "t:m", {versions_.Next()}, payload};
    return Accept(*queue_, settings_, {&submission, 1}, book_.get(), clock_);
  }
  std::unique_ptr<Worker> Make(std::string_view stage, Handler handler) {
    return Worker::Create(*queue_, settings_, {.stage = std::string(stage), .linger_ms = 0, .clock = &clock_},
                          std::move(handler))
        .value();
  }
  // A handler that does each job by itself.
  static Handler Each(std::function<Outcome(const Job&)> one) {
    return [one](std::span<const Job> jobs) {
      std::vector<Outcome> outcomes;
      for (const Job& job : jobs) outcomes.push_back(one(job));
      return outcomes;
    };
  }
  Task TaskOf(const std::string& id) {
    while (book_->Step(0).value() > 0) {
    }
    return book_->Get(id).value();
  }
  static void Drain(Worker& worker) {
    while (worker.Step(0).value() > 0) {
    }
  }

  const ScratchFolder folder_;
  SimClock clock_;
  HybridClock versions_{clock_, 1};
  PipelineSettings settings_{.prefix = "p."};
  TaskBookOptions book_options_{.clock = &clock_};
  std::unique_ptr<queue::EmbeddedQueue> queue_;
  std::unique_ptr<TaskBook> book_;
  std::unique_ptr<RetryMover> mover_;
};

TEST_F(WorkersTest, ATaskGoesThroughItsStagesWithItsVersionAndIsDone) {
  ASSERT_TRUE(Submit("doc1", "hello").ok());
  EXPECT_EQ(book_->Get("doc1")->state(), TaskState::kWorking);  // before any worker came
  std::vector<Job> seen;
  const auto raw =
      Make(kRaw, Each([&](const Job& job) {
             seen.push_back(job);
             return Outcome{Status::Ok(), {{std::string(kEmbed) + "/0", "a"}, {std::string(kEmbed) + "/1", "b"}}};
           }));
  const auto embed = Make(kEmbed, Each([&](const Job& job) {
                            seen.push_back(job);
                            return Outcome{};
                          }));
  Drain(*raw);
  EXPECT_EQ(TaskOf("doc1").state(), TaskState::kWorking);
  Drain(*embed);
  const Task task = TaskOf("doc1");
  EXPECT_EQ(task.state(), TaskState::kDone);
  EXPECT_EQ(task.key, "t:m");
  EXPECT_EQ(task.jobs.size(), 3u);
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].payload, "hello");
  for (const Job& job : seen) {
    EXPECT_EQ(job.version, seen[0].version);
    EXPECT_EQ(job.key, "t:m");
    EXPECT_EQ(job.task, "doc1");
  }
  EXPECT_EQ(seen[2].name, "ingest.embed/1");
  EXPECT_EQ(seen[2].payload, "b");
}

TEST_F(WorkersTest, AFailureIsRepeatedAfterOneTwoAndFourMinutesAndThenADeadLetter) {
  ASSERT_TRUE(Submit("doc").ok());
  int calls = 0;
  const auto raw = Make(kRaw, Each([&](const Job& job) {
                          EXPECT_EQ(job.attempt, static_cast<uint32_t>(calls));
                          ++calls;
                          return Outcome{Status::Unavailable("model down"), {}};
                        }));
  Drain(*raw);
  for (const int64_t delay_ms : {60'000, 120'000, 240'000}) {
    const int before = calls;
    EXPECT_EQ(TaskOf("doc").jobs.at("ingest.raw").state, JobState::kRetrying);
    clock_.AdvanceMs(delay_ms - 1);
    EXPECT_EQ(mover_->Step().value(), 0u);
    clock_.AdvanceMs(1);
    EXPECT_EQ(mover_->Step().value(), 1u);
    Drain(*raw);
    EXPECT_EQ(calls, before + 1);
  }
  const Task task = TaskOf("doc");
  EXPECT_EQ(task.state(), TaskState::kDeadLettered);
  EXPECT_EQ(task.reason(), "ingest.raw: unavailable: model down");
  const auto letters = ListDeadLetters(*queue_, settings_, 10).value();
  ASSERT_EQ(letters.size(), 1u);
  EXPECT_EQ(letters[0].job.task, "doc");
  EXPECT_EQ(letters[0].job.payload, "text");
  EXPECT_EQ(letters[0].reason, "unavailable: model down");
  EXPECT_EQ(letters[0].died_ms, clock_.WallMs());
}

TEST_F(WorkersTest, WhatRepeatingCannotHelpIsADeadLetterAtOnce) {
  ASSERT_TRUE(Submit("bad").ok());
  const auto raw = Make(kRaw, Each([](const Job&) { return Outcome{Status::InvalidArgument("text", "no text"), {}}; }));
  Drain(*raw);
  EXPECT_EQ(TaskOf("bad").state(), TaskState::kDeadLettered);
  EXPECT_EQ(raw->counts().dead, 1u);
  EXPECT_EQ(raw->counts().retried, 0u);
}

TEST_F(WorkersTest, AFailingJobHoldsUpNoOther) {
  for (int n = 0; n < 20; ++n) ASSERT_TRUE(Submit("doc" + std::to_string(n)).ok());
  const auto raw = Make(kRaw, Each([](const Job& job) {
                          if (job.task == "doc7") throw std::runtime_error("boom");
                          return Outcome{};
                        }));
  Drain(*raw);
  for (int n = 0; n < 20; ++n) {
    EXPECT_EQ(TaskOf("doc" + std::to_string(n)).state(), n == 7 ? TaskState::kWorking : TaskState::kDone) << n;
  }
  EXPECT_EQ(TaskOf("doc7").jobs.at("ingest.raw").reason, "internal: the handler failed: boom");
}

TEST_F(WorkersTest, AHandlerThatForgetsAnOutcomeLosesNoJob) {
  ASSERT_TRUE(Submit("a").ok() && Submit("b").ok());
  const auto raw = Make(kRaw, [](std::span<const Job> jobs) {
    return std::vector<Outcome>(jobs.size() == 1 && jobs[0].task == "a" ? 1 : 0);
  });
  Drain(*raw);
  EXPECT_EQ(TaskOf("a").state(), TaskState::kDone);
  EXPECT_EQ(TaskOf("b").jobs.at("ingest.raw").state, JobState::kRetrying);
}

TEST_F(WorkersTest, AJobThatWantsAnUnknownStageIsADeadLetter) {
  ASSERT_TRUE(Submit("doc").ok());
  const auto raw = Make(kRaw, Each([](const Job&) { return Outcome{Status::Ok(), {{"nowhere", ""}}}; }));
  Drain(*raw);
  EXPECT_EQ(TaskOf("doc").reason(), "ingest.raw: invalid_argument (next): there is no stage \"nowhere\"");
}

TEST_F(WorkersTest, TwoCopiesOfAJobInABatchAreOne) {
  const Submission twice{"doc", "t:m", {7, 1}, "text"};
  for (int n = 0; n < 2; ++n) ASSERT_TRUE(Accept(*queue_, settings_, {&twice, 1}, book_.get(), clock_).ok());
  int calls = 0;
  const auto raw = Make(kRaw, Each([&](const Job&) {
                          ++calls;
                          return Outcome{};
                        }));
  Drain(*raw);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(TaskOf("doc").state(), TaskState::kDone);
  for (const queue::Lag& lag : *queue_->Lags(StageGroup(settings_, kRaw))) EXPECT_EQ(lag.messages(), 0u);
}

TEST_F(WorkersTest, AMessageThatIsNoJobIsADeadLetterAndNotInTheWay) {
  ASSERT_TRUE(queue_->Publish({"p.ingest.raw", "t:m", "junk", {}}).ok());
  ASSERT_TRUE(Submit("doc").ok());
  const auto raw = Make(kRaw, Each([](const Job&) { return Outcome{}; }));
  Drain(*raw);
  EXPECT_EQ(TaskOf("doc").state(), TaskState::kDone);
  const auto letters = ListDeadLetters(*queue_, settings_, 10).value();
  ASSERT_EQ(letters.size(), 1u);
  EXPECT_EQ(letters[0].job.payload, "junk");
  EXPECT_THAT(letters[0].reason, testing::HasSubstr("is no job"));
}

TEST_F(WorkersTest, DeadLettersAreRedrivenByChoiceAndTheOthersStay) {
  for (const char* id : {"a", "b", "c"}) ASSERT_TRUE(Submit(id).ok());
  bool healed = false;
  const auto raw = Make(kRaw, Each([&](const Job&) {
                          return Outcome{healed ? Status::Ok() : Status::TooLarge("text", "too long"), {}};
                        }));
  Drain(*raw);
  EXPECT_EQ(CountDeadLetters(*queue_, settings_).value(), 3u);
  healed = true;
  EXPECT_EQ(Redrive(*queue_, settings_, {.tasks = {"b"}}, clock_).value(), 1u);
  EXPECT_EQ(TaskOf("b").state(), TaskState::kWorking);
  Drain(*raw);
  EXPECT_EQ(TaskOf("b").state(), TaskState::kDone);
  EXPECT_EQ(TaskOf("b").jobs.at("ingest.raw").round, 1u);
  EXPECT_EQ(CountDeadLetters(*queue_, settings_).value(), 2u);
  EXPECT_EQ(Redrive(*queue_, settings_, {.stage = "ingest.embed"}, clock_).value(), 0u);
  EXPECT_EQ(Discard(*queue_, settings_, {.tasks = {"a"}}, clock_).value(), 1u);
  EXPECT_EQ(TaskOf("a").jobs.at("ingest.raw").state, JobState::kDropped);
  EXPECT_EQ(Redrive(*queue_, settings_, {}, clock_).value(), 1u);
  Drain(*raw);
  EXPECT_EQ(TaskOf("c").state(), TaskState::kDone);
  EXPECT_EQ(TaskOf("a").state(), TaskState::kDeadLettered);
  EXPECT_EQ(CountDeadLetters(*queue_, settings_).value(), 0u);
}

TEST_F(WorkersTest, AFullLaterStageHoldsTheBatchAndLosesNothing) {
  settings_.backlog_messages_max = 2;
  Open();
  const auto embed = Make(kEmbed, Each([](const Job&) { return Outcome{}; }));
  const auto raw = Make(kRaw, Each([](const Job& job) {
                          return Outcome{Status::Ok(), {{std::string(kEmbed), job.payload}}};
                        }));
  ASSERT_TRUE(Submit("a").ok() && Submit("b").ok());
  EXPECT_EQ(Submit("c").code(), Code::kResourceExhausted);
  Drain(*raw);
  ASSERT_TRUE(Submit("c").ok());
  EXPECT_EQ(raw->Step(0).status().code(), Code::kResourceExhausted);
  EXPECT_EQ(raw->Step(0).status().code(), Code::kResourceExhausted);
  Drain(*embed);
  EXPECT_EQ(raw->Step(0).value(), 1u);
  Drain(*embed);
  for (const char* id : {"a", "b", "c"}) EXPECT_EQ(TaskOf(id).state(), TaskState::kDone) << id;
}

TEST_F(WorkersTest, ThreadsDoTheSameAndStopWithWhatTheyHave) {
  std::atomic<int> handled = 0;
  std::vector<std::unique_ptr<Worker>> workers;
  for (int n = 0; n < 3; ++n) {
    workers.push_back(Make(kRaw, [&](std::span<const Job> jobs) {
      handled += static_cast<int>(jobs.size());
      return std::vector<Outcome>(jobs.size());
    }));
    workers.back()->Start();
  }
  book_->Start();
  mover_->Start();
  std::atomic<int> told = 0;
  const uint64_t watch =
      book_->Watch("doc49", [&](const Task& task) { told += task.state() == TaskState::kDone ? 1 : 0; });
  for (int n = 0; n < 50; ++n) ASSERT_TRUE(Submit("doc" + std::to_string(n)).ok());
  EXPECT_TRUE(Await([&] { return book_->Get("doc49")->state() == TaskState::kDone && told == 1; }));
  EXPECT_EQ(book_->AwaitChange("doc49", 0, 20'000)->id, "doc49");
  book_->Unwatch(watch);
  for (auto& worker : workers) worker->Stop();
  mover_->Stop();
  EXPECT_GE(handled, 50);
  for (const queue::Lag& lag : *queue_->Lags(StageGroup(settings_, kRaw))) EXPECT_EQ(lag.messages(), 0u);
}

TEST_F(WorkersTest, LagDeadLettersAndOutcomesAreMetrics) {
  MetricRegistry metrics;
  LagGauges gauges(*queue_, settings_, metrics);
  for (const char* id : {"a", "b", "c"}) ASSERT_TRUE(Submit(id).ok());
  ASSERT_TRUE(gauges.Update().ok());
  EXPECT_THAT(metrics.Render(), testing::HasSubstr("queue_lag{topic=\"p.ingest.raw\"} 3"));
  const auto raw =
      Worker::Create(*queue_, settings_, {.stage = std::string(kRaw), .metrics = &metrics, .clock = &clock_},
                     Each([](const Job& job) {
                       if (job.task == "a") return Outcome{Status::Corruption("torn"), {}};
                       if (job.task == "b") return Outcome{Status::Unavailable("down"), {}};
                       return Outcome{};
                     }))
          .value();
  Drain(*raw);
  ASSERT_TRUE(gauges.Update().ok());
  const std::string text = metrics.Render();
  EXPECT_THAT(text, testing::HasSubstr("queue_lag{topic=\"p.ingest.raw\"} 0"));
  EXPECT_THAT(text, testing::HasSubstr("queue_lag{topic=\"p.retry.1\"} 1"));
  EXPECT_THAT(text, testing::HasSubstr("queue_dead_letters 1"));
  for (const char* outcome : {"done", "retried", "dead_lettered"}) {
    EXPECT_THAT(
        text, testing::HasSubstr("worker_jobs_total{outcome=\"" + std::string(outcome) + "\",stage=\"ingest.raw\"} 1"));
  }
}

TEST_F(WorkersTest, AnEndpointsLimitHoldsTheWorkerBack) {
  RateLimits limits;
  limits.Set("model", {.per_second = 1000, .burst = 1});
  const auto raw = Worker::Create(*queue_, settings_,
                                  {.stage = std::string(kRaw), .batch_max = 5, .endpoint = "model", .limits = &limits},
                                  [](std::span<const Job> jobs) { return std::vector<Outcome>(jobs.size()); })
                       .value();
  for (int n = 0; n < 10; ++n) ASSERT_TRUE(Submit("doc" + std::to_string(n)).ok());
  const int64_t before_ns = SystemClock().MonotonicNs();
  Drain(*raw);
  EXPECT_GE(SystemClock().MonotonicNs() - before_ns, 4'000'000);  // the first five leave a debt of four
  EXPECT_EQ(raw->counts().done, 10u);
}

TEST_F(WorkersTest, WrongSettingsAndSubmissionsAreNamed) {
  EXPECT_EQ(CheckSettings({.retries_max = 17}).field(), "retries_max");
  EXPECT_EQ(CheckSettings({.retry_base_ms = 0}).field(), "retry_base_ms");
  EXPECT_EQ(CheckSettings({.stages = {}}).field(), "stages");
  EXPECT_EQ(CheckSettings({.stages = {"a b"}}).field(), "stages");
  EXPECT_EQ(Submit("").field(), "task");
  const Submission strange{"a", "", {}, "", "nowhere"};
  EXPECT_EQ(Accept(*queue_, settings_, {&strange, 1}, nullptr).field(), "stage");
  EXPECT_EQ(Worker::Create(*queue_, settings_, {.stage = "nowhere"}, {}).status().field(), "stage");
  EXPECT_EQ(book_->Get("never").status().code(), Code::kNotFound);
  EXPECT_EQ(book_->AwaitChange("never", 0, 1).status().code(), Code::kDeadlineExceeded);
}

TEST_F(WorkersTest, TheBookKnowsAfterARestartWhatItKnewBefore) {
  ASSERT_TRUE(Submit("flushed").ok() && Submit("not flushed").ok());
  ASSERT_TRUE(book_->Step(0).ok() && book_->Flush().ok());
  auto raw = Make(kRaw, Each([](const Job&) { return Outcome{}; }));
  Drain(*raw);
  const Task before = TaskOf("not flushed");
  raw.reset();
  Open();
  EXPECT_EQ(TaskOf("not flushed"), before);
  EXPECT_EQ(TaskOf("flushed").state(), TaskState::kDone);
}

TEST_F(WorkersTest, TheBookForgetsWhatIsOldOrTooMuchAndNothingUnderWay) {
  book_options_.finished_max = 2;
  book_options_.cached_max = 4;
  Open();
  ASSERT_TRUE(Submit("under way").ok());
  const auto raw = Make(kRaw, Each([](const Job& job) {
                          return job.task == "under way" ? Outcome{Status::Unavailable("later"), {}} : Outcome{};
                        }));
  for (int n = 0; n < 10; ++n) {
    ASSERT_TRUE(Submit("doc" + std::to_string(n)).ok());
    clock_.AdvanceMs(10);
    Drain(*raw);
  }
  EXPECT_EQ(TaskOf("under way").state(), TaskState::kWorking);
  ASSERT_TRUE(book_->Flush().ok());
  EXPECT_EQ(book_->counts().finished, 2u);
  EXPECT_EQ(book_->Get("doc0").status().code(), Code::kNotFound);
  EXPECT_EQ(book_->Get("doc9")->state(), TaskState::kDone);
  clock_.AdvanceMs(25LL * 3'600'000);
  ASSERT_TRUE(book_->Flush().ok());
  EXPECT_EQ(book_->counts().finished, 0u);
  EXPECT_EQ(book_->Get("doc9").status().code(), Code::kNotFound);
  EXPECT_EQ(book_->Get("under way")->state(), TaskState::kWorking);
}

}  // namespace
}  // namespace rhizome::workers
