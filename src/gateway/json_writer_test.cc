#include "gateway/json_writer.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <limits>

namespace rhizome::gateway {
namespace {

TEST(JsonWriter, PutsCommasWhereTheyBelong) {
  JsonWriter writer;
  writer.BeginObject().Key("a").BeginArray().Integer(1).Integer(2).BeginObject().EndObject().EndArray();
  writer.Key("b").Bool(true).Key("c").Null().Key("d").Raw("[0]").Key("e").BeginArray().EndArray().EndObject();
  EXPECT_EQ(writer.Take(), R"({"a":[1,2,{}],"b":true,"c":null,"d":[0],"e":[]})");
}

TEST(JsonWriter, EveryByteOfAStringSurvives) {
  std::string text = "\"\\/\xC3\xA9\xE2\x82\xAC";
  for (char c = 0; c < 127; ++c) text += c;
  JsonWriter writer;
  writer.String(text);
  EXPECT_EQ(std::string(boost::json::parse(writer.Take()).as_string()), text);
}

TEST(JsonWriter, NumbersReadBackAsTheSame) {
  JsonWriter writer;
  writer.BeginArray().Number(0.1F).Number(-1e-30F).Number(0.1).Integer(UINT64_MAX).Integer(INT64_MIN).EndArray();
  EXPECT_EQ(writer.Take(), "[0.1,-1e-30,0.1,18446744073709551615,-9223372036854775808]");
}

TEST(JsonWriter, WhatJsonCannotSayIsNull) {
  JsonWriter writer;
  writer.Number(std::numeric_limits<float>::infinity());
  EXPECT_EQ(writer.Take(), "null");
}

}  // namespace
}  // namespace rhizome::gateway
