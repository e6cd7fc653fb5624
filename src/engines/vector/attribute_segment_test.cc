#include "engines/vector/attribute_segment.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <cstring>

#include "base/hash.h"
#include "engines/vector/payload_index.h"
#include "engines/vector/text_index.h"
#include "io/sim_disk.h"

namespace rhizome::vector {
namespace {

const TextIndexOptions kText{{"none", false}, 1.2, 0.75, 2};

// Bytes at an aligned address, as a mapping would have them.
class Aligned {
 public:
  explicit Aligned(const std::string& bytes) : words_(bytes.size() / 8 + 1), size_(bytes.size()) {
    std::memcpy(words_.data(), bytes.data(), bytes.size());
  }
  std::string_view view() const { return {reinterpret_cast<const char*>(words_.data()), size_}; }

 private:
  std::vector<uint64_t> words_;
  size_t size_;
};

std::string PayloadBytes() {
  io::SimDisk disk;
  EXPECT_TRUE(disk.CreateDirectory("d").ok());
  PayloadIndex index;
  for (Slot slot = 3; slot < 40; ++slot) {
    EXPECT_TRUE(index.Add(slot, {{"a", slot % 5}, {"b", {{{"c", slot}}, {{"c", "x"}}}}}).ok());
  }
  index.Freeze();
  EXPECT_TRUE(index.WriteSegment(disk, "d", "s").ok());
  return *io::ReadWholeFile(disk, "d/s");
}

std::string TextBytes() {
  io::SimDisk disk;
  EXPECT_TRUE(disk.CreateDirectory("d").ok());
  auto index = TextIndex::Create(kText);
  for (Slot slot = 3; slot < 300; ++slot) {
    EXPECT_TRUE((*index)->Add(slot, "every w" + std::to_string(slot % 7) + " w" + std::to_string(slot)).ok());
  }
  (*index)->Freeze();
  EXPECT_TRUE((*index)->WriteSegment(disk, "d", "s").ok());
  return *io::ReadWholeFile(disk, "d/s");
}

Status OpenBytes(const std::string& bytes, SegmentKind kind) {
  const Aligned aligned(bytes);
  return SegmentFile::FromBytes(aligned.view(), kind).status();
}

// Reads whatever can be read of a payload segment.
void UsePayload(std::string_view bytes) {
  auto file = SegmentFile::FromBytes(bytes, SegmentKind::kPayload);
  if (!file.ok()) return;
  auto segment = PayloadSegment::FromFile(std::move(*file), "s");
  if (!segment.ok() || (*segment)->end_slot() - (*segment)->first_slot() > 1 << 20) return;  // spares memory
  const char* const filter =
      R"({"or": [{"field": "a", "range": {"gte": 0}}, {"not": {"field": "b", "nested": {"field": "c", "in": [4, "x"]}}}]})";
  const auto parsed = ParseFilter(boost::json::parse(filter));
  (void)EvaluateFilter(**segment, *parsed);
  (void)EstimateFilter(**segment, *parsed);
  const std::vector<std::shared_ptr<const PayloadSegment>> parts{*segment};
  io::SimDisk disk;
  (void)disk.CreateDirectory("d").ok();
  (void)MergePayloadSegments({disk, "d", "m"}, parts, SlotSet(9)).ok();
}

void UseText(std::string_view bytes) {
  auto file = SegmentFile::FromBytes(bytes, SegmentKind::kText);
  if (!file.ok()) return;
  auto segment = TextSegment::FromFile(std::move(*file), "s");
  if (!segment.ok()) return;
  TopSlots top(10);
  const TermScorer scorer{1, 1, 0.1};
  SearchPart(**segment, {{"every", scorer}, {"w3", scorer}, {"w17", scorer}}, nullptr, SlotSet(400, true), top);
  (void)top.Take();
  const std::vector<std::shared_ptr<const TextSegment>> parts{*segment};
  io::SimDisk disk;
  (void)disk.CreateDirectory("d").ok();
  (void)MergeTextSegments({disk, "d", "m", kText.analyzer}, parts, SlotSet(9)).ok();
}

// Puts a right checksum under wrong bytes.
std::string Resealed(std::string bytes) {
  uint64_t checksum = 0;
  const std::string_view covered = std::string_view(bytes).substr(0, bytes.size() - 16);
  for (size_t at = 0; at < covered.size(); at += size_t{1} << 20) {
    checksum = Checksum(covered.substr(at, size_t{1} << 20), checksum);
  }
  std::memcpy(bytes.data() + bytes.size() - 16, &checksum, sizeof(checksum));
  return bytes;
}

TEST(AttributeSegment, EveryFlippedByteIsCorruption) {
  for (const auto& [bytes, kind] :
       {std::pair(PayloadBytes(), SegmentKind::kPayload), std::pair(TextBytes(), SegmentKind::kText)}) {
    ASSERT_TRUE(OpenBytes(bytes, kind).ok());
    for (size_t at = 0; at < bytes.size(); ++at) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
      ASSERT_EQ(OpenBytes(damaged, kind).code(), Code::kCorruption) << at;
    }
  }
}

TEST(AttributeSegment, EveryTruncationIsCorruption) {
  const std::string bytes = PayloadBytes();
  for (size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_EQ(OpenBytes(bytes.substr(0, size), SegmentKind::kPayload).code(), Code::kCorruption) << size;
  }
}

TEST(AttributeSegment, WrongStructureUnderARightChecksumIsNeverAnAccessOutside) {
  for (const std::string& bytes : {PayloadBytes(), TextBytes()}) {
    for (size_t at = 0; at < bytes.size(); at += 2) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(at % 3 == 0 ? 0xFF : damaged[at] + 1);
      const Aligned aligned(Resealed(damaged));
      UsePayload(aligned.view());
      UseText(aligned.view());
    }
  }
}

// To renew the files after a deliberate change of the format, and of its version: RHIZOME_WRITE_GOLDEN=1.
void ExpectGolden(const std::string& name, const std::string& bytes) {
  const std::string path = std::string(RHIZOME_SOURCE_DIR) + "/src/engines/vector/testdata/" + name;
  if (std::getenv("RHIZOME_WRITE_GOLDEN") != nullptr) {
    ASSERT_TRUE(io::WriteFileAtomically(io::RealDisk(), path, bytes).ok());
  }
  const auto golden = io::ReadWholeFile(io::RealDisk(), path);
  ASSERT_TRUE(golden.ok()) << golden.status().ToString();
  EXPECT_TRUE(*golden == bytes) << name << " is not what this version writes";
}

TEST(AttributeSegment, WritesTheGoldenFiles) {
  ExpectGolden("payload.segment", PayloadBytes());
  ExpectGolden("text.segment", TextBytes());
}

TEST(AttributeSegment, KindsAreNotMixedUp) {
  EXPECT_EQ(OpenBytes(PayloadBytes(), SegmentKind::kText).code(), Code::kCorruption);
  EXPECT_EQ(OpenBytes(TextBytes(), SegmentKind::kPayload).code(), Code::kCorruption);
}

TEST(AttributeSegment, AnotherVersionIsRefused) {
  std::string bytes = PayloadBytes();
  bytes[8] = 2;
  const Status status = OpenBytes(Resealed(bytes), SegmentKind::kPayload);
  EXPECT_EQ(status.code(), Code::kCorruption);
  EXPECT_NE(status.message().find("version"), std::string::npos);
}

TEST(AttributeSegment, WriterFailuresAreReportedAndLeaveTheIndexAsItWas) {
  bool wrote = false;
  for (uint64_t failing = 1; !wrote; ++failing) {
    io::SimDisk disk;
    ASSERT_TRUE(disk.CreateDirectory("d").ok());
    PayloadIndex index;
    ASSERT_TRUE(index.Add(0, {{"a", 1}}).ok());
    index.Freeze();
    disk.FailOperation(failing, io::SimFault::kIoError);
    const auto written = index.WriteSegment(disk, "d", "s");
    wrote = written.ok();
    if (!wrote) {
      EXPECT_EQ(written.status().code(), Code::kIoError) << failing;
      EXPECT_TRUE(index.Segments().empty());
    }
    const auto filter = ParseFilter(boost::json::parse(R"({"field": "a", "match": 1})"));
    EXPECT_EQ(index.Evaluate(*filter, 1).Count(), 1u);
    ASSERT_LT(failing, 100u);
  }
}

TEST(AttributeSegment, ALeftoverOfACrashIsOverwritten) {
  io::SimDisk disk;
  ASSERT_TRUE(disk.CreateDirectory("d").ok());
  ASSERT_TRUE(io::WriteFileAtomically(disk, "d/s.tmp", std::string(100'000, 'x')).ok());
  PayloadIndex index;
  ASSERT_TRUE(index.Add(0, {{"a", 1}}).ok());
  index.Freeze();
  ASSERT_TRUE(index.WriteSegment(disk, "d", "s").ok());
  EXPECT_TRUE(PayloadIndex::Open(disk, "d", {"s"}).ok());
}

TEST(PlanMerge, TakesTheOldestRunOfSimilarSize) {
  const auto plan = [](const std::vector<uint64_t>& sizes) {
    std::vector<SegmentInfo> segments;
    for (const uint64_t size : sizes) segments.push_back({std::to_string(segments.size()), 0, 1, 1, size});
    return PlanMerge(segments);
  };
  EXPECT_TRUE(plan({}).empty());
  EXPECT_TRUE(plan({10, 10, 10}).empty());
  EXPECT_EQ(plan({10, 10, 10, 10}), (std::vector<std::string>{"0", "1", "2", "3"}));
  EXPECT_EQ(plan({1000, 10, 20, 30, 40, 15}), (std::vector<std::string>{"1", "2", "3", "4", "5"}));
  EXPECT_TRUE(plan({10, 100, 10, 100, 10, 100}).empty());
}

}  // namespace
}  // namespace rhizome::vector
