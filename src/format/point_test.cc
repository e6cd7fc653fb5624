#include "format/point.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace rhizome::format {
namespace {

PointId Named(std::string_view text) { return PointId::FromString(text).value(); }

std::vector<Operation> EveryKind() {
  const Uuid uuid = *Uuid::Parse("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
  Point point{PointId(7), {1.0f, -0.5f}, "title", "text", R"({"n":1})"};
  PutDocument put;
  put.record = {Named("poppler-utils"), {1, 2}, "PDF tools", "packages.jsonl", R"({"section":"text"})", 2};
  put.chunks = {{PointId::OfChunk(put.record.id, 0), {0.25f}, "PDF tools", "first", "{}"},
                {PointId::OfChunk(put.record.id, 1), {}, "PDF tools", "second", ""}};
  return {{{1000, 1}, UpsertPoint{point}},
          {{1001, 1}, DeletePoint{PointId(uuid)}},
          {{1002, 1}, put},
          {{1003, 2}, DeleteDocument{Named("old")}}};
}

TEST(PointId, TextInUuidFormIsTheUuid) {
  EXPECT_EQ(Named("6BA7B810-9DAD-11D1-80B4-00C04FD430C8"), Named("6ba7b810-9dad-11d1-80b4-00c04fd430c8"));
}

TEST(PointId, ANumberAndItsDecimalTextAreTwoPoints) { EXPECT_NE(PointId(5), Named("5")); }

TEST(PointId, EncodingRoundTripsAndKeepsOrder) {
  const std::vector<PointId> ordered = {PointId(0),   PointId(255),  PointId(256), PointId(UINT64_MAX),
                                        Named("abc"), Named("abcd"), Named("b")};
  for (size_t i = 0; i < ordered.size(); ++i) {
    EXPECT_EQ(PointId::Decode(ordered[i].Encode()).value(), ordered[i]);
    if (i > 0) {
      EXPECT_LT(ordered[i - 1].Encode(), ordered[i].Encode());
    }
  }
}

TEST(PointId, BadStringsAreRefusedWithTheirField) {
  for (const std::string& text : {std::string(), std::string(513, 'a'), std::string("\xFF"), std::string("a#1")}) {
    const Status status = PointId::FromString(text).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    EXPECT_EQ(status.field(), "id");
  }
}

TEST(PointId, AChunkRoutesWithItsDocument) {
  for (const PointId& document : {PointId(5), Named("doc"), Named("6ba7b810-9dad-11d1-80b4-00c04fd430c8")}) {
    EXPECT_EQ(PointId::OfChunk(document, 3).RoutingKey(), document.RoutingKey());
  }
}

TEST(PointId, AnEncodedChunkIsKnownByItsMark) {
  EXPECT_TRUE(PointId::IsChunk(PointId::OfChunk(Named("doc"), 3).Encode()));
  EXPECT_FALSE(PointId::IsChunk(Named("doc").Encode()));
  EXPECT_FALSE(PointId::IsChunk(PointId('#').Encode()));
}

TEST(PointId, AChunkCanBeReferredToByItsText) {
  const PointId chunk = PointId::OfChunk(Named("doc"), 3);
  EXPECT_EQ(PointId::Reference("doc#3").value(), chunk);
}

TEST(PointId, ForeignBytesAreCorruption) {
  for (const std::string& bytes :
       {std::string(), std::string("\x01"), std::string("\x01\x02"), std::string("\x09zz"), std::string("\x03\xFF")}) {
    EXPECT_EQ(PointId::Decode(bytes).status().code(), Code::kCorruption);
  }
}

TEST(OperationBatch, EveryKindRoundTrips) {
  const std::vector<Operation> operations = EveryKind();
  EXPECT_THAT(DecodeBatch(EncodeBatch(operations)).value(), testing::ContainerEq(operations));
}

// The bytes in the golden file are what logs written by this version hold; they may never change meaning.
TEST(OperationBatch, GoldenFileStillDecodes) {
  std::ifstream file(RHIZOME_SOURCE_DIR "/src/format/testdata/operation_batch_v1.bin", std::ios::binary);
  ASSERT_TRUE(file.is_open());
  std::stringstream bytes;
  bytes << file.rdbuf();
  EXPECT_EQ(bytes.str(), EncodeBatch(EveryKind()));
  EXPECT_THAT(DecodeBatch(bytes.str()).value(), testing::ContainerEq(EveryKind()));
}

RequestStamp Stamp() {
  RequestStamp stamp;
  for (uint8_t i = 0; i < stamp.key.size(); ++i) stamp.key[i] = static_cast<uint8_t>(i * 17);
  stamp.content_hash = 0x0123456789ABCDEF;
  return stamp;
}

TEST(OperationBatch, ARequestStampTravelsWithTheOperations) {
  const OperationBatch read = DecodeOperationBatch(EncodeBatch(EveryKind(), Stamp())).value();
  EXPECT_EQ(read.operations, EveryKind());
  EXPECT_EQ(read.request, Stamp());
  EXPECT_EQ(DecodeOperationBatch(EncodeBatch(EveryKind())).value().request, std::nullopt);
}

TEST(OperationBatch, GoldenFileWithAStampStillDecodes) {
  std::ifstream file(RHIZOME_SOURCE_DIR "/src/format/testdata/operation_batch_stamped.bin", std::ios::binary);
  ASSERT_TRUE(file.is_open());
  std::stringstream bytes;
  bytes << file.rdbuf();
  EXPECT_EQ(bytes.str(), EncodeBatch(EveryKind(), Stamp()));
  EXPECT_EQ(DecodeOperationBatch(bytes.str()).value(), (OperationBatch{EveryKind(), Stamp()}));
}

TEST(OperationBatch, EveryTruncationIsCorruption) {
  for (const std::string& bytes : {EncodeBatch(EveryKind()), EncodeBatch(EveryKind(), Stamp())}) {
    for (size_t length = 0; length < bytes.size(); ++length) {
      EXPECT_EQ(DecodeBatch(std::string_view(bytes).substr(0, length)).status().code(), Code::kCorruption) << length;
    }
  }
}

TEST(OperationBatch, TrailingBytesAreCorruption) {
  EXPECT_EQ(DecodeBatch(EncodeBatch(EveryKind()) + "x").status().code(), Code::kCorruption);
}

TEST(OperationBatch, AnUnknownFormatOrKindIsCorruption) {
  std::string bytes = EncodeBatch(EveryKind());
  bytes[0] = 9;
  EXPECT_EQ(DecodeBatch(bytes).status().code(), Code::kCorruption);
  bytes = EncodeBatch(EveryKind());
  bytes[2] = 9;
  EXPECT_EQ(DecodeBatch(bytes).status().code(), Code::kCorruption);
}

TEST(StoredPoint, LiveAndDeadRoundTrip) {
  const StoredPoint live{{9, 1}, false, "t", "text", "{}"};
  const StoredPoint read = DecodeStoredPoint(EncodeStoredPoint(live)).value();
  EXPECT_EQ(read.version, live.version);
  EXPECT_EQ(read.text, "text");
  EXPECT_TRUE(DecodeStoredPoint(EncodeStoredPoint({{9, 1}, true, {}, {}, {}})).value().tombstone);
}

TEST(StoredVersion, IsReadFromEitherValueWithoutItsRest) {
  const StoredVersion live = DecodeStoredVersion(EncodeStoredPoint({{9, 1}, false, "t", "text", "{}"})).value();
  EXPECT_EQ(live.version, (Version{9, 1}));
  EXPECT_FALSE(live.tombstone);
  EXPECT_TRUE(DecodeStoredVersion(EncodeStoredDocument({{9, 1}, true, {}})).value().tombstone);
  EXPECT_EQ(DecodeStoredVersion("\x01\x02").status().code(), Code::kCorruption);
}

TEST(StoredPoint, TruncationIsCorruption) {
  const std::string bytes = EncodeStoredPoint({{9, 1}, false, "t", "text", "{}"});
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(DecodeStoredPoint(std::string_view(bytes).substr(0, length)).status().code(), Code::kCorruption);
  }
}

TEST(StoredDocument, LiveAndDeadRoundTrip) {
  const StoredDocument live{{9, 1}, false, {Named("d"), {1, 2}, "t", "s", "{}", 4}};
  EXPECT_EQ(DecodeStoredDocument(EncodeStoredDocument(live)).value().record, live.record);
  EXPECT_TRUE(DecodeStoredDocument(EncodeStoredDocument({{9, 1}, true, {}})).value().tombstone);
}

TEST(StoredDocument, TruncationIsCorruption) {
  const std::string bytes = EncodeStoredDocument({{9, 1}, false, {Named("d"), {1, 2}, "t", "s", "{}", 4}});
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(DecodeStoredDocument(std::string_view(bytes).substr(0, length)).status().code(), Code::kCorruption);
  }
}

}  // namespace
}  // namespace rhizome::format
