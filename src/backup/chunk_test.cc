#include "backup/chunk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include "base/hash.h"
#include "blob/blob.h"
#include "format/coding.h"

namespace rhizome::backup {
namespace {

using format::Operation;
using testing::HasSubstr;

std::vector<Operation> Some(size_t count) {
  std::vector<Operation> operations;
  for (uint64_t n = 0; n < count; ++n) {
    operations.push_back({{n + 1, 3}, format::UpsertPoint{{format::PointId(n), {1, 2, 3}, "title", "the text", ""}}});
  }
  operations.push_back({{9'999, 3}, format::DeletePoint{format::PointId(count)}});
  return operations;
}

// A chunk with any head, its reference as a hostile manifest could have it.
struct Crafted {
  ChunkRef ref;
  std::string bytes;
};
Crafted Craft(uint8_t packing, uint32_t raw_bytes, const std::string& raw, const std::string& body,
              uint32_t registers) {
  std::string bytes = "RZBC";
  format::PutU8(bytes, 1);
  format::PutU8(bytes, packing);
  format::PutU32(bytes, raw_bytes);
  format::PutU64(bytes, Checksum(raw));
  bytes += body;
  return {{blob::ContentName(bytes), static_cast<uint32_t>(bytes.size()), raw_bytes, registers}, bytes};
}
Crafted Plain(const std::vector<Operation>& operations, uint32_t registers) {
  const std::string raw = format::EncodeBatch(operations);
  return Craft(0, static_cast<uint32_t>(raw.size()), raw, raw, registers);
}
std::string Refusal(const Crafted& crafted) {
  const Status status = DecodeChunk(crafted.ref, crafted.bytes).status();
  EXPECT_EQ(status.code(), Code::kCorruption) << status.ToString();
  return std::string(status.message());
}
std::string Compressed(const std::string& raw) {
  std::string packed(ZSTD_compressBound(raw.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), raw.data(), raw.size(), 3));
  return packed;
}

TEST(Chunk, KeepsTheStampsOfRequests) {
  std::vector<Operation> operations = Some(2);
  operations[1].request = {{1}, 77};
  const auto chunk = EncodeChunk(operations).value();
  EXPECT_EQ(DecodeChunk(chunk.ref, chunk.bytes).value(), operations);
}

TEST(Chunk, FatesOfRequestsHaveNoPlaceInIt) {
  const std::string raw = format::EncodeBatch(Some(1), {{{1}, {{5, 1}, 77}}});
  EXPECT_THAT(Refusal(Craft(0, static_cast<uint32_t>(raw.size()), raw, raw, 2)), HasSubstr("fates"));
}

TEST(Chunk, RoundTripsAndIsSmallerThanItsRegisters) {
  const auto chunk = EncodeChunk(Some(200)).value();
  EXPECT_EQ(DecodeChunk(chunk.ref, chunk.bytes).value(), Some(200));
  EXPECT_EQ(chunk.ref.registers, 201u);
  EXPECT_LT(chunk.ref.bytes, chunk.ref.raw_bytes / 4);
}

TEST(Chunk, WhatDoesNotCompressIsKeptAsItIs) {
  const std::vector<Operation> one = {{{1, 1}, format::DeletePoint{format::PointId(5)}}};
  const auto chunk = EncodeChunk(one).value();
  EXPECT_EQ(chunk.bytes.substr(18), format::EncodeBatch(one));
  EXPECT_EQ(DecodeChunk(chunk.ref, chunk.bytes).value(), one);
}

TEST(Chunk, EqualRegistersHaveOneName) {
  EXPECT_EQ(EncodeChunk(Some(50))->ref, EncodeChunk(Some(50))->ref);
  EXPECT_NE(EncodeChunk(Some(50))->ref.content, EncodeChunk(Some(51))->ref.content);
}

TEST(Chunk, EveryTruncationAndFlipIsSeen) {
  const auto chunk = EncodeChunk(Some(20)).value();
  for (size_t n = 0; n < chunk.bytes.size(); ++n) {
    EXPECT_THAT(Refusal({chunk.ref, chunk.bytes.substr(0, n)}), HasSubstr("bytes instead of"));
    std::string flipped = chunk.bytes;
    flipped[n] = static_cast<char>(flipped[n] ^ 1);
    EXPECT_THAT(Refusal({chunk.ref, flipped}), HasSubstr("SHA-256"));
  }
}

TEST(Chunk, AKnownNameDoesNotMakeItTrue) {
  const std::string raw = format::EncodeBatch(Some(3));
  const auto size = static_cast<uint32_t>(raw.size());
  EXPECT_TRUE(DecodeChunk(Craft(0, size, raw, raw, 4).ref, Craft(0, size, raw, raw, 4).bytes).ok());
  EXPECT_THAT(Refusal(Craft(0, size, raw, raw, 3)), HasSubstr("4 registers instead of 3"));
  EXPECT_THAT(Refusal(Craft(2, size, raw, raw, 4)), HasSubstr("no chunk"));
  EXPECT_THAT(Refusal(Craft(0, size, "other", raw, 4)), HasSubstr("not hold what was put in"));
  EXPECT_THAT(Refusal(Craft(0, size + 1, raw, raw, 4)), HasSubstr("not hold what was put in"));
  EXPECT_THAT(Refusal(Craft(0, 3, "abc", "abc", 1)), HasSubstr(""));
  EXPECT_THAT(Refusal(Craft(1, size, raw, "not zstd", 4)), HasSubstr("not expand"));
  EXPECT_THAT(Refusal(Plain({{{}, format::DeletePoint{format::PointId(5)}}}, 1)), HasSubstr("without a version"));
  Crafted other = Craft(0, size, raw, raw, 4);
  other.ref.raw_bytes += 1;
  EXPECT_THAT(Refusal(other), HasSubstr("its manifest"));
}

TEST(Chunk, ABombExpandsToNoMoreThanItSays) {
  const std::string zeros(300 << 20, '\0');
  const std::string bomb = Compressed(zeros);
  ASSERT_LT(bomb.size(), 100'000u);
  EXPECT_THAT(Refusal(Craft(1, 1'000, zeros, bomb, 1)), HasSubstr("not expand"));
  EXPECT_THAT(Refusal(Craft(1, static_cast<uint32_t>(zeros.size()), zeros, bomb, 1)), HasSubstr("expands to"));
}

}  // namespace
}  // namespace rhizome::backup
