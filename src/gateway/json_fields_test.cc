#include "gateway/json_fields.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "gateway/json_document.h"

namespace rhizome::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Item {
  uint64_t id = 0;
  std::vector<float> vector;
};
Status ReadJson(const boost::json::value& value, const JsonPath& path, Item& out) {
  return Fields(value, path).Required("id", out.id).Optional("vector", out.vector).Finish();
}

struct Body {
  std::string name;
  uint32_t limit = 10;
  std::optional<float> score;
  std::vector<Item> items;
  JsonText payload;
  bool flag = false;
};

Status Read(std::string_view text, Body& body) {
  const auto document = JsonDocument::Parse(text);
  if (!document.ok()) return document.status();
  const JsonPath path;
  Fields fields(document->root(), path);
  fields.Required("name", body.name, LengthBetween{1, 5})
      .Optional("limit", body.limit, Between{1, 100})
      .Optional("score", body.score, Between{-1, 1})
      .Optional("items", body.items, LengthBetween{1, 2})
      .Optional("payload", body.payload)
      .Optional("flag", body.flag);
  return fields.Finish();
}

Status Refusal(std::string_view text) {
  Body body;
  return Read(text, body);
}

TEST(Fields, ReadsEveryKind) {
  Body body;
  const Status status =
      Read(R"({"name":"n","limit":7,"score":0.5,"items":[{"id":18446744073709551615,"vector":[1,-2.5,3e0]}],)"
           R"("payload":{"a":[1,{"b":null}]},"flag":true})",
           body);
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(body.name, "n");
  EXPECT_EQ(body.limit, 7U);
  EXPECT_EQ(body.score, 0.5F);
  EXPECT_EQ(body.items[0].id, 18446744073709551615U);
  EXPECT_THAT(body.items[0].vector, ElementsAre(1, -2.5F, 3));
  EXPECT_EQ(body.payload.text, R"({"a":[1,{"b":null}]})");
  EXPECT_TRUE(body.flag);
}

TEST(Fields, AbsentAndNullLeaveDefaults) {
  Body body;
  ASSERT_TRUE(Read(R"({"name":"n","limit":null,"score":null})", body).ok());
  EXPECT_EQ(body.limit, 10U);
  EXPECT_FALSE(body.score.has_value());
}

TEST(Fields, AMissingFieldIsNamed) {
  EXPECT_EQ(Refusal("{}").field(), "name");
  EXPECT_EQ(Refusal(R"({"name":null})").field(), "name");
  EXPECT_EQ(Refusal(R"({"name":"n","items":[{"id":1},{}]})").field(), "items[1].id");
}

TEST(Fields, AnUnknownFieldIsNamedWithItsPath) {
  EXPECT_EQ(Refusal(R"({"name":"n","nmae":1})").field(), "nmae");
  EXPECT_EQ(Refusal(R"({"name":"n","items":[{"id":1,"vec":[]}]})").field(), "items[0].vec");
}

TEST(Fields, AWrongTypeIsNamedWithItsPath) {
  const Status status = Refusal(R"({"name":"n","items":[{"id":1,"vector":[1,"2"]}]})");
  EXPECT_EQ(status.field(), "items[0].vector[1]");
  EXPECT_THAT(std::string(status.message()), HasSubstr("must be a number, not a string"));
  EXPECT_EQ(Refusal("[]").field(), "body");
  EXPECT_EQ(Refusal(R"({"name":7})").field(), "name");
  EXPECT_EQ(Refusal(R"({"name":"n","payload":[]})").field(), "payload");
  EXPECT_EQ(Refusal(R"({"name":"n","flag":1})").field(), "flag");
  EXPECT_EQ(Refusal(R"({"name":"n","items":{}})").field(), "items");
}

TEST(Fields, IdsAreIntegersOnly) {
  for (const char* id : {"-1", "1.5", "18446744073709551616", "\"1\"", "1e3"}) {
    EXPECT_EQ(Refusal(R"({"name":"n","items":[{"id":)" + std::string(id) + "}]}").field(), "items[0].id") << id;
  }
}

TEST(Fields, NumbersBeyondAFloatAreRefusedWithTheirPlace) {
  EXPECT_EQ(Refusal(R"({"name":"n","items":[{"id":1,"vector":[0,1e39]}]})").field(), "items[0].vector[1]");
  EXPECT_EQ(Refusal(R"({"name":"n","score":-1e39})").field(), "score");
}

TEST(Fields, BoundsAreKept) {
  EXPECT_EQ(Refusal(R"({"name":"n","limit":0})").field(), "limit");
  EXPECT_EQ(Refusal(R"({"name":"n","limit":1000000000})").field(), "limit");
  EXPECT_EQ(Refusal(R"({"name":"n","limit":4294967297})").field(), "limit");
  EXPECT_EQ(Refusal(R"({"name":"n","score":1.5})").field(), "score");
  EXPECT_EQ(Refusal(R"({"name":""})").field(), "name");
  EXPECT_EQ(Refusal(R"({"name":"longer"})").field(), "name");
  EXPECT_EQ(Refusal(R"({"name":"n","items":[{"id":1},{"id":2},{"id":3}]})").field(), "items");
}

TEST(Fields, TheFirstFailureCounts) { EXPECT_EQ(Refusal(R"({"name":7,"limit":0,"x":1})").field(), "name"); }

}  // namespace
}  // namespace rhizome::gateway
