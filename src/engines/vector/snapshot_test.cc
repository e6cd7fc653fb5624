#include "engines/vector/snapshot.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace rhizome::vector {
namespace {

Manifest Example() {
  Manifest manifest;
  manifest.sequence = 3;
  manifest.lsn = 99;
  manifest.slots = 12;
  manifest.slot_table = "slots.3";
  manifest.graph = {{{"vectors.0", 100, 7}, {"codes.0", 50, 8}}, 12, 10, 4};
  manifest.text = {"text.3.seg"};
  manifest.payload = {"payload.2.seg", "payload.3.seg"};
  return manifest;
}

TEST(Manifest, EncodingRoundTrips) { EXPECT_EQ(DecodeManifest(EncodeManifest(Example())).value(), Example()); }

// The bytes in the golden file are what snapshots written by this version hold; they may never change meaning.
TEST(Manifest, GoldenFileStillDecodes) {
  std::ifstream file(RHIZOME_SOURCE_DIR "/src/engines/vector/testdata/manifest_v1.bin", std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  EXPECT_EQ(bytes.str(), EncodeManifest(Example()));
  EXPECT_EQ(DecodeManifest(bytes.str()).value(), Example());
}

TEST(Manifest, EveryTruncationAndBitFlipIsCorruption) {
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

TEST(Manifest, NamesThatLeaveTheDirectoryAreCorruption) {
  for (const char* name : {"../evil", "/etc/passwd", "a/b", "..", ""}) {
    Manifest manifest = Example();
    manifest.text = {name};
    EXPECT_EQ(DecodeManifest(EncodeManifest(manifest)).status().code(), Code::kCorruption) << name;
  }
}

}  // namespace
}  // namespace rhizome::vector
