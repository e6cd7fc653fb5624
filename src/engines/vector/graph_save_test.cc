#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <set>
#include <thread>

#include "base/scratch_testing.h"
#include "engines/vector/graph/graph_test_data.h"
#include "engines/vector/graph_file.h"
#include "engines/vector/graph_index.h"
#include "engines/vector/graph_store.h"
#include "io/sim_disk.h"

namespace rhizome::vector {
namespace {

constexpr size_t kDimension = 16;

GraphOptions L2Options() { return {.dimension = kDimension, .metric = Metric::kL2, .capacity = 1 << 20}; }

class SavedIndex : public testing::Test {
 protected:
  SavedIndex() { EXPECT_TRUE(disk.CreateDirectory("v").ok()); }

  SavedGraph Save(GraphIndex& index, const SavedGraph& previous = {}) {
    auto saved = index.Save(disk, "v", previous, index.size());
    EXPECT_TRUE(saved.ok()) << saved.status().ToString();
    return std::move(saved).value();
  }
  Result<std::unique_ptr<GraphIndex>> Open(const SavedGraph& saved, const SlotSet& dead = {}) {
    return GraphIndex::Open(L2Options(), disk, "v", saved, dead);
  }
  size_t NewFiles(const SavedGraph& before, const SavedGraph& after) {
    size_t count = 0;
    for (const SavedFile& file : after.files) {
      count += std::find(before.files.begin(), before.files.end(), file) == before.files.end() ? 1 : 0;
    }
    return count;
  }

  io::SimDisk disk;
  const Rows data = Clustered(18000, kDimension, 30, 1);
};

TEST_F(SavedIndex, AnswersAsBefore) {
  auto index = Filled(Metric::kL2, data);
  const SavedGraph saved = Save(*index);
  disk.Crash();  // what Save returned is durable
  auto opened = Open(saved);
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  EXPECT_EQ((*opened)->size(), 18000u);
  EXPECT_EQ((*opened)->pending(), 0u);
  for (size_t i = 0; i < 50; ++i) {
    const auto before = *index->Search(data[i * 300], {.k = 10, .ef = 80});
    const auto after = *(*opened)->Search(data[i * 300], {.k = 10, .ef = 80});
    ASSERT_EQ(before.size(), after.size());
    for (size_t j = 0; j < before.size(); ++j) EXPECT_EQ(before[j].slot, after[j].slot);
  }
  EXPECT_TRUE(GraphIndex::Verify(disk, "v", saved).ok());
}

TEST_F(SavedIndex, GoesOnGrowingAfterOpening) {
  const Rows more = Clustered(1000, kDimension, 30, 1, 9);
  auto index = Filled(Metric::kL2, data.Slice(0, 16000));
  const SavedGraph first = Save(*index);
  index = std::move(Open(first)).value();
  for (size_t i = 0; i < more.size(); ++i) ASSERT_EQ(*index->Append(more[i]), 16000 + i);
  index->Absorb(1000);
  EXPECT_GE(Recall(*index, more.Slice(0, 50), {.k = 10}), 0.97);
  auto again = Open(Save(*index, first));
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ((*again)->size(), 17000u);
  EXPECT_GE(Recall(**again, more.Slice(0, 50), {.k = 10}), 0.97);
}

TEST_F(SavedIndex, UnlinkedSlotsComeBackPending) {
  auto index = NewIndex(Metric::kL2, kDimension);
  AppendAll(*index, data, 0, 5000);
  index->Absorb(4000);
  auto opened = std::move(Open(Save(*index))).value();
  EXPECT_EQ(opened->linked(), 4000u);
  EXPECT_EQ(opened->pending(), 1000u);
  EXPECT_GE(Recall(*opened, data.Slice(4000, 4050), {.k = 10}), 0.97);
}

TEST_F(SavedIndex, FewVectorsAreSavedWithoutAGraph) {
  for (const size_t count : {size_t{0}, size_t{1}, size_t{1000}, size_t{1023}}) {
    auto index = NewIndex(Metric::kL2, kDimension);
    AppendAll(*index, data, 0, count);
    auto opened = Open(Save(*index));
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    EXPECT_EQ((*opened)->size(), count);
    for (size_t i = count; i < 3000; ++i) ASSERT_TRUE((*opened)->Append(data[i]).ok());
    EXPECT_EQ((*opened)->Absorb(3000), 3000u);
    EXPECT_GE(Recall(**opened, data.Slice(0, 20), {.k = 5}), 0.97);
  }
}

TEST_F(SavedIndex, UnchangedFilesAreNotWrittenAgain) {
  auto index = Filled(Metric::kL2, data);
  const SavedGraph first = Save(*index);
  const SavedGraph second = Save(*index, first);
  EXPECT_EQ(NewFiles(first, second), 0u);
  auto opened = std::move(Open(second)).value();
  const SavedGraph third = Save(*opened, second);
  EXPECT_EQ(NewFiles(second, third), 0u);
  // One more pending slot: the last chunk of vectors, of codes and of level 0's rows.
  ASSERT_TRUE(opened->Append(data[0]).ok());
  const SavedGraph fourth = Save(*opened, third);
  EXPECT_EQ(NewFiles(third, fourth), 3u);
  EXPECT_TRUE(Open(fourth).ok());
  // A previous state that is not the last saved one (its manifest was never published): all rows again.
  EXPECT_TRUE(Open(Save(*opened, second)).ok());
}

TEST_F(SavedIndex, TheDeadAreWhatTheOwnerSays) {
  auto index = Filled(Metric::kL2, data.Slice(0, 4000));
  SlotSet dead(4000);
  for (Slot slot = 0; slot < 4000; slot += 2) dead.Add(slot);
  auto opened = std::move(Open(Save(*index), dead)).value();
  EXPECT_EQ(opened->live(), 2000u);
  const auto hits = *opened->Search(data[4], {.k = 50});
  for (const ScoredSlot& hit : hits) EXPECT_EQ(hit.slot % 2, 1u);
  // Repair starts over: which rows had been mended is not saved.
  EXPECT_EQ(opened->unrepaired(), 2000u);
  while (opened->Repair(1000) > 0) {
  }
  EXPECT_EQ(opened->unrepaired(), 0u);
  EXPECT_GE(Recall(*opened, data.Slice(0, 50), {.k = 10}), 0.97);
}

TEST_F(SavedIndex, SavingWhileWorkGoesOnGivesAnIndexThatAnswers) {
  auto index = NewIndex(Metric::kL2, kDimension);
  AppendAll(*index, data, 0, 4000);
  index->Absorb(4000);
  std::thread writer([&] { AppendAll(*index, data, 4000, 9000); });
  std::atomic<bool> stop{false};
  std::thread absorber([&] {
    while (!stop) index->Absorb(500);
  });
  SavedGraph saved;
  for (int i = 0; i < 4; ++i) {
    saved = Save(*index, saved);
    auto opened = Open(saved);
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    ASSERT_GE(Recall(**opened, data.Slice(0, 20), {.k = 10}), 0.95);
  }
  writer.join();
  stop = true;
  absorber.join();
}

TEST_F(SavedIndex, EveryDamagedFileIsFound) {
  auto index = NewIndex(Metric::kL2, kDimension);
  AppendAll(*index, data, 0, 3000);
  index->Absorb(3000);
  const SavedGraph saved = Save(*index);
  for (const SavedFile& file : saved.files) {
    for (const uint64_t offset : {uint64_t{0}, file.size / 2, file.size - 64, file.size - 20, file.size - 1}) {
      ASSERT_TRUE(disk.FlipBit("v/" + file.name, offset, 3).ok());
      EXPECT_EQ(GraphIndex::Verify(disk, "v", saved).code(), Code::kCorruption) << file.name << "@" << offset;
      EXPECT_EQ(Open(saved).status().code(), Code::kCorruption) << file.name << "@" << offset;
      ASSERT_TRUE(disk.FlipBit("v/" + file.name, offset, 3).ok());
    }
    auto opened = disk.Open("v/" + file.name, io::OpenMode::kReadWrite);
    const std::string bytes = *(*opened)->ReadAt(0, file.size);
    ASSERT_TRUE((*opened)->Truncate(file.size - 1).ok());
    EXPECT_EQ(Open(saved).status().code(), Code::kCorruption) << file.name;
    ASSERT_TRUE((*opened)->WriteAt(0, bytes).ok());
  }
  EXPECT_TRUE(Open(saved).ok());
}

TEST_F(SavedIndex, AMappedChunkIsCheckedByVerify) {
  auto index = NewIndex(Metric::kL2, kDimension);
  AppendAll(*index, data, 0, 17000);
  const SavedGraph saved = Save(*index);
  ASSERT_TRUE(disk.FlipBit("v/" + GraphFileName(GraphFileKind::kVectors, 0, 0, 1), 5000, 1).ok());
  EXPECT_TRUE(Open(saved).ok());
  EXPECT_EQ(GraphIndex::Verify(disk, "v", saved).code(), Code::kCorruption);
}

TEST_F(SavedIndex, AWrongListOfFilesIsRefused) {
  auto index = NewIndex(Metric::kL2, kDimension);
  AppendAll(*index, data, 0, 3000);
  const SavedGraph saved = Save(*index);
  SavedGraph wrong = saved;
  wrong.files.pop_back();
  EXPECT_EQ(Open(wrong).status().code(), Code::kCorruption);
  wrong = saved;
  wrong.files.push_back(saved.files[0]);
  EXPECT_EQ(Open(wrong).status().code(), Code::kCorruption);
  wrong = saved;
  wrong.slots -= 1;
  EXPECT_EQ(Open(wrong).status().code(), Code::kCorruption);
  wrong = saved;
  wrong.linked = wrong.slots + 1;
  EXPECT_EQ(Open(wrong).status().code(), Code::kCorruption);
  wrong = saved;
  wrong.files[0].checksum ^= 1;
  EXPECT_EQ(Open(wrong).status().code(), Code::kCorruption);
  wrong = saved;
  wrong.files[0].name = "gone";
  EXPECT_EQ(Open(wrong).status().code(), Code::kNotFound);
  GraphOptions other = L2Options();
  other.metric = Metric::kDot;
  EXPECT_EQ(GraphIndex::Open(other, disk, "v", saved, {}).status().code(), Code::kFailedPrecondition);
}

TEST_F(SavedIndex, AFailedSaveIsReportedAndTheNextOneIsWhole) {
  auto index = NewIndex(Metric::kL2, kDimension);
  AppendAll(*index, data, 0, 2000);
  index->Absorb(2000);
  const SavedGraph first = Save(*index);
  AppendAll(*index, data, 2000, 3000);
  index->Absorb(1000);
  for (const uint64_t nth : {0, 3, 10, 20}) {
    disk.FailOperation(nth, io::SimFault::kNoSpace);
    EXPECT_EQ(index->Save(disk, "v", first, index->size()).status().code(), Code::kNoSpace);
  }
  auto opened = Open(Save(*index, first));
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  EXPECT_EQ((*opened)->size(), 3000u);
  EXPECT_TRUE(Open(first).ok());
}

TEST(SavedOnARealDisk, VectorsAreMapped) {
  const ScratchFolder folder;
  const std::string& directory = folder.path();
  const Rows data = Clustered(17000, kDimension, 30, 2);
  auto index = Filled(Metric::kL2, data);
  const auto saved = index->Save(io::RealDisk(), directory, {}, index->size());
  ASSERT_TRUE(saved.ok()) << saved.status().ToString();
  {
    auto opened = GraphIndex::Open(L2Options(), io::RealDisk(), directory, *saved, {});
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    for (Slot slot = 0; slot < 17000; slot += 500) {
      EXPECT_TRUE(std::ranges::equal((*opened)->Vector(slot), index->Vector(slot)));
    }
    EXPECT_GE(Recall(**opened, data.Slice(0, 50), {.k = 10}), 0.97);
    EXPECT_EQ(*(*opened)->Append(data[0]), 17000u);
  }
  EXPECT_TRUE(GraphIndex::Verify(io::RealDisk(), directory, *saved).ok());
}

TEST(SavedGraphManifest, SurvivesARoundTripAndRefusesDamage) {
  const SavedGraph saved{{{"vectors0-00000000.1", 10, 20}, {"rows1-00000001.2", 30, 40}}, 9, 8, 7};
  const std::string bytes = EncodeSavedGraph(saved);
  const auto decoded = DecodeSavedGraph(bytes);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->files, saved.files);
  EXPECT_EQ(decoded->sequence, 7u);
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(DecodeSavedGraph(bytes.substr(0, length)).status().code(), Code::kCorruption) << length;
  }
  EXPECT_FALSE(DecodeSavedGraph(EncodeSavedGraph({{{"../x", 1, 1}}, 1, 1, 1})).ok());
  EXPECT_FALSE(DecodeSavedGraph(EncodeSavedGraph({{}, 1, 2, 1})).ok());
}

// The bytes of version 1, kept as a file: a change of them is a new version.
TEST(SavedGraphManifest, AgreesWithTheGoldenFile) {
  const GraphFooter footer{GraphFileKind::kRows, 2, Metric::kL2, 384, 32, 7, 16384, 0x0123456789ABCDEF};
  uint64_t checksum = 0;
  std::string bytes = EncodeGraphFooter(footer, checksum);
  bytes += EncodeSavedGraph({{{"rows2-00000007.00000000000b", 2097216, checksum}}, 4000000, 3999999, 11});
  const auto golden = io::ReadWholeFile(
      io::RealDisk(), std::string(RHIZOME_SOURCE_DIR) + "/src/engines/vector/testdata/saved_graph_v1.bin");
  ASSERT_TRUE(golden.ok()) << golden.status().ToString();
  EXPECT_EQ(bytes, *golden);
  const auto decoded = DecodeGraphFooter(golden->substr(0, GraphFooter::kSize), checksum);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(decoded->payload_checksum, footer.payload_checksum);
  EXPECT_EQ(decoded->level, 2);
}

// So are the members of the upper levels.
TEST(Representative, IsFixedForEver) {
  std::vector<Slot> members;
  for (unsigned level = 1; level < 5; ++level) {
    for (const Slot row : {0u, 1u, 2u}) members.push_back(Representative(level, row));
  }
  EXPECT_EQ(members, (std::vector<Slot>{28, 54, 90, 493, 1230, 2472, 16098, 37923, 72342, 377566, 1679808, 2602713}));
}

TEST(CleanRow, DropsIdsBeyondTheBoundAndClosesTheGap) {
  std::vector<uint32_t> row{1, 900, 3, kNoSlot, 5};
  CleanRow(row, 100);
  EXPECT_EQ(row, (std::vector<uint32_t>{1, 3, 5, kNoSlot, kNoSlot}));
}

}  // namespace
}  // namespace rhizome::vector
