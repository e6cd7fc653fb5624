#include "pipeline/static_model.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/scratch_testing.h"
#include "format/coding.h"

namespace rhizome::pipeline {
namespace {

StaticModel Small() {
  StaticModel model;
  model.vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nlog\n";
  model.dimension = 2;
  for (int16_t i = 0; i < 12; ++i) model.codes.push_back(static_cast<int16_t>(1000 * i - 5000));
  model.name = StaticModelName(model);
  return model;
}

std::string Sealed(std::string bytes) {
  bytes.resize(bytes.size() - 8);
  format::PutU64(bytes, Checksum(bytes));
  return bytes;
}

TEST(StaticModel, ComesBackAsItWas) {
  const auto again = DecodeStaticModel(EncodeStaticModel(Small()));
  ASSERT_TRUE(again.ok()) << again.status().ToString();
  EXPECT_EQ(again->name, Small().name);
  EXPECT_EQ(again->vocabulary, Small().vocabulary);
  EXPECT_EQ(again->dimension, 2u);
  EXPECT_EQ(again->codes, Small().codes);
}

TEST(StaticModel, NameSaysTheDimensionAndChangesWithTheContent) {
  StaticModel other = Small();
  EXPECT_EQ(other.name.substr(0, 9), "static-2-");
  EXPECT_EQ(other.name.size(), 17u);
  other.codes[3] += 1;
  EXPECT_NE(StaticModelName(other), Small().name);
  other = Small();
  other.vocabulary.back() = 'x';
  EXPECT_NE(StaticModelName(other), Small().name);
}

TEST(StaticModel, EveryTruncationAndBitFlipIsCorruption) {
  const std::string bytes = EncodeStaticModel(Small());
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(DecodeStaticModel(bytes.substr(0, length)).status().code(), Code::kCorruption) << length;
  }
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string changed = bytes;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_EQ(DecodeStaticModel(changed).status().code(), Code::kCorruption) << bit;
  }
}

TEST(StaticModel, RowsAreAsManyAsPieces) {
  StaticModel model = Small();
  model.vocabulary += "shard\n";
  EXPECT_EQ(DecodeStaticModel(EncodeStaticModel(model)).status().code(), Code::kCorruption);
}

TEST(StaticModel, DimensionOfNothingIsCorruptionEvenUnderAGoodChecksum) {
  std::string bytes = EncodeStaticModel(Small());
  format::StoreFixed<uint32_t>(bytes.data() + 9, 0);
  EXPECT_EQ(DecodeStaticModel(Sealed(bytes)).status().code(), Code::kCorruption);
  format::StoreFixed<uint32_t>(bytes.data() + 9, kStaticDimensionMax + 1);
  EXPECT_EQ(DecodeStaticModel(Sealed(bytes)).status().code(), Code::kCorruption);
}

TEST(StaticModel, FileThatIsNoneIsNamed) {
  const ScratchFolder folder;
  const std::string path = folder.path() + "/static.model";
  EXPECT_EQ(ReadStaticModel(io::RealDisk(), path).status().code(), Code::kNotFound);
  ASSERT_TRUE(io::WriteFileAtomically(io::RealDisk(), path, "nothing of the kind").ok());
  const Status status = ReadStaticModel(io::RealDisk(), path).status();
  EXPECT_EQ(status.code(), Code::kCorruption);
  EXPECT_NE(status.message().find(path), std::string::npos) << status.ToString();
}

}  // namespace
}  // namespace rhizome::pipeline
