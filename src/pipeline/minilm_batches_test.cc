#include "pipeline/minilm_batches.h"

#include <gtest/gtest.h>

#include <numeric>

#include "pipeline/minilm_lane.h"

namespace rhizome::pipeline {
namespace {

void Push(SequenceQueue& queue, size_t length, EmbedCall* call = nullptr) {
  queue.Push({.tokens = std::vector<int32_t>(length), .call = call});
}

std::vector<size_t> Take(SequenceQueue& queue) {
  std::vector<size_t> lengths;
  for (const Sequence& sequence : queue.TakeBatch()) lengths.push_back(sequence.tokens.size());
  return lengths;
}

TEST(SequenceQueue, EmptyQueueGivesAnEmptyBatch) {
  SequenceQueue queue({});
  EXPECT_TRUE(queue.TakeBatch().empty());
}

TEST(SequenceQueue, OldestGoesWithItsNeighboursInLengthLongestFirst) {
  SequenceQueue queue({.tokens_max = 330, .rows_max = 64});
  for (const size_t length : {100, 250, 99, 10, 101, 98}) Push(queue, length);
  EXPECT_EQ(Take(queue), (std::vector<size_t>{100, 99, 98}));
  EXPECT_EQ(Take(queue), (std::vector<size_t>{250}));
  EXPECT_EQ(Take(queue), (std::vector<size_t>{10}));  // with 101 it would be mostly padding
  EXPECT_EQ(Take(queue), (std::vector<size_t>{101}));
}

TEST(SequenceQueue, RareLengthIsNotLeftBehind) {
  SequenceQueue queue({.tokens_max = 64, .rows_max = 64});
  Push(queue, 256);
  for (int i = 0; i < 100; ++i) Push(queue, 8);
  EXPECT_EQ(Take(queue), (std::vector<size_t>{256}));
}

TEST(SequenceQueue, FewShortTextsGoTogetherWhateverTheirLengths) {
  SequenceQueue queue({});
  for (const size_t length : {4, 12, 20, 8}) Push(queue, length);
  EXPECT_EQ(Take(queue), (std::vector<size_t>{20, 12, 8, 4}));
}

TEST(SequenceQueue, RowsAreBounded) {
  SequenceQueue queue({.tokens_max = 100'000, .rows_max = 3});
  for (int i = 0; i < 7; ++i) Push(queue, 5);
  EXPECT_EQ(Take(queue).size(), 3u);
  EXPECT_EQ(Take(queue).size(), 3u);
  EXPECT_EQ(Take(queue).size(), 1u);
}

TEST(SequenceQueue, RemoveDropsOneCallsSequencesOnly) {
  SequenceQueue queue({});
  EmbedCall one;
  EmbedCall two;
  for (size_t i = 1; i <= 4; ++i) Push(queue, i, i % 2 == 0 ? &one : &two);
  EXPECT_EQ(queue.Remove(&one), 2u);
  EXPECT_EQ(Take(queue), (std::vector<size_t>{3, 1}));
  EXPECT_EQ(queue.size(), 0u);
}

// Every sequence comes out once, no batch passes the limits, and padding stays small on a real mix of lengths.
TEST(SequenceQueue, NothingIsLostAndLittleIsPadded) {
  const BatchLimits limits{.tokens_max = 1024, .rows_max = 64};
  SequenceQueue queue(limits);
  uint64_t state = 7;
  size_t pushed_tokens = 0;
  for (int i = 0; i < 2000; ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    const size_t length = 3 + (state >> 33) % 254;
    pushed_tokens += length;
    Push(queue, length);
  }
  size_t rows = 0;
  size_t padded = 0;
  while (queue.size() > 0) {
    const std::vector<size_t> batch = Take(queue);
    const size_t tokens = batch.size() * PaddedLength(batch.front());
    EXPECT_LE(tokens, limits.tokens_max);
    EXPECT_LE(batch.size(), limits.rows_max);
    rows += batch.size();
    padded += tokens;
  }
  EXPECT_EQ(rows, 2000u);
  EXPECT_LT(static_cast<double>(padded), 1.1 * static_cast<double>(pushed_tokens));
}

TEST(MiniLmInputs, PaddingIsMaskedOut) {
  std::vector<int32_t> tokens;
  std::vector<float> mask;
  const ov::Shape shape = FillInputs({{.tokens = {1, 2, 3}}, {.tokens = {4}}}, tokens, mask);
  EXPECT_EQ(shape, (ov::Shape{2, 4}));
  EXPECT_EQ(tokens, (std::vector<int32_t>{1, 2, 3, 0, 4, 0, 0, 0}));
  EXPECT_EQ(mask, (std::vector<float>{1, 1, 1, 0, 1, 0, 0, 0}));
}

}  // namespace
}  // namespace rhizome::pipeline
