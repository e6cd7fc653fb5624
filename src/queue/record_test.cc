#include "queue/record.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace rhizome::queue {
namespace {

const Outgoing kFirst{"t", "tenant:memory", "text", {{"task", "17"}, {"stage", "embed"}}};
const Outgoing kSecond{"t", "", std::string("\0\x01", 2), {}};

std::string RunBytes() {
  std::string bytes;
  const std::vector<const Outgoing*> messages = {&kFirst, &kSecond};
  PutRun(bytes, {{7, 3}, 41, 0, 1'700'000'000'123}, messages);
  return bytes;
}

Control Everything() {
  Control control;
  control.kind = Control::Kind::kCheckpoint;
  control.topics = {{1, "ingest.raw", {5, 0}}, {2, "dlq", {UINT64_MAX}}};
  control.groups = {{"embed", {{{1, 0}, 4}, {{1, 1}, 0}}}, {"empty", {}}};
  return control;
}

TEST(QueueRecord, NotesAreReadAsTheyWereWritten) {
  Control control = Everything();
  EXPECT_EQ(EncodeControl(control)[0], 1);  // as before there were notes
  control.notes = {{"embed", {{{1, 0}, std::string("\0note", 5)}, {{1, 1}, "x"}}}};
  const std::string bytes = EncodeControl(control);
  EXPECT_EQ(bytes[0], 2);
  EXPECT_EQ(DecodeControl(bytes).value(), control);
  for (size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(DecodeControl(bytes.substr(0, n)).ok());
}

TEST(QueueRecord, ARunIsReadAsItWasWritten) {
  const std::string bytes = RunBytes();
  const RunHeader header = DecodeRunHeader(bytes).value();
  EXPECT_EQ(header.partition, PartitionId(7, 3));
  EXPECT_EQ(header.first_offset, 41u);
  EXPECT_EQ(header.count, 2u);
  std::vector<Message> messages;
  uint64_t bytes_left = 1000;
  ASSERT_TRUE(DecodeRun(bytes, 0, 10, bytes_left, messages).ok());
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].key, kFirst.key);
  EXPECT_EQ(messages[0].value, kFirst.value);
  EXPECT_EQ(messages[0].headers, kFirst.headers);
  EXPECT_EQ(messages[0].offset, 41u);
  EXPECT_EQ(messages[0].published_ms, 1'700'000'000'123);
  EXPECT_EQ(messages[1].value, kSecond.value);
  EXPECT_EQ(messages[1].offset, 42u);
  EXPECT_EQ(bytes_left, 1000 - 6u);
}

TEST(QueueRecord, ReadingStartsAndStopsWhereItIsTold) {
  std::vector<Message> messages;
  uint64_t bytes_left = 1000;
  ASSERT_TRUE(DecodeRun(RunBytes(), 42, 10, bytes_left, messages).ok());
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].offset, 42u);
  messages.clear();
  ASSERT_TRUE(DecodeRun(RunBytes(), 0, 1, bytes_left, messages).ok());
  ASSERT_EQ(messages.size(), 1u);
  bytes_left = 1;  // the first always fits
  messages.clear();
  ASSERT_TRUE(DecodeRun(RunBytes(), 0, 10, bytes_left, messages).ok());
  EXPECT_EQ(messages.size(), 1u);
}

TEST(QueueRecord, ARunCutAnywhereIsCorruption) {
  const std::string bytes = RunBytes();
  for (size_t length = 0; length < bytes.size(); ++length) {
    std::vector<Message> messages;
    uint64_t bytes_left = 1000;
    EXPECT_EQ(DecodeRun(bytes.substr(0, length), 0, 10, bytes_left, messages).code(), Code::kCorruption) << length;
  }
}

TEST(QueueRecord, ARunOfNothingIsCorruption) {
  std::string bytes;
  PutRun(bytes, {{7, 3}, 41, 0, 0}, {});
  EXPECT_EQ(DecodeRunHeader(bytes).status().code(), Code::kCorruption);
}

TEST(QueueRecord, AControlIsReadAsItWasWrittenAndCutAnywhereIsCorruption) {
  const std::string bytes = EncodeControl(Everything());
  EXPECT_EQ(DecodeControl(bytes).value(), Everything());
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(DecodeControl(bytes.substr(0, length)).status().code(), Code::kCorruption) << length;
  }
  EXPECT_EQ(DecodeControl(bytes + "x").status().code(), Code::kCorruption);
}

TEST(QueueRecord, TheBytesStayWhatTheyAre) {
  std::ifstream file(RHIZOME_SOURCE_DIR "/src/queue/testdata/queue_v1.bin", std::ios::binary);
  const std::string golden((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_EQ(golden, RunBytes() + EncodeControl(Everything()));
}

}  // namespace
}  // namespace rhizome::queue
