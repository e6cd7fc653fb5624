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

std::string Golden(const std::string& name) {
  std::ifstream file(RHIZOME_SOURCE_DIR "/src/format/testdata/" + name, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << name;
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
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
  const std::string bytes = Golden("operation_batch_v1.bin");
  EXPECT_EQ(bytes, EncodeBatch(EveryKind()));
  EXPECT_THAT(DecodeBatch(bytes).value(), testing::ContainerEq(EveryKind()));
}

RequestStamp Stamp() {
  RequestStamp stamp;
  for (uint8_t i = 0; i < stamp.key.size(); ++i) stamp.key[i] = static_cast<uint8_t>(i * 17);
  stamp.content_hash = 0x0123456789ABCDEF;
  return stamp;
}

// Every operation with a stamp but the last.
std::vector<Operation> Stamped() {
  std::vector<Operation> operations = EveryKind();
  for (size_t i = 0; i + 1 < operations.size(); ++i) operations[i].request = Stamp();
  operations[1].request->key[0] = 1;
  return operations;
}

std::vector<RequestFate> Fates() { return {{Stamp().key, {{1004, 2}, 99}}, {{}, {{1005, 3}, 1}}}; }

TEST(OperationBatch, AStampTravelsWithTheOperationItIsOf) {
  const OperationBatch read = DecodeOperationBatch(EncodeBatch(Stamped())).value();
  EXPECT_EQ(read.operations, Stamped());
  EXPECT_NE(read.operations[0].request, read.operations[1].request);
  EXPECT_EQ(read.operations.back().request, std::nullopt);
}

TEST(OperationBatch, AStampCostsNothingWhereThereIsNone) {
  std::vector<Operation> one = Stamped();
  one.resize(1);
  const size_t stamped = EncodeBatch(one).size();
  one[0].request.reset();
  EXPECT_EQ(EncodeBatch(one)[0], 1);
  EXPECT_EQ(stamped, EncodeBatch(one).size() + 24 + 1);  // and the count of fates
}

TEST(OperationBatch, FatesOfRequestsTravelWithoutOperations) {
  const OperationBatch read = DecodeOperationBatch(EncodeBatch({}, Fates())).value();
  EXPECT_TRUE(read.operations.empty());
  EXPECT_EQ(read.fates, Fates());
}

TEST(OperationBatch, FatesAreRefusedWhereOnlyOperationsMayBe) {
  EXPECT_EQ(DecodeBatch(EncodeBatch(Stamped(), Fates())).status().code(), Code::kCorruption);
}

TEST(OperationBatch, AStampedBatchWithoutAnythingOfRequestsIsCorruption) {
  std::string bytes = EncodeBatch(EveryKind()) + std::string(1, '\0');  // no fates
  bytes[0] = 3;
  EXPECT_EQ(DecodeOperationBatch(bytes).status().code(), Code::kCorruption);
}

TEST(OperationBatch, ACountOfFatesBeyondTheBytesIsCorruption) {
  std::string bytes = EncodeBatch({}, Fates());
  bytes[2] = 3;
  EXPECT_EQ(DecodeOperationBatch(bytes).status().code(), Code::kCorruption);
}

TEST(OperationBatch, GoldenFileWithStampsAndFatesStillDecodes) {
  const std::string bytes = Golden("operation_batch_v3.bin");
  EXPECT_EQ(bytes, EncodeBatch(Stamped(), Fates()));
  EXPECT_EQ(DecodeOperationBatch(bytes).value(), (OperationBatch{Stamped(), Fates()}));
}

// Format 2, no longer written: one stamp for the whole batch.
TEST(OperationBatch, TheStampOfAnOlderBatchIsEveryOperations) {
  const OperationBatch read = DecodeOperationBatch(Golden("operation_batch_stamped.bin")).value();
  std::vector<Operation> expected = EveryKind();
  for (Operation& operation : expected) operation.request = Stamp();
  EXPECT_EQ(read, (OperationBatch{expected, {}}));
}

TEST(OperationBatch, EveryTruncationIsCorruption) {
  for (const std::string& bytes :
       {EncodeBatch(EveryKind()), EncodeBatch(Stamped(), Fates()), Golden("operation_batch_stamped.bin")}) {
    for (size_t length = 0; length < bytes.size(); ++length) {
      const auto read = DecodeOperationBatch(std::string_view(bytes).substr(0, length));
      EXPECT_EQ(read.status().code(), Code::kCorruption) << length;
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
  for (const std::optional<RequestStamp>& request : {std::optional<RequestStamp>(), std::optional(Stamp())}) {
    const std::string bytes = EncodeStoredPoint({{9, 1}, false, "t", "text", "{}", request});
    for (size_t length = 0; length < bytes.size(); ++length) {
      EXPECT_EQ(DecodeStoredPoint(std::string_view(bytes).substr(0, length)).status().code(), Code::kCorruption);
    }
  }
}

TEST(StoredPoint, KeepsItsStampLiveAndDead) {
  for (const bool tombstone : {false, true}) {
    const std::string bytes = EncodeStoredPoint({{9, 1}, tombstone, "", "", "", Stamp()});
    EXPECT_EQ(DecodeStoredPoint(bytes).value().request, Stamp());
    EXPECT_EQ(DecodeStoredPoint(bytes).value().tombstone, tombstone);
    EXPECT_EQ(DecodeStoredVersion(bytes).value().request, Stamp());
    EXPECT_EQ(DecodeStoredVersion(bytes).value().version, (Version{9, 1}));
  }
}

TEST(StoredPoint, AnUnknownFormatIsCorruption) {
  std::string bytes = EncodeStoredPoint({{9, 1}, false, "t", "text", "{}"});
  bytes[0] = 3;
  EXPECT_EQ(DecodeStoredPoint(bytes).status().code(), Code::kCorruption);
  EXPECT_EQ(DecodeStoredVersion(bytes).status().code(), Code::kCorruption);
}

// Values as databases of either age hold them.
TEST(StoredValues, GoldenFileStillDecodes) {
  const StoredPoint point{{9, 1}, false, "t", "text", "{}"}, stamped{{9, 1}, false, "t", "text", "{}", Stamp()};
  const StoredDocument document{{9, 1}, false, {Named("d"), {1, 2}, "t", "s", "{}", 4}, Stamp()};
  EXPECT_EQ(Golden("stored_values.bin"), EncodeStoredPoint(point) + EncodeStoredPoint(stamped) +
                                             EncodeStoredDocument(document) +
                                             EncodeStoredDocument({{9, 1}, true, {}, Stamp()}));
}

TEST(StoredDocument, LiveAndDeadRoundTrip) {
  const StoredDocument live{{9, 1}, false, {Named("d"), {1, 2}, "t", "s", "{}", 4}};
  EXPECT_EQ(DecodeStoredDocument(EncodeStoredDocument(live)).value().record, live.record);
  EXPECT_TRUE(DecodeStoredDocument(EncodeStoredDocument({{9, 1}, true, {}})).value().tombstone);
}

TEST(StoredDocument, KeepsItsStampLiveAndDead) {
  const StoredDocument live{{9, 1}, false, {Named("d"), {1, 2}, "t", "s", "{}", 4}, Stamp()};
  EXPECT_EQ(DecodeStoredDocument(EncodeStoredDocument(live)).value().request, Stamp());
  EXPECT_EQ(DecodeStoredDocument(EncodeStoredDocument({{9, 1}, true, {}, Stamp()})).value().request, Stamp());
}

TEST(StoredDocument, TruncationIsCorruption) {
  const std::string bytes = EncodeStoredDocument({{9, 1}, false, {Named("d"), {1, 2}, "t", "s", "{}", 4}, Stamp()});
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(DecodeStoredDocument(std::string_view(bytes).substr(0, length)).status().code(), Code::kCorruption);
  }
}

}  // namespace
}  // namespace rhizome::format
