#include "base/trace.h"

#include <gtest/gtest.h>

#include <set>

namespace rhizome {
namespace {

constexpr std::string_view kExample = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(Traceparent, WhatIsParsedPrintsTheSame) {
  const auto parsed = Traceparent::Parse(kExample);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->trace_id[0], 0x4b);
  EXPECT_EQ(parsed->trace_id[15], 0x36);
  EXPECT_EQ(parsed->span_id[7], 0xb7);
  EXPECT_TRUE(parsed->sampled);
  EXPECT_EQ(parsed->ToString(), kExample);
}

TEST(Traceparent, OnlyTheSampledFlagIsRead) {
  const std::string start(kExample.substr(0, 53));
  EXPECT_FALSE(Traceparent::Parse(start + "00")->sampled);
  EXPECT_FALSE(Traceparent::Parse(start + "fe")->sampled);
  EXPECT_EQ(Traceparent::Parse(start + "ff")->ToString(), kExample);
}

TEST(Traceparent, LaterVersionIsReadByItsFirstPart) {
  const std::string later = "cc" + std::string(kExample.substr(2));
  EXPECT_EQ(Traceparent::Parse(later), Traceparent::Parse(kExample));
  EXPECT_EQ(Traceparent::Parse(later + "-what-the-future-holds"), Traceparent::Parse(kExample));
  EXPECT_FALSE(Traceparent::Parse(later + ".what"));
}

TEST(Traceparent, OtherTextIsRefused) {
  const std::string good(kExample);
  EXPECT_FALSE(Traceparent::Parse(""));
  EXPECT_FALSE(Traceparent::Parse(good.substr(0, 54)));
  EXPECT_FALSE(Traceparent::Parse(good + "-00"));
  EXPECT_FALSE(Traceparent::Parse("ff" + good.substr(2)));
  EXPECT_FALSE(Traceparent::Parse("00-" + std::string(32, '0') + good.substr(35)));
  EXPECT_FALSE(Traceparent::Parse(good.substr(0, 36) + std::string(16, '0') + "-01"));
  for (size_t i = 0; i < good.size(); ++i) {
    for (const char wrong : {'F', 'g', ' ', '\0'}) {
      std::string text = good;
      text[i] = wrong;
      EXPECT_FALSE(Traceparent::Parse(text)) << i << " " << static_cast<int>(wrong);
    }
  }
}

TEST(Traceparent, ChildKeepsTheTraceAndChangesTheSpan) {
  const auto parent = *Traceparent::Parse(kExample);
  std::set<std::array<uint8_t, 8>> spans = {parent.span_id};
  for (int i = 0; i < 100; ++i) {
    const Traceparent child = parent.Child();
    EXPECT_EQ(child.trace_id, parent.trace_id);
    EXPECT_EQ(child.sampled, parent.sampled);
    EXPECT_TRUE(spans.insert(child.span_id).second);
  }
}

TEST(Traceparent, RandomOnesDifferAndParse) {
  const Traceparent a = Traceparent::Random(true);
  const Traceparent b = Traceparent::Random(false);
  EXPECT_NE(a.trace_id, b.trace_id);
  EXPECT_EQ(Traceparent::Parse(a.ToString()), a);
  EXPECT_EQ(Traceparent::Parse(b.ToString()), b);
}

TEST(Traceparent, TheTraceIdIsForLogLines) {
  const Traceparent trace = Traceparent::Random(true);
  EXPECT_EQ(Traceparent::TraceIdIn(trace.ToString()), Traceparent::TraceIdIn(trace.Child().ToString()));
  EXPECT_EQ(Traceparent::TraceIdIn(trace.ToString()).size(), 32U);
  EXPECT_EQ(Traceparent::TraceIdIn("nonsense"), "");
}

}  // namespace
}  // namespace rhizome
