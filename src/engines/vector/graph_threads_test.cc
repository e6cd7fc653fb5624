// Readers beside a writer, an absorber and a repairer: run under the thread sanitizer by ./dev tsan.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "engines/vector/graph/graph_test_data.h"
#include "engines/vector/graph_index.h"

namespace rhizome::vector {
namespace {

TEST(GraphThreads, ReadersNeverSeeWhatTheyMustNot) {
  constexpr Slot kTotal = 6000;
  const Rows data = Clustered(kTotal, 16, 20, 1);
  auto index = NewIndex(Metric::kL2, 16);
  std::atomic<Slot> removed_below{0};  // every third slot below is removed for certain
  std::atomic<bool> stop{false};

  const auto read = [&](uint32_t seed) {
    std::mt19937 random(seed);
    SlotSet odd(kTotal);
    for (Slot slot = 1; slot < kTotal; slot += 2) odd.Add(slot);
    while (!stop) {
      const Slot removed = removed_below.load();
      const Slot size_before = index->size();
      const bool filtered = random() % 2 == 0;
      const Slot target = random() % kTotal;
      const auto hits = index->Search(data[target], {.k = 10, .filter = filtered ? &odd : nullptr});
      ASSERT_TRUE(hits.ok());
      const Slot size_after = index->size();
      for (const ScoredSlot& hit : *hits) {
        ASSERT_LT(hit.slot, size_after);
        ASSERT_TRUE(hit.slot >= removed || hit.slot % 3 != 0);
        ASSERT_TRUE(!filtered || hit.slot % 2 == 1);
      }
      // Its own vector is nearest once it is there and stays.
      if (target < size_before && target % 6 == 1) {
        ASSERT_FALSE(hits->empty());
        ASSERT_EQ((*hits)[0].score, 0.0f);
      }
    }
  };
  std::thread first(read, 1), second(read, 2);
  std::thread absorber([&] {
    while (!stop) index->Absorb(200, 2);
  });
  std::thread repairer([&] {
    while (!stop) index->Repair(50);
  });
  for (Slot slot = 0; slot < kTotal; ++slot) {
    ASSERT_TRUE(index->Append(data[slot]).ok());
    if (slot % 3 == 2 && slot > 300) {
      ASSERT_TRUE(index->Remove(slot - 302).ok());
      removed_below = slot - 301;
    }
  }
  while (index->pending() > 0) std::this_thread::yield();
  stop = true;
  for (std::thread* thread : {&first, &second, &absorber, &repairer}) thread->join();
  EXPECT_EQ(index->linked(), kTotal);
  while (index->Repair(kTotal) > 0) {
  }
  EXPECT_GE(Recall(*index, data.Slice(1, 60), {.k = 10}), 0.95);
}

}  // namespace
}  // namespace rhizome::vector
