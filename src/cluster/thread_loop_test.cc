#include "cluster/thread_loop.h"

#include <gtest/gtest.h>

#include <atomic>

#include "cluster/loop_calls.h"
#include "cluster/outstanding.h"

namespace rhizome::cluster {
namespace {

using fabric::Sleep;

constexpr int64_t kNsPerMs = 1'000'000;

Task<Status> Ready() { co_return Status::Ok(); }

Task<Status> WaitLong(ThreadLoop& loop) {
  const bool whole = co_await Sleep(loop, 60'000 * kNsPerMs);
  co_return whole ? Status::Ok() : Status::Cancelled("woken early");
}

TEST(ThreadLoop, RunsWhatIsPostedInOrderOnItsThread) {
  ThreadLoop loop;
  std::vector<int> order;
  std::promise<bool> on_loop;
  for (int i = 0; i < 100; ++i) loop.Post([&order, i] { order.push_back(i); });
  loop.Post([&] { on_loop.set_value(loop.OnLoop()); });
  EXPECT_TRUE(on_loop.get_future().get());
  EXPECT_FALSE(loop.OnLoop());
  EXPECT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(ThreadLoop, TimersFireInOrderAndNotBeforeTheirTime) {
  ThreadLoop loop;
  std::vector<int> order;
  std::promise<int64_t> last;
  const int64_t began_ns = loop.NowNs();
  loop.Post([&] {
    loop.After(30 * kNsPerMs, [&] {
      order.push_back(30);
      last.set_value(loop.NowNs());
    });
    loop.After(10 * kNsPerMs, [&] { order.push_back(10); });
    loop.Cancel(loop.After(5 * kNsPerMs, [&] { order.push_back(5); }));
  });
  EXPECT_GE(last.get_future().get() - began_ns, 30 * kNsPerMs);
  EXPECT_EQ(order, (std::vector<int>{10, 30}));
}

TEST(ThreadLoop, StoppingWakesWhoSleeps) {
  ThreadLoop loop;
  LoopCalls calls(loop);
  std::thread stopper([&loop] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    loop.BeginStop();
  });
  EXPECT_EQ(calls.One<Status>([&loop] { return WaitLong(loop); }).code(), Code::kCancelled);
  stopper.join();
  loop.End();
}

TEST(ThreadLoop, AfterItsEndNothingIsTaken) {
  ThreadLoop loop;
  LoopCalls calls(loop);
  EXPECT_TRUE(calls.One<Status>(Ready).ok());
  loop.End();
  EXPECT_FALSE(loop.TryPost([] {}));
  EXPECT_EQ(calls.One<Status>(Ready).code(), Code::kCancelled);
}

TEST(LoopCalls, AnswersKeepTheOrderOfTheQuestions) {
  ThreadLoop loop;
  LoopCalls calls(loop);
  const auto answer = [&loop](int number) -> Task<Result<int>> {
    return [](ThreadLoop& on, int value) -> Task<Result<int>> {
      (void)co_await Sleep(on, (10 - value) * kNsPerMs);  // the first is answered last
      co_return value;
    }(loop, number);
  };
  std::vector<LoopCalls::Start<Result<int>>> starts;
  for (int i = 0; i < 10; ++i) starts.push_back([&answer, i] { return answer(i); });
  const auto answers = calls.All<Result<int>>(std::move(starts));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(answers[i].value(), i);
}

TEST(Outstanding, EndsWithWhatTheOtherThreadBrought) {
  ThreadLoop loop;
  LoopCalls calls(loop);
  Outstanding outstanding(loop);
  std::thread worker;
  const auto brought = calls.One<Result<int>>([&] {
    return outstanding.Call<Result<int>>(
        [&worker](std::function<void(Result<int>)> done) { worker = std::thread([done] { done(42); }); });
  });
  worker.join();
  EXPECT_EQ(brought.value(), 42);
}

TEST(Outstanding, CancelsEverybodyAndForgetsWhatComesLater) {
  ThreadLoop loop;
  LoopCalls calls(loop);
  Outstanding outstanding(loop);
  std::promise<std::function<void(Status)>> given;
  std::thread canceller([&] {
    const auto done = given.get_future().get();
    loop.Post([&outstanding] { outstanding.CancelAll(); });
    done(Status::Ok());
  });
  const Status ended = calls.One<Status>([&] {
    return outstanding.Call<Status>([&given](std::function<void(Status)> done) { given.set_value(std::move(done)); });
  });
  EXPECT_EQ(ended.code(), Code::kCancelled);
  canceller.join();
  loop.BeginStop();
  const Status late = calls.One<Status>([&] {
    return outstanding.Call<Status>([](const std::function<void(Status)>&) { FAIL() << "was started while stopping"; });
  });
  EXPECT_EQ(late.code(), Code::kCancelled);
}

}  // namespace
}  // namespace rhizome::cluster
