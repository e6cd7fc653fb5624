#include "gateway/json_document.h"

#include <gtest/gtest.h>

#include <cmath>

namespace rhizome::gateway {
namespace {

using testing::HasSubstr;

Status Refusal(std::string_view text) { return JsonDocument::Parse(text).status(); }

std::string Nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(JsonDocument, KeepsIntegersExactly) {
  const auto document = JsonDocument::Parse(R"([18446744073709551615, -9223372036854775808, 9007199254740993])");
  ASSERT_TRUE(document.ok());
  EXPECT_EQ(document->root().at(0).as_uint64(), 18446744073709551615U);
  EXPECT_EQ(document->root().at(1).as_int64(), INT64_MIN);
  EXPECT_EQ(document->root().at(2).as_int64(), 9007199254740993);
}

TEST(JsonDocument, DoublesAreTheNearestOnes) {
  for (const char* text : {"0.1", "0.30000000000000004", "1.7976931348623157e308", "5e-324", "123456789.12345679",
                           "-2.2250738585072011e-308", "8.41e21", "9007199254740993.5"}) {
    const auto document = JsonDocument::Parse(text);
    ASSERT_TRUE(document.ok()) << text;
    EXPECT_EQ(document->root().as_double(), std::strtod(text, nullptr)) << text;
  }
}

TEST(JsonDocument, DepthIsBounded) {
  EXPECT_TRUE(JsonDocument::Parse(Nested(64)).ok());
  EXPECT_THAT(std::string(Refusal(Nested(65)).message()), HasSubstr("deeper than 64"));
  EXPECT_EQ(Refusal(Nested(1000)).code(), Code::kInvalidArgument);
  EXPECT_EQ(Refusal(std::string(1'000'000, '[')).code(), Code::kInvalidArgument);
}

TEST(JsonDocument, NumbersBeyondADoubleAreRefused) {
  for (const char* text : {"1e999", "[-1e400]", "{\"a\":1e309}", "1e99999999999999999999"}) {
    EXPECT_EQ(Refusal(text).code(), Code::kInvalidArgument) << text;
  }
}

TEST(JsonDocument, NanAndInfinityAreNotJson) {
  for (const char* text : {"NaN", "[nan]", "[Infinity]", "[-inf]"}) {
    EXPECT_EQ(Refusal(text).code(), Code::kInvalidArgument) << text;
  }
}

TEST(JsonDocument, ADuplicateKeyIsNamed) {
  EXPECT_EQ(Refusal(R"({"a":1,"b":{"c":1,"d":2,"c":3}})").field(), "c");
  EXPECT_EQ(Refusal("{\"a\":1,\"\\u0061\":2}").field(), "a");
  EXPECT_TRUE(JsonDocument::Parse(R"([{"a":1},{"a":2,"b":{"a":3}}])").ok());
}

TEST(JsonDocument, BadUtf8IsRefusedWithItsPlace) {
  EXPECT_THAT(std::string(Refusal("{\"a\":\"\xFF\"}").message()), HasSubstr("not valid UTF-8 at byte 6"));
  EXPECT_FALSE(Refusal("\"\xC0\xAF\"").ok());
  EXPECT_FALSE(Refusal("\"\\ud800\"").ok());
}

TEST(JsonDocument, WhatIsNotJsonIsRefused) {
  for (const char* text :
       {"", " ", "{", "[1,]", "{\"a\":1,}", "{a:1}", "// x\n1", "1 2", "'a'", "\"\n\"", "01", "+1"}) {
    EXPECT_EQ(Refusal(text).code(), Code::kInvalidArgument) << text;
  }
}

TEST(JsonDocument, TooManyValuesAreRefused) {
  std::string text = "[0";
  for (size_t i = 0; i < kJsonValuesMax; ++i) text += ",0";
  EXPECT_EQ(Refusal(text + "]").code(), Code::kTooLarge);
}

}  // namespace
}  // namespace rhizome::gateway
