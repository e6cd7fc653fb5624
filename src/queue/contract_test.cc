// What every queue promises (queue/queue.h): each implementation is put through these.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "queue/contract_testing.h"

namespace rhizome::queue {
namespace {

TEST_P(QueueContract, AMessageComesAsItWasSent) {
  const Outgoing sent{
      topic_, std::string("k\0k", 3), std::string("\0\xff binary", 9), {{"a", "1"}, {"b", std::string("\0", 1)}}};
  const int64_t before_ms = SystemClock().WallMs();
  ASSERT_TRUE(queue().Publish(sent).ok());
  const auto consumer = Join();
  const std::vector<Message> got = ReadMessages(*consumer, 1);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].topic, topic_);
  EXPECT_EQ(got[0].key, sent.key);
  EXPECT_EQ(got[0].value, sent.value);
  EXPECT_EQ(got[0].headers, sent.headers);
  EXPECT_EQ(got[0].header("a"), "1");
  EXPECT_EQ(got[0].header("c"), "");
  EXPECT_NEAR(static_cast<double>(got[0].published_ms), static_cast<double>(before_ms), 60'000);
}

TEST_P(QueueContract, MessagesOfAKeyComeInTheOrderTheyWereSent) {
  for (int n = 0; n < 100; n += 10) Put(n, n + 10);
  const auto consumer = Join();
  const std::vector<Message> got = ReadMessages(*consumer, 100);
  EXPECT_EQ(ValuesOf(got), Values(0, 100));
  std::map<std::string, std::vector<int>> by_key;
  std::map<std::string, std::set<uint32_t>> partitions;
  for (const Message& message : got) {
    by_key[message.key].push_back(std::stoi(message.value.substr(6)));
    partitions[message.key].insert(message.partition);
  }
  for (const auto& [key, order] : by_key) EXPECT_TRUE(std::is_sorted(order.begin(), order.end())) << key;
  for (const auto& [key, in] : partitions) EXPECT_EQ(in.size(), 1u) << key;
}

TEST_P(QueueContract, WhatIsNotCommittedComesToTheNextMember) {
  Put(0, 20);
  EXPECT_EQ(ReadMessages(*Join(), 20).size(), 20u);
  EXPECT_EQ(ValuesOf(ReadMessages(*Join(), 20)), Values(0, 20));
}

TEST_P(QueueContract, WhatIsCommittedDoesNotComeAgainAlsoAfterReopening) {
  Put(0, 20);
  {
    const auto consumer = Join();
    const std::vector<Message> got = ReadMessages(*consumer, 20);
    ASSERT_TRUE(consumer->Commit(PositionsAfter(got)).ok());
  }
  backend_->Reopen();
  Put(20, 25);
  EXPECT_EQ(ValuesOf(ReadMessages(*Join(), 5)), Values(20, 25));
  EXPECT_EQ(TotalLag(Group()), 5u);
}

TEST_P(QueueContract, WhatWasPublishedIsThereAfterReopening) {
  Put(0, 50);
  backend_->Reopen();
  EXPECT_EQ(ValuesOf(ReadMessages(*Join(), 50)), Values(0, 50));
}

TEST_P(QueueContract, EachGroupReadsEverything) {
  const auto one = Join("one"), two = Join("two");
  Put(0, 30);
  EXPECT_EQ(ValuesOf(ReadMessages(*one, 30)), Values(0, 30));
  EXPECT_EQ(ValuesOf(ReadMessages(*two, 30)), Values(0, 30));
}

TEST_P(QueueContract, MembersShareTheMessagesAndTakeOverFromOneThatLeaves) {
  auto one = Join();
  auto two = Join();
  // Both have partitions once each has been given something.
  std::map<std::string, int> by_one, by_two;
  int n = 0;
  ASSERT_TRUE(Await([&] {
    Put(n, n + 7), n += 7;
    for (auto [member, into] : {std::pair{one.get(), &by_one}, std::pair{two.get(), &by_two}}) {
      const auto got = member->Poll({.messages_max = 1000, .wait_ms = 50});
      EXPECT_TRUE(got.ok());
      for (const Message& message : *got) ++(*into)[message.key];
      EXPECT_TRUE(member->Commit(PositionsAfter(*got)).ok());
    }
    return !by_one.empty() && !by_two.empty();
  }));
  two.reset();
  Put(1000, 1100);
  // What the other had in hand may come as well.
  std::set<std::string> wanted;
  for (int i = 1000; i < 1100; ++i) wanted.insert("value " + std::to_string(i));
  EXPECT_TRUE(Await([&] {
    for (const Message& message : one->Poll({.messages_max = 100, .wait_ms = 100}).value()) wanted.erase(message.value);
    return wanted.empty();
  })) << wanted.size();
}

TEST_P(QueueContract, LagIsWhatAGroupHasNotCommitted) {
  const auto consumer = Join();
  Put(0, 30);
  EXPECT_EQ(TotalLag(Group()), 30u);
  const std::vector<Message> got = ReadMessages(*consumer, 30);
  EXPECT_EQ(TotalLag(Group()), 30u);
  ASSERT_TRUE(consumer->Commit(PositionsAfter(got)).ok());
  EXPECT_EQ(TotalLag(Group()), 0u);
  EXPECT_EQ(queue().Lags(Group())->size(), 3u);
}

TEST_P(QueueContract, ANoteStaysWithItsPlaceUntilTheNextCommit) {
  Put(0, 30);
  std::vector<Position> noted;
  {
    const auto consumer = Join();
    noted = PositionsAfter(ReadMessages(*consumer, 30));
    for (Position& each : noted) each.note = "of " + std::to_string(each.partition);
    ASSERT_TRUE(consumer->Commit(noted).ok());
    noted[0].note = "again";  // at the same place
    ASSERT_TRUE(consumer->Commit({&noted[0], 1}).ok());
  }
  backend_->Reopen();
  const auto next = Join();
  const auto stands = [&] {
    std::map<uint32_t, std::string> notes;
    for (const Position& each : next->Committed().value()) notes[each.partition] = each.note;
    return notes;
  };
  std::map<uint32_t, std::string> wanted;
  for (const Position& each : noted) wanted[each.partition] = each.note;
  ASSERT_TRUE(Await([&] {
    (void)next->Poll({.messages_max = 1, .wait_ms = 100}).value();
    return stands() == wanted;
  }));
  noted[0].note.clear();
  ASSERT_TRUE(next->Commit({&noted[0], 1}).ok());
  EXPECT_EQ(stands()[noted[0].partition], "");
  EXPECT_EQ(next->Commit(std::vector<Position>{{noted[0].topic, 0, 0, std::string(kNoteBytesMax + 1, 'x')}}).code(),
            Code::kTooLarge);
}

TEST_P(QueueContract, ABatchEndsAtItsCountAndAtItsBytes) {
  Put(0, 20);
  const auto consumer = Join();
  std::vector<Message> first;
  ASSERT_TRUE(Await([&] {
    first = consumer->Poll({.messages_max = 5, .wait_ms = 500, .linger_ms = 500}).value();
    return !first.empty();
  }));
  EXPECT_LE(first.size(), 5u);
  EXPECT_EQ(ReadMessages(*consumer, 20 - first.size()).size(), 20 - first.size());
  std::vector<Outgoing> large;
  for (int n = 0; n < 4; ++n) large.push_back({topic_, "one key", std::string(1000, 'x'), {}});
  ASSERT_TRUE(queue().Publish(large).ok());
  size_t batches = 0, got = 0;
  ASSERT_TRUE(Await([&] {
    const auto batch = consumer->Poll({.messages_max = 100, .bytes_max = 1500, .wait_ms = 200}).value();
    EXPECT_LE(batch.size(), 1u);
    batches += batch.empty() ? 0 : 1;
    got += batch.size();
    return got == 4;
  }));
  EXPECT_EQ(batches, 4u);
}

TEST_P(QueueContract, APollWaitsForItsFirstMessageAndLingersForMore) {
  const auto consumer = Join();
  EXPECT_EQ(consumer->Poll({.wait_ms = 20})->size(), 0u);
  std::thread publisher([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    Put(0, 1);
    Put(1, 3);
  });
  std::multiset<std::string> seen;
  EXPECT_TRUE(Await([&] {
    for (const Message& m : *consumer->Poll({.messages_max = 3, .wait_ms = 5'000, .linger_ms = 3'000}))
      seen.insert(m.value);
    return seen.size() == 3;
  }));
  publisher.join();
  EXPECT_EQ(seen, Values(0, 3));
}

TEST_P(QueueContract, AWokenPollReturnsAtOnce) {
  const auto consumer = Join();
  std::thread waker([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    consumer->Wake();
  });
  const int64_t before_ns = SystemClock().MonotonicNs();
  EXPECT_EQ(consumer->Poll({.wait_ms = 120'000})->size(), 0u);
  EXPECT_LT(SystemClock().MonotonicNs() - before_ns, 60'000'000'000);
  waker.join();
}

TEST_P(QueueContract, BrowsingShowsAndMovesNothing) {
  const auto consumer = Join();
  Put(0, 20);
  std::vector<Message> seen;
  for (uint32_t p = 0; p < queue().Partitions(topic_).value(); ++p) {
    const auto got = queue().Browse({topic_, p, 0}, 100);
    ASSERT_TRUE(got.ok()) << got.status().ToString();
    seen.insert(seen.end(), got->begin(), got->end());
  }
  EXPECT_EQ(ValuesOf(seen), Values(0, 20));
  EXPECT_EQ(TotalLag(Group()), 20u);
  const Message& one = seen.front();
  const auto again = queue().Browse({topic_, one.partition, one.offset}, 1);
  ASSERT_EQ(again->size(), 1u);
  EXPECT_EQ(again->front().value, one.value);
}

TEST_P(QueueContract, AFullBacklogRefusesAndNamesWhomItWaitsFor) {
  const auto consumer = Join("slow");
  ASSERT_TRUE(queue().EnsureTopic(topic_, {.partitions = 3, .backlog_messages_max = 10}).ok());
  Put(0, 10);
  Status refused;
  // Kafka's backlog is looked at from time to time.
  ASSERT_TRUE(Await([&] {
    refused = queue().Publish(Make(10));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return !refused.ok();
  }));
  EXPECT_EQ(refused.code(), Code::kResourceExhausted);
  EXPECT_THAT(std::string(refused.message()), testing::HasSubstr(Group("slow")));
  EXPECT_TRUE(queue().Publish(Make(11), {.beyond_backlog = true}).ok());
  const std::vector<Message> got = ReadMessages(*consumer, 11);
  ASSERT_TRUE(consumer->Commit(PositionsAfter(got)).ok());
  EXPECT_TRUE(Await([&] { return queue().Publish(Make(12)).ok(); }));
}

TEST_P(QueueContract, WrongInputIsNamed) {
  EXPECT_EQ(queue().Publish({"nowhere" + suffix_, "", "x", {}}).code(), Code::kNotFound);
  EXPECT_EQ(queue().EnsureTopic("a b", {}).code(), Code::kInvalidArgument);
  EXPECT_EQ(queue().EnsureTopic("a", {.partitions = 0}).code(), Code::kInvalidArgument);
  EXPECT_EQ(queue().Publish({topic_, std::string(kKeyBytesMax + 1, 'k'), "", {}}).code(), Code::kTooLarge);
  EXPECT_EQ(queue().Publish({topic_, "", std::string(kValueBytesMax + 1, 'v'), {}}).code(), Code::kTooLarge);
  EXPECT_EQ(queue().Publish({topic_, "", "", {{"", "x"}}}).code(), Code::kInvalidArgument);
  const std::string nowhere = "nowhere" + suffix_;
  EXPECT_EQ(queue().Subscribe("g", {&nowhere, 1}).status().code(), Code::kNotFound);
  EXPECT_EQ(queue().Subscribe("g", {}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(queue().Partitions(nowhere).status().code(), Code::kNotFound);
  EXPECT_EQ(queue().Browse({nowhere, 0, 0}, 1).status().code(), Code::kNotFound);
}

TEST_P(QueueContract, AGroupIsRemovedOnceItsMembersLeft) {
  auto consumer = Join();
  EXPECT_EQ(ReadMessages(*consumer, 0).size(), 0u);
  Put(0, 3);
  EXPECT_EQ(ReadMessages(*consumer, 3).size(), 3u);
  EXPECT_EQ(queue().RemoveGroup(Group()).code(), Code::kFailedPrecondition);
  consumer.reset();
  EXPECT_TRUE(Await([&] { return queue().RemoveGroup(Group()).ok(); }));
  EXPECT_EQ(queue().RemoveGroup(Group("never")).code(), Code::kNotFound);
}

TEST_P(QueueContract, AMessageOfTheLargestSizePasses) {
  const std::string value(kValueBytesMax, 'v');
  ASSERT_TRUE(queue().Publish({topic_, "k", value, {}}).ok());
  const auto consumer = Join();
  const std::vector<Message> got = ReadMessages(*consumer, 1);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_TRUE(got[0].value == value);
}

}  // namespace
}  // namespace rhizome::queue
