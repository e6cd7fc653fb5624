#include "engines/series/manifest.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "engines/series/block_testing.h"

namespace rhizome::series {
namespace {

using format::MatchKind;

Manifest Example() {
  Manifest manifest;
  manifest.sequence = 9;
  manifest.lsn = 99;
  manifest.max_version = {123'456, 7};
  manifest.horizon_ms = -5;
  manifest.settled = {77, 66};
  CHECK(manifest.deletions.Add({55, 1, 2, {MatcherOf("job", MatchKind::kRegex, "w.*")}}, 44).ok());
  manifest.blocks = {"block.3", "block.9"};
  return manifest;
}

TEST(SeriesManifest, EncodingRoundTrips) {
  const Manifest manifest = DecodeManifest(EncodeManifest(Example())).value();
  EXPECT_EQ(manifest.sequence, 9u);
  EXPECT_EQ(manifest.lsn, 99u);
  EXPECT_EQ(manifest.max_version, (Version{123'456, 7}));
  EXPECT_EQ(manifest.horizon_ms, -5);
  EXPECT_EQ(manifest.settled, (Settled{77, 66}));
  EXPECT_EQ(manifest.blocks, Example().blocks);
  ASSERT_EQ(manifest.deletions.members().size(), 1u);
  EXPECT_EQ(manifest.deletions.members()[0].lsn, 44u);
  EXPECT_TRUE(manifest.deletions.Contains(Example().deletions.members()[0].deletion));
}

// The bytes in the golden file are what this version writes; they may never change meaning.
TEST(SeriesManifest, GoldenFileStillDecodes) {
  std::ifstream file(RHIZOME_SOURCE_DIR "/src/engines/series/testdata/manifest_v1.bin", std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  EXPECT_EQ(bytes.str(), EncodeManifest(Example()));
  EXPECT_TRUE(DecodeManifest(bytes.str()).ok());
}

TEST(SeriesManifest, EveryTruncationAndBitFlipIsCorruption) {
  const std::string bytes = EncodeManifest(Example());
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(DecodeManifest(std::string_view(bytes).substr(0, length)).status().code(), Code::kCorruption);
  }
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    EXPECT_EQ(DecodeManifest(flipped).status().code(), Code::kCorruption);
  }
}

// With the checksum put right.
TEST(SeriesManifest, EveryTruncationOfTheContentIsCorruption) {
  const std::string bytes = EncodeManifest(Example());
  for (size_t length = 0; length < bytes.size() - 8; ++length) {
    std::string cut = bytes.substr(0, length);
    format::PutU64(cut, Checksum(cut));
    EXPECT_EQ(DecodeManifest(cut).status().code(), Code::kCorruption) << length;
  }
}

TEST(SeriesManifest, NamesThatLeaveTheDirectoryAreCorruption) {
  for (const char* name : {"../evil", "/etc/passwd", "a/b", "..", "", "MANIFEST"}) {
    Manifest manifest = Example();
    manifest.blocks = {name};
    EXPECT_EQ(DecodeManifest(EncodeManifest(manifest)).status().code(), Code::kCorruption) << name;
  }
  Manifest manifest = Example();
  manifest.blocks = {std::string(101, 'a')};
  EXPECT_EQ(DecodeManifest(EncodeManifest(manifest)).status().code(), Code::kCorruption);
}

}  // namespace
}  // namespace rhizome::series
