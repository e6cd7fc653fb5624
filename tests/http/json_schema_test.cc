#include "json_schema.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace rhizome::gateway {
namespace {

std::string Violation(const char* value, const char* schema) {
  const auto document = boost::json::parse(R"({"defs":{"Name":{"type":"string","minLength":2}}})");
  return SchemaViolation(boost::json::parse(value), boost::json::parse(schema), document, "v");
}

TEST(JsonSchema, AcceptsWhatFits) {
  EXPECT_EQ(Violation(R"({"a":[1,2],"b":"xy"})", R"({"type":"object","required":["a"],"additionalProperties":false,
      "properties":{"a":{"type":"array","items":{"type":"integer","minimum":0,"maximum":2}},"b":{"$ref":"#/defs/Name"}}})"),
            "");
  EXPECT_EQ(Violation("null", R"({"type":["string","null"]})"), "");
  EXPECT_EQ(Violation("1", R"({"oneOf":[{"type":"integer"},{"type":"string"}]})"), "");
}

TEST(JsonSchema, NamesWhatDoesNotFit) {
  EXPECT_NE(Violation("1", R"({"type":"string"})"), "");
  EXPECT_NE(Violation("1.5", R"({"type":"integer"})"), "");
  EXPECT_NE(Violation("{}", R"({"required":["a"]})"), "");
  EXPECT_NE(Violation(R"({"x":1})", R"({"properties":{},"additionalProperties":false})"), "");
  EXPECT_NE(Violation(R"({"x":"a"})", R"({"additionalProperties":{"type":"number"}})"), "");
  EXPECT_NE(Violation("[1]", R"({"minItems":2})"), "");
  EXPECT_NE(Violation("[1,2]", R"({"maxItems":1})"), "");
  EXPECT_NE(Violation("[1]", R"({"items":{"type":"string"}})"), "");
  EXPECT_NE(Violation("3", R"({"maximum":2})"), "");
  EXPECT_NE(Violation(R"("x")", R"({"enum":["a","b"]})"), "");
  EXPECT_NE(Violation(R"("x")", R"({"$ref":"#/defs/Name"})"), "");
  EXPECT_NE(Violation(R"("x y")", R"({"pattern":"^[a-z]+$"})"), "");
  EXPECT_NE(Violation("1", R"({"oneOf":[{"type":"integer"},{"type":"number"}]})"), "");
}

TEST(JsonSchema, AnUnknownKeywordIsAFailure) { EXPECT_NE(Violation("1", R"({"multipleOf":2})"), ""); }

}  // namespace
}  // namespace rhizome::gateway
