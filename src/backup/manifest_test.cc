#include "backup/manifest.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "backup/chunk.h"

namespace rhizome::backup {
namespace {

ChunkRef Chunk(char digit, uint32_t registers) { return {std::string(64, digit), 100, 200, registers}; }

Manifest Golden() {
  Manifest manifest;
  Summary& summary = manifest.summary;
  summary.id = "20261121T120501999Z-5f0c9a1e";
  summary.parent = "20261120T120501000Z-00000001";
  summary.created_ms = 1'795'262'701'000;
  for (size_t i = 0; i < summary.collection.bytes.size(); ++i) summary.collection.bytes[i] = static_cast<uint8_t>(i);
  summary.spec.name = "papers";
  summary.spec.dimension = 384;
  summary.spec.metric = vector::Metric::kDot;
  summary.spec.embedder = "minilm";
  summary.spec.language = "german";
  summary.spec.shards = 2;
  summary.spec.replication_factor = 3;
  summary.registers = 6;
  summary.bytes = 300;
  summary.new_bytes = 100;
  PartitionRecord one;
  one.begin_lsn = 10;
  one.end_lsn = 12;
  one.bits = 1;
  one.leaves = {{{77, 5}, {Chunk('a', 3), Chunk('0', 2)}}, {{0, 0}, {}}};
  PartitionRecord two;
  two.begin_lsn = two.end_lsn = 11;
  two.leaves = {{{99, 1}, {Chunk('f', 1)}}};
  manifest.partitions = {one, two};
  return manifest;
}

std::string GoldenChunkBytes() {
  return EncodeChunk(std::vector<format::Operation>{{{7, 1}, format::DeletePoint{format::PointId(5)}}})->bytes;
}

bool Refused(const std::string& bytes) { return DecodeManifest(bytes).status().code() == Code::kCorruption; }

TEST(Manifest, RoundTrips) {
  EXPECT_EQ(DecodeManifest(EncodeManifest(Golden())).value(), Golden());
  EXPECT_EQ(DecodeSummary(EncodeManifest(Golden())).value(), Golden().summary);
}

TEST(Manifest, ItsBeginningHasTheSummaryAndNoMore) {
  const std::string bytes = EncodeManifest(Golden());
  EXPECT_EQ(DecodeSummary(bytes.substr(0, 300)).value(), Golden().summary);
  EXPECT_EQ(DecodeSummary(bytes.substr(0, 50)).status().code(), Code::kCorruption);
}

TEST(Manifest, GoldenFileStillDecodes) {
  std::ifstream file(RHIZOME_SOURCE_DIR "/src/backup/testdata/backup_v1.bin", std::ios::binary);
  ASSERT_TRUE(file.is_open());
  std::stringstream bytes;
  bytes << file.rdbuf();
  const std::string manifest = EncodeManifest(Golden());
  EXPECT_EQ(bytes.str(), manifest + GoldenChunkBytes());
  EXPECT_EQ(DecodeManifest(bytes.str().substr(0, manifest.size())).value(), Golden());
}

TEST(Manifest, EveryTruncationFlipAndTrailingByteIsCorruption) {
  const std::string bytes = EncodeManifest(Golden());
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_TRUE(Refused(bytes.substr(0, n))) << n;
    std::string flipped = bytes;
    flipped[n] = static_cast<char>(flipped[n] ^ 4);
    EXPECT_TRUE(Refused(flipped)) << n;
  }
  EXPECT_TRUE(Refused(bytes + "x"));
}

// Whole bytes with a right checksum, that no writer of ours makes.
TEST(Manifest, WhatContradictsItselfIsCorruption) {
  const auto changed = [](auto change) {
    Manifest manifest = Golden();
    change(manifest);
    return Refused(EncodeManifest(manifest));
  };
  EXPECT_FALSE(changed([](Manifest&) {}));
  EXPECT_TRUE(changed([](Manifest& m) { m.summary.spec.shards = 3; }));
  EXPECT_TRUE(changed([](Manifest& m) { m.summary.spec.name = "../up"; }));
  EXPECT_TRUE(changed([](Manifest& m) { m.summary.id = "../../etc"; }));
  EXPECT_TRUE(changed([](Manifest& m) { m.summary.parent = "x"; }));
  EXPECT_TRUE(changed([](Manifest& m) { m.summary.spec.dimension = 5'000; }));
  EXPECT_TRUE(changed([](Manifest& m) { m.partitions[0].end_lsn = 9; }));
  EXPECT_TRUE(changed([](Manifest& m) { m.partitions[0].leaves[0].digest.count = 4; }));
  EXPECT_TRUE(changed([](Manifest& m) { m.partitions[0].leaves[0].chunks[0].raw_bytes = kChunkRawBytesMax + 1; }));
  EXPECT_TRUE(changed([](Manifest& m) {
    m.partitions[0].leaves[0].chunks[0].registers = 5;
    m.partitions[0].leaves[0].chunks[1].registers = 0;
  }));
}

TEST(Manifest, IdsSortByTimeAndOthersAreRefused) {
  EXPECT_EQ(MakeId(1'795'262'701'999, 0x5f0c9a1e), "20261121T120501999Z-5f0c9a1e");
  EXPECT_EQ(MakeId(0, 1), "19700101T000000000Z-00000001");
  EXPECT_LT(MakeId(1'795'262'701'000, 0xffffffff), MakeId(1'795'262'701'001, 0));
  EXPECT_TRUE(CheckId(MakeId(1'795'262'701'000, 3)).ok());
  for (const std::string bad :
       {"", "20261121T120501999Z-5f0c9a1", "20261121T120501999Z-5F0C9A1E", "20261121T120501999Z-5f0c9a1/",
        "2026112xT120501999Z-5f0c9a1e", "20261121T120501999Z.5f0c9a1e"}) {
    EXPECT_EQ(CheckId(bad).field(), "snapshot") << bad;
  }
}

TEST(Manifest, DigestsFoldAndAddUpWhateverThePartitions) {
  std::vector<format::RegisterVersion> entries;
  for (uint64_t n = 0; n < 500; ++n) entries.push_back({"p" + format::PointId(n).Encode(), {n + 1, 1}, n % 5 == 0});
  const auto split = [&](size_t partitions, uint32_t bits) {
    std::vector<format::RangeDigest> digests(partitions, format::RangeDigest(bits));
    for (size_t i = 0; i < entries.size(); ++i) format::AddToDigest(digests[i * 7 % partitions], entries[i]);
    return digests;
  };
  const format::RangeDigest whole = split(1, 3)[0];
  EXPECT_EQ(Fold(split(1, 12)[0], 3), whole);
  EXPECT_EQ(WholeDigest(split(8, 3)), whole);
  auto mixed = split(3, 9);
  mixed[1] = Fold(mixed[1], 3);
  EXPECT_EQ(WholeDigest(mixed), whole);
  mixed[0].leaves[5].hash += 1;
  EXPECT_NE(WholeDigest(mixed), whole);
}

}  // namespace
}  // namespace rhizome::backup
