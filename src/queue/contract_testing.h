// What the tests of the queue's contract (contract_test.cc) stand on. A program of tests defines a Backend, builds
// contract_test.cc in and instantiates the suite:
//   INSTANTIATE_TEST_SUITE_P(Embedded, QueueContract, testing::Values(&MakeEmbedded));
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/await_testing.h"
#include "base/clock.h"
#include "base/uuid.h"
#include "queue/queue.h"

namespace rhizome::queue {

class Backend {
 public:
  virtual ~Backend() = default;
  virtual Queue& queue() = 0;
  virtual void Reopen() = 0;  // a new Queue over what the old one left
};
using MakeBackend = std::unique_ptr<Backend> (*)();

// Values in the order read, from `consumer`, until there are `count` of them or a minute is over.
inline std::vector<Message> ReadMessages(Consumer& consumer, size_t count) {
  std::vector<Message> all;
  const int64_t until_ns = SystemClock().MonotonicNs() + 60'000'000'000;
  while (all.size() < count && SystemClock().MonotonicNs() < until_ns) {
    auto got = consumer.Poll({.messages_max = 100, .wait_ms = 500});
    EXPECT_TRUE(got.ok()) << got.status().ToString();
    if (!got.ok()) break;
    for (Message& message : *got) all.push_back(std::move(message));
  }
  return all;
}

inline std::multiset<std::string> ValuesOf(const std::vector<Message>& messages) {
  std::multiset<std::string> values;
  for (const Message& message : messages) values.insert(message.value);
  return values;
}

class QueueContract : public testing::TestWithParam<MakeBackend> {
 protected:
  QueueContract() : backend_(GetParam()()) { EXPECT_TRUE(queue().EnsureTopic(topic_, {.partitions = 3}).ok()); }
  Queue& queue() { return backend_->queue(); }
  std::unique_ptr<Consumer> Join(const std::string& group = "readers") {
    auto consumer = queue().Subscribe(group + suffix_, {&topic_, 1});
    EXPECT_TRUE(consumer.ok()) << consumer.status().ToString();
    return std::move(consumer).value();
  }
  std::string Group(const std::string& name = "readers") const { return name + suffix_; }
  Outgoing Make(int n) const { return {topic_, "key" + std::to_string(n % 7), "value " + std::to_string(n), {}}; }
  void Put(int from, int to) {
    std::vector<Outgoing> batch;
    for (int n = from; n < to; ++n) batch.push_back(Make(n));
    const Status status = queue().Publish(batch);
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  static std::multiset<std::string> Values(int from, int to) {
    std::multiset<std::string> values;
    for (int n = from; n < to; ++n) values.insert("value " + std::to_string(n));
    return values;
  }
  uint64_t TotalLag(const std::string& group) {
    const auto lags = queue().Lags(group);
    EXPECT_TRUE(lags.ok()) << lags.status().ToString();
    uint64_t total = 0;
    for (const Lag& lag : *lags) total += lag.messages();
    return total;
  }

  const std::string suffix_ = "-" + Uuid::Random().ToString();
  const std::string topic_ = "contract" + suffix_;
  const std::unique_ptr<Backend> backend_;
};

}  // namespace rhizome::queue
