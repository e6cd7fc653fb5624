#include "format/register.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <sstream>

namespace rhizome::format {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

PointId Named(std::string_view text) { return PointId::FromString(text).value(); }
std::string PointKey(uint64_t n) { return "p" + PointId(n).Encode(); }

std::vector<RegisterVersion> Some(uint64_t count) {
  std::vector<RegisterVersion> entries;
  for (uint64_t n = 0; n < count; ++n) entries.push_back({PointKey(n), {1000 + n, 7}, n % 3 == 0});
  return entries;
}

RangeDigest DigestOf(const std::vector<RegisterVersion>& entries, uint32_t bits) {
  RangeDigest digest(bits);
  for (const RegisterVersion& entry : entries) AddToDigest(digest, entry);
  return digest;
}

InventoryPage GoldenPage() { return {Some(3), PointKey(2)}; }

TEST(Register, ADigestDoesNotDependOnTheOrder) {
  std::vector<RegisterVersion> entries = Some(300);
  const RangeDigest digest = DigestOf(entries, 4);
  std::shuffle(entries.begin(), entries.end(), std::mt19937(1));
  EXPECT_EQ(DigestOf(entries, 4), digest);
}

TEST(Register, ADigestTellsEveryDifferenceAndItsLeaf) {
  const std::vector<RegisterVersion> entries = Some(300);
  const RangeDigest digest = DigestOf(entries, 6);
  const uint32_t leaf = LeafOf(entries[5].key, 6);
  const auto differs = [&](auto change) {
    std::vector<RegisterVersion> other = entries;
    change(other);
    return DifferentLeaves(digest, DigestOf(other, 6));
  };
  EXPECT_THAT(differs([](auto&) {}), IsEmpty());
  EXPECT_THAT(differs([](auto& other) { other[5].version.time += 1; }), ElementsAre(leaf));
  EXPECT_THAT(differs([](auto& other) { other[5].version.node += 1; }), ElementsAre(leaf));
  EXPECT_THAT(differs([](auto& other) { other[5].tombstone = !other[5].tombstone; }), ElementsAre(leaf));
  EXPECT_THAT(differs([](auto& other) { other.erase(other.begin() + 5); }), ElementsAre(leaf));
}

TEST(Register, LeavesOfMoreBitsRefineThoseOfFewer) {
  for (uint64_t n = 0; n < 100; ++n) {
    EXPECT_EQ(LeafOf(PointKey(n), 0), 0u);
    EXPECT_EQ(LeafOf(PointKey(n), 12) >> 4, LeafOf(PointKey(n), 8));
  }
}

TEST(Register, LeavesAreEvenlyFilled) {
  const RangeDigest digest = DigestOf(Some(16'000), 4);
  for (const Leaf& leaf : digest.leaves) {
    EXPECT_GT(leaf.count, 800u);
    EXPECT_LT(leaf.count, 1200u);
  }
}

TEST(Register, AKeyIsTheOperationsKey) {
  const Operation put{{1, 1}, DeleteDocument{Named("doc")}};
  EXPECT_EQ(ParseRegisterKey(put.Key()).value(), (RegisterKey{true, Named("doc")}));
  const Operation point{{1, 1}, DeletePoint{PointId(5)}};
  EXPECT_EQ(ParseRegisterKey(point.Key()).value(), (RegisterKey{false, PointId(5)}));
}

TEST(Register, WhatIsNoKeyIsRefusedByField) {
  const std::string chunk = "p" + PointId::OfChunk(Named("doc"), 1).Encode();
  for (const std::string& key : {std::string(), std::string("p"), std::string("x") + PointId(1).Encode(), chunk}) {
    const Status status = ParseRegisterKey(key).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    EXPECT_EQ(status.field(), "key");
  }
}

TEST(Register, AChunkIsDecidedByItsDocument) {
  const PointId uuid = Named("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
  for (const PointId& document : {Named("doc"), uuid}) {
    EXPECT_EQ(RegisterOf(PointId::OfChunk(document, 4)), "d" + document.Encode());
    EXPECT_EQ(RegisterOf(document), "p" + document.Encode());
  }
}

TEST(Register, VersionsPagesAndDigestsRoundTrip) {
  EXPECT_EQ(DecodeRegisterVersions(EncodeRegisterVersions(Some(9))).value(), Some(9));
  EXPECT_EQ(DecodeInventoryPage(EncodeInventoryPage(GoldenPage())).value(), GoldenPage());
  EXPECT_EQ(DecodeRangeDigest(EncodeRangeDigest(DigestOf(Some(9), 3))).value(), DigestOf(Some(9), 3));
}

// Replicas of different builds compare these bytes; they may never change meaning.
TEST(Register, GoldenFileStillDecodes) {
  std::ifstream file(RHIZOME_SOURCE_DIR "/src/format/testdata/register_v1.bin", std::ios::binary);
  ASSERT_TRUE(file.is_open());
  std::stringstream bytes;
  bytes << file.rdbuf();
  const std::string page = EncodeInventoryPage(GoldenPage());
  EXPECT_EQ(bytes.str(), page + EncodeRangeDigest(DigestOf(Some(9), 2)));
  EXPECT_EQ(DecodeInventoryPage(bytes.str().substr(0, page.size())).value(), GoldenPage());
  EXPECT_EQ(DecodeRangeDigest(bytes.str().substr(page.size())).value(), DigestOf(Some(9), 2));
}

TEST(Register, EveryTruncationAndTrailingByteIsCorruption) {
  const std::string versions = EncodeRegisterVersions(Some(2)), page = EncodeInventoryPage(GoldenPage()),
                    digest = EncodeRangeDigest(DigestOf(Some(2), 1));
  const auto code = [](const auto& result) { return result.status().code(); };
  for (size_t n = 0; n < versions.size(); ++n) {
    EXPECT_EQ(code(DecodeRegisterVersions(versions.substr(0, n))), Code::kCorruption);
  }
  for (size_t n = 0; n < page.size(); ++n) {
    EXPECT_EQ(code(DecodeInventoryPage(page.substr(0, n))), Code::kCorruption);
  }
  for (size_t n = 0; n < digest.size(); ++n) {
    EXPECT_EQ(code(DecodeRangeDigest(digest.substr(0, n))), Code::kCorruption);
  }
  EXPECT_EQ(code(DecodeRegisterVersions(versions + "x")), Code::kCorruption);
  EXPECT_EQ(code(DecodeInventoryPage(page + "x")), Code::kCorruption);
  EXPECT_EQ(code(DecodeRangeDigest(digest + "x")), Code::kCorruption);
}

TEST(Register, UnknownFormatsAndTooManyBitsAreCorruption) {
  std::string digest = EncodeRangeDigest(DigestOf(Some(2), 1));
  digest[1] = 13;
  EXPECT_EQ(DecodeRangeDigest(digest).status().code(), Code::kCorruption);
  for (const std::string& bytes : {EncodeRegisterVersions(Some(2)), EncodeInventoryPage(GoldenPage())}) {
    const std::string unknown = "\x09" + bytes.substr(1);
    EXPECT_EQ(DecodeRegisterVersions(unknown).status().code(), Code::kCorruption);
    EXPECT_EQ(DecodeInventoryPage(unknown).status().code(), Code::kCorruption);
  }
}

}  // namespace
}  // namespace rhizome::format
