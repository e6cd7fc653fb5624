#include "workers/deliveries.h"

#include <gtest/gtest.h>

namespace rhizome::workers {
namespace {

using queue::Message;
using queue::Position;

Message At(uint32_t partition, uint64_t offset) {
  Message message;
  message.topic = "t";
  message.partition = partition;
  message.offset = offset;
  return message;
}

TEST(Deliveries, WhatIsDoneAccusesNobody) {
  Deliveries one;
  one.Learn(std::vector<Position>{{"t", 0, 5}});
  const std::vector<Message> run = {At(0, 5), At(0, 6)};
  EXPECT_TRUE(one.Follows(run[0]));
  EXPECT_EQ(one.Before(run), (std::vector<Position>{{"t", 0, 5, "begun 7;"}}));
  EXPECT_EQ(one.After(run), (std::vector<Position>{{"t", 0, 7}}));
  one.Done(run);
  EXPECT_TRUE(one.Follows(At(0, 7)));
  EXPECT_FALSE(one.Follows(At(0, 9)));
}

TEST(Deliveries, WhatWasInHandIsSuspectToTheNext) {
  Deliveries one;
  const std::vector<Message> run = {At(0, 5), At(1, 2), At(0, 6)};
  Deliveries next;
  next.Learn(one.Before(run));
  EXPECT_TRUE(next.IsSuspect(At(0, 6)));
  EXPECT_TRUE(next.IsSuspect(At(1, 2)));
  EXPECT_FALSE(next.IsSuspect(At(0, 7)));
  EXPECT_FALSE(next.IsSuspect(At(2, 0)));
  EXPECT_EQ(next.CountOf(At(0, 5)), 0u);
}

TEST(Deliveries, EachTimeASuspectIsAloneCounts) {
  const std::vector<Message> run = {At(0, 5), At(0, 6)};
  std::vector<Position> left = Deliveries().Before(run);
  for (uint32_t times = 1; times < 4; ++times) {
    Deliveries next;
    next.Learn(left);
    left = next.Before({&run[0], 1});
    Deliveries looking;
    looking.Learn(left);
    EXPECT_EQ(looking.CountOf(run[0]), times);
    EXPECT_EQ(looking.CountOf(run[1]), 0u);
    EXPECT_TRUE(looking.IsSuspect(run[1]));
  }
}

TEST(Deliveries, TheOthersStaySuspectWhenOneIsDone) {
  const std::vector<Message> run = {At(0, 5), At(0, 6)};
  Deliveries next;
  next.Learn(Deliveries().Before(run));
  EXPECT_EQ(next.After({&run[0], 1}), (std::vector<Position>{{"t", 0, 6, "begun 7;"}}));
  next.Done({&run[0], 1});
  EXPECT_TRUE(next.IsSuspect(run[1]));
  EXPECT_EQ(next.After({&run[1], 1}), (std::vector<Position>{{"t", 0, 7}}));
}

TEST(Deliveries, AnUnreadableNoteAccusesNobody) {
  for (const char* note : {"", "begun", "begun x;", "begun 7;5", "begun 7;5:;", "begun 7;5:99999999999;", "other 7;"}) {
    Deliveries one;
    one.Learn(std::vector<Position>{{"t", 0, 5, note}});
    EXPECT_FALSE(one.IsSuspect(At(0, 6))) << note;
    EXPECT_TRUE(one.Follows(At(0, 5))) << note;
  }
}

TEST(Deliveries, ANoteFitsWhateverHappened) {
  Deliveries one;
  std::string note = "begun 100000;";
  for (int i = 10; i < 500; ++i) note += std::to_string(i) + ":1;";
  one.Learn(std::vector<Position>{{"t", 0, 5, note}});
  const Message first = At(0, 5);
  EXPECT_LT(one.Before({&first, 1})[0].note.size(), queue::kNoteBytesMax);
}

}  // namespace
}  // namespace rhizome::workers
