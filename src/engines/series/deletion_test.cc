#include "engines/series/deletion.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "engines/series/block_testing.h"

namespace rhizome::series {
namespace {

using format::MatchKind;

Deletion Example() {
  return {77, -5, 9'000, {MatcherOf("job", MatchKind::kRegex, "w.*"), MatcherOf("up", MatchKind::kNotEqual, "")}};
}

TEST(DeletionRecord, EncodingRoundTrips) { EXPECT_EQ(DecodeDeletion(EncodeDeletion(Example())).value(), Example()); }

// The bytes in the golden file are what this version writes; they may never change meaning.
TEST(DeletionRecord, GoldenFileStillDecodes) {
  std::ifstream file(RHIZOME_SOURCE_DIR "/src/engines/series/testdata/deletion_v1.bin", std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  EXPECT_EQ(bytes.str(), EncodeDeletion(Example()));
  EXPECT_EQ(DecodeDeletion(bytes.str()).value(), Example());
}

TEST(DeletionRecord, EveryTruncationAndAnythingBehindItIsCorruption) {
  const std::string bytes = EncodeDeletion(Example());
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(DecodeDeletion(std::string_view(bytes).substr(0, length)).status().code(), Code::kCorruption) << length;
  }
  EXPECT_EQ(DecodeDeletion(bytes + "x").status().code(), Code::kCorruption);
}

TEST(DeletionRecord, ImpossibleValuesAreCorruption) {
  Deletion backwards = Example();
  backwards.to_ms = -6;
  Deletion everything = Example();
  everything.matchers.clear();
  for (const Deletion& deletion : {backwards, everything}) {
    EXPECT_EQ(DecodeDeletion(EncodeDeletion(deletion)).status().code(), Code::kCorruption);
  }
  std::string other_kind = EncodeDeletion(Example());
  other_kind[0] = 0x21;
  EXPECT_EQ(DecodeDeletion(other_kind).status().code(), Code::kCorruption);
}

}  // namespace
}  // namespace rhizome::series
