#include "engines/vector/validation.h"

#include <gtest/gtest.h>

#include "engines/vector/replica_testing.h"

namespace rhizome::vector {
namespace {

using format::Operation;
using format::PointId;

std::string FieldOf(Operation operation, uint32_t dimension = kTestDimension, Metric metric = Metric::kCosine) {
  return std::string(ValidateOperations(std::vector{std::move(operation)}, dimension, metric).field());
}

TEST(Validation, GoodOperationsPassWhateverTheirVersions) {
  const std::vector<Operation> good = {Upsert(1, {}), Delete(2, {5, 1}), Put("doc", {}, 3), Remove("old", {})};
  EXPECT_TRUE(ValidateOperations(good, kTestDimension, Metric::kCosine).ok());
  EXPECT_TRUE(ValidateOperations({}, kTestDimension, Metric::kCosine).ok());
}

TEST(Validation, AVectorOfAnotherDimensionIsNamed) {
  EXPECT_EQ(FieldOf(Upsert(1, {}), kTestDimension + 1), "operations[0].vector");
  EXPECT_EQ(FieldOf(Upsert(1, {}), 0), "operations[0].vector");
  EXPECT_EQ(FieldOf(Put("doc", {}, 2), 3), "operations[0].chunks[0].vector");
}

TEST(Validation, AZeroVectorIsRefusedOnlyWhereItHasNoDirection) {
  Operation zero = Upsert(1, {});
  std::get<format::UpsertPoint>(zero.body).point.vector.assign(kTestDimension, 0.0f);
  EXPECT_EQ(FieldOf(zero), "operations[0].vector");
  EXPECT_EQ(FieldOf(zero, kTestDimension, Metric::kDot), "");
  EXPECT_EQ(FieldOf(zero, kTestDimension, Metric::kL2), "");
}

TEST(Validation, AKeyMayBeOnlyOnceInABatch) {
  const std::vector<Operation> twice = {Put("doc", {}, 1), Upsert(1, {}), Remove("doc", {})};
  EXPECT_EQ(ValidateOperations(twice, kTestDimension, Metric::kCosine).field(), "operations[2].id");
}

TEST(Validation, IdsThatWouldMeetThoseOfChunksAreRefused) {
  const PointId chunk = PointId::OfChunk(Named("doc"), 0);
  EXPECT_EQ(FieldOf({{}, format::DeletePoint{chunk}}), "operations[0].id");
  EXPECT_EQ(FieldOf({{}, format::DeleteDocument{chunk}}), "operations[0].id");
  EXPECT_EQ(FieldOf({{}, format::DeleteDocument{PointId(5)}}), "operations[0].id");
}

TEST(Validation, APayloadMustBeAJsonObject) {
  EXPECT_TRUE(ParsePayload("").value().is_object());
  EXPECT_TRUE(ParsePayload(R"({"a":1})").ok());
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += R"({"a":)";
  for (const std::string& bad : {std::string("[1]"), std::string("{"), std::string("5"), deep}) {
    EXPECT_EQ(ParsePayload(bad).status().field(), "payload") << bad;
  }
}

// An engine and a coordinator say the same.
TEST(Validation, AnEngineRefusesInTheSameWords) {
  TestReplica replica;
  Operation bad = Upsert(1, {});
  std::get<format::UpsertPoint>(bad.body).point.vector.resize(3);
  const std::vector<Operation> batch = {Delete(2, {}), bad};
  EXPECT_EQ(replica->Validate(batch).ToString(), ValidateOperations(batch, kTestDimension, Metric::kCosine).ToString());
}

}  // namespace
}  // namespace rhizome::vector
