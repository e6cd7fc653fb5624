#include "engines/series/block.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <sstream>

#include "engines/series/block_testing.h"
#include "engines/series/mixed_data_testing.h"

namespace rhizome::series {
namespace {

using format::Labels;
using format::MatchKind;
using io::SimDisk;
using io::SimFault;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kPath = "block";

std::shared_ptr<const Block> MustOpen(io::Disk& disk) {
  auto block = Block::Open(disk, kPath);
  EXPECT_TRUE(block.ok()) << block.status().ToString();
  return std::move(block).value();
}

std::shared_ptr<const Block> MustMake(SimDisk& disk, const BlockContent& content = SmallContent(),
                                      Partition partition = kSmallPartition) {
  MustWrite(disk, kPath, partition, content);
  return MustOpen(disk);
}

std::vector<uint32_t> PlacesOf(const SeriesSet& set) {
  std::vector<uint32_t> places(set.cardinality());
  set.toUint32Array(places.data());
  return places;
}

StoredSamples ReadAll(const Block& block, uint32_t series) {
  StoredSamples samples;
  const Status read = block.Read(series, INT64_MIN, INT64_MAX, samples);
  EXPECT_TRUE(read.ok()) << read.ToString();
  KeepUndominated(samples.stamped);
  return samples;
}

void ExpectSame(const StoredSamples& a, const StoredSamples& b) {
  EXPECT_EQ(a.prompt.times, b.prompt.times);
  EXPECT_EQ(a.prompt.values, b.prompt.values);
  EXPECT_EQ(a.stamped, b.stamped);
}

TEST(Block, GivesBackWhatWasWritten) {
  SimDisk disk;
  const auto block = MustMake(disk);
  uint32_t place = 0;
  for (const auto& [labels, samples] : SmallContent()) {
    std::string bytes;
    block->LabelsOf(place, bytes);
    EXPECT_EQ(bytes, labels.bytes());
    ExpectSame(ReadAll(*block, place++), samples);
  }
  const BlockInfo& info = block->info();
  EXPECT_EQ(info.series, 3u);
  EXPECT_EQ(info.samples, 8u);
  EXPECT_EQ(info.min_time, 900);
  EXPECT_EQ(info.max_time, 3'500);
  EXPECT_EQ(info.partition, kSmallPartition);
  EXPECT_EQ(info.deletions_lsn, 17u);
  EXPECT_TRUE(block->Verify().ok());
}

TEST(Block, TellsWhatItsWriterTold) {
  SimDisk disk;
  const BlockInfo written = MustWrite(disk, kPath, kSmallPartition, SmallContent());
  EXPECT_EQ(MustOpen(disk)->info(), written);
}

TEST(Block, ManySeriesOfAllKindsComeBack) {
  SimDisk disk;
  BlockContent content;
  for (uint64_t n = 0; n < 300; ++n) {
    const std::string number = std::to_string(n * 7919 % 1000);
    StoredSamples samples{MakeSamples(KindOf(n), n, n % 7 == 0 ? 2'000 : 5), {}};
    for (uint64_t i = 0; i < n % 5 * 500; ++i) {
      samples.stamped.push_back({1'700'000'000'000 + static_cast<int64_t>(i / 3), static_cast<double>(i), ~i});
    }
    KeepUndominated(samples.stamped);
    content[LabelsOf({{"__name__", "m"}, {"n", number}, {"kind", NameOf(KindOf(n))}})] = samples;
  }
  const auto block = MustMake(disk, content, {0, INT64_MAX});
  uint32_t place = 0;
  for (const auto& [labels, samples] : content) {
    std::string bytes;
    block->LabelsOf(place, bytes);
    EXPECT_EQ(bytes, labels.bytes());
    ExpectSame(ReadAll(*block, place++), samples);
  }
  EXPECT_TRUE(block->Verify().ok());
}

TEST(Block, ReadsTheRangeAndNothingElse) {
  SimDisk disk;
  const auto block = MustMake(disk);
  StoredSamples samples;
  ASSERT_TRUE(block->Read(0, 1'001, 3'499, samples).ok());
  EXPECT_THAT(samples.prompt.times, ElementsAre(2'000));
  ASSERT_TRUE(block->Read(0, 3'500, 9'000, samples).ok());
  EXPECT_THAT(samples.prompt.times, ElementsAre(2'000, 3'500));
  ASSERT_TRUE(block->Read(1, 901, 1'001, samples).ok());
  EXPECT_THAT(samples.prompt.times, ElementsAre(2'000, 3'500, 1'001));
  EXPECT_EQ(samples.stamped.size(), 2u);
  samples.clear();
  ASSERT_TRUE(block->Read(0, 10, 9, samples).ok());
  ASSERT_TRUE(block->Read(0, 3'501, INT64_MAX, samples).ok());
  EXPECT_EQ(samples.prompt.size(), 0u);
}

TEST(Block, TellsWhereASeriesHasSamples) {
  SimDisk disk;
  const auto block = MustMake(disk);
  EXPECT_EQ(block->PresenceOf(0, 3'500, 4'000), Presence::kSome);
  EXPECT_EQ(block->PresenceOf(0, 500, 1'000), Presence::kSome);
  EXPECT_EQ(block->PresenceOf(0, 3'501, 4'000), Presence::kNone);
  EXPECT_EQ(block->PresenceOf(0, 1'001, 1'999), Presence::kUnknown);
  EXPECT_EQ(block->PresenceOf(2, 0, 1'999), Presence::kNone);
  EXPECT_EQ(block->PresenceOf(2, 0, 2'000), Presence::kSome);
  EXPECT_EQ(block->PresenceOf(2, 2'000, 1'999), Presence::kNone);
}

TEST(Block, SelectsBySetsOfMatchers) {
  SimDisk disk;
  const auto block = MustMake(disk);
  const auto select = [&](std::vector<format::Matcher> matchers) { return PlacesOf(block->Select(matchers)); };
  EXPECT_THAT(select({}), ElementsAre(0, 1, 2));
  EXPECT_THAT(select({MatcherOf("host", MatchKind::kEqual, "a")}), ElementsAre(0, 2));
  EXPECT_THAT(select({MatcherOf("host", MatchKind::kNotEqual, "a")}), ElementsAre(1));
  EXPECT_THAT(select({MatcherOf("__name__", MatchKind::kRegex, "c.*"), MatcherOf("host", MatchKind::kRegex, "[b-z]")}),
              ElementsAre(1));
  EXPECT_THAT(select({MatcherOf("zone", MatchKind::kEqual, "")}), ElementsAre(0, 1));
  EXPECT_THAT(select({MatcherOf("zone", MatchKind::kNotEqual, "")}), ElementsAre(2));
  EXPECT_THAT(select({MatcherOf("zone", MatchKind::kRegex, "y|")}), ElementsAre(0, 1));
  EXPECT_THAT(select({MatcherOf("none", MatchKind::kEqual, "")}), ElementsAre(0, 1, 2));
  EXPECT_THAT(select({MatcherOf("none", MatchKind::kRegex, ".+")}), IsEmpty());
  EXPECT_THAT(select({MatcherOf("host", MatchKind::kNotRegex, "a|b")}), IsEmpty());
}

// The index in memory is the model: both must select alike.
TEST(Block, SelectsAsTheIndexInMemoryDoes) {
  SimDisk disk;
  std::mt19937 random(5);
  BlockContent content;
  for (int i = 0; i < 400; ++i) {
    const std::string a = std::to_string(random() % 40), b = std::to_string(random() % 3), c = std::to_string(i);
    content[i % 3 ? LabelsOf({{"a", a}, {"b", b}, {"c", c}}) : LabelsOf({{"a", a}, {"c", c}})] = {{{1}, {1}}, {}};
  }
  const auto block = MustMake(disk, content);
  PostingsIndex index;
  uint32_t place = 0;
  for (const auto& [labels, samples] : content) index.Add(place++, labels);
  const char* const patterns[] = {"", "1", "2|3|", "1.*", ".*2", "[0-4]+", ".+", "3?"};
  for (int round = 0; round < 500; ++round) {
    std::vector<format::Matcher> matchers;
    for (unsigned i = 0; i < 1 + random() % 3; ++i) {
      const char* const names[] = {"a", "b", "c", "d"};
      matchers.push_back(MatcherOf(names[random() % 4], static_cast<MatchKind>(random() % 4), patterns[random() % 8]));
    }
    EXPECT_TRUE(block->Select(matchers) == index.Select(matchers));
  }
}

TEST(Block, ASeriesWithoutSamplesIsLeftOut) {
  SimDisk disk;
  BlockContent content = SmallContent();
  content[LabelsOf({{"__name__", "empty"}})] = {};
  EXPECT_EQ(MustMake(disk, content)->info().series, 3u);
}

TEST(Block, TheSeriesOfNoLabelsIsOne) {
  SimDisk disk;
  const auto block = MustMake(disk, {{Labels(), {{{5}, {1}}, {}}}});
  std::string bytes = "x";
  block->LabelsOf(0, bytes);
  EXPECT_EQ(bytes, "");
  EXPECT_EQ(ReadAll(*block, 0).prompt.size(), 1u);
}

// The bytes in the golden file are what blocks written by this version hold; they may never change meaning.
TEST(Block, GoldenFileStillReads) {
  std::ifstream file(RHIZOME_SOURCE_DIR "/src/engines/series/testdata/block_v1.bin", std::ios::binary);
  std::stringstream stream;
  stream << file.rdbuf();
  const std::string bytes = stream.str();
  EXPECT_EQ(bytes, BytesOf(kSmallPartition, SmallContent()));
  const auto block = Block::View(bytes).value();
  uint32_t place = 0;
  for (const auto& [labels, samples] : SmallContent()) ExpectSame(ReadAll(*block, place++), samples);
}

TEST(Block, EveryTruncationAndBitFlipIsCorruption) {
  const std::string bytes = BytesOf(kSmallPartition, SmallContent());
  const auto check = [](std::string_view damaged) {
    const auto block = Block::View(damaged);
    return block.ok() ? (*block)->Verify().code() : block.status().code();
  };
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(check(std::string_view(bytes).substr(0, length)), Code::kCorruption) << length;
    EXPECT_EQ(check(std::string_view(bytes).substr(length + 1)), Code::kCorruption) << length;
  }
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    EXPECT_EQ(check(flipped), Code::kCorruption) << bit;
  }
}

TEST(Block, DamageInAChunkIsFoundWhenItIsRead) {
  std::string bytes = BytesOf(kSmallPartition, SmallContent());
  bytes[10] = static_cast<char>(bytes[10] ^ 1);
  const auto block = Block::View(bytes).value();
  StoredSamples samples;
  EXPECT_EQ(block->Read(0, INT64_MIN, INT64_MAX, samples).code(), Code::kCorruption);
  EXPECT_TRUE(block->Read(1, INT64_MIN, INT64_MAX, samples).ok());
}

TEST(Block, OpeningNamesTheFile) {
  SimDisk disk;
  EXPECT_EQ(Block::Open(disk, kPath).status().code(), Code::kNotFound);
  ASSERT_TRUE(io::WriteFileAtomically(disk, kPath, "nothing").ok());
  const Status status = Block::Open(disk, kPath).status();
  EXPECT_EQ(status.code(), Code::kCorruption);
  EXPECT_NE(status.message().find(kPath), std::string::npos);
}

TEST(Block, EveryFailureOfTheDiskIsReported) {
  SimDisk counting;
  MustWrite(counting, kPath, kSmallPartition, SmallContent());
  for (uint64_t nth = 0; nth < counting.operations(); ++nth) {
    for (const SimFault fault : {SimFault::kIoError, SimFault::kNoSpace}) {
      SimDisk disk;
      disk.FailOperation(nth, fault);
      const Status status = [&]() -> Status {
        ASSIGN_OR_RETURN(auto writer, BlockWriter::Create(disk, kPath, kSmallPartition, 17));
        for (const auto& [labels, samples] : SmallContent()) RETURN_IF_ERROR(writer->Add(labels, samples));
        return writer->Finish().status();
      }();
      EXPECT_EQ(status.code(), fault == SimFault::kIoError ? Code::kIoError : Code::kNoSpace) << nth;
    }
  }
}

TEST(Block, AFullDiskIsReportedByAdd) {
  SimDisk disk;
  disk.SetCapacity(100'000);
  auto writer = BlockWriter::Create(disk, kPath, {0, INT64_MAX}, 0).value();
  Status status;
  for (uint64_t n = 100'000; n < 101'000 && status.ok(); ++n) {
    const std::string number = std::to_string(n);
    status = writer->Add(LabelsOf({{"n", number}}), {MakeSamples(Kind::kFullPrecision, n, 900), {}});
  }
  EXPECT_EQ(status.code(), Code::kNoSpace);
}

}  // namespace
}  // namespace rhizome::series
