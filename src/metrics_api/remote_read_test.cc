#include "metrics_api/remote_read.h"

#include <gtest/gtest.h>
#include <snappy.h>

#include <limits>

#include "metrics_api/parameters.h"
#include "metrics_api/xor_chunk.h"

namespace rhizome::metrics_api {
namespace {

std::string Compressed(const std::string& message) {
  std::string out;
  snappy::Compress(message.data(), message.size(), &out);
  return out;
}

std::string Bytes(char number, const std::string& bytes) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())} + bytes;
}
std::string Number(char number, const std::string& varint) {
  return std::string{static_cast<char>(number << 3)} + varint;
}

const std::string kMatcher = Bytes(3, Number(1, "\x02") + Bytes(2, "job") + Bytes(3, "a.*"));

Status Refused(const std::string& message) { return DecodeReadRequest(Compressed(message)).status(); }

TEST(DecodeReadRequest, QueriesHaveTimesAndMatchers) {
  const auto request =
      DecodeReadRequest(Compressed(Bytes(1, Number(1, "\x05") + Number(2, "\xac\x02") + kMatcher) + Bytes(1, "")))
          .value();
  ASSERT_EQ(request.queries.size(), 2u);
  EXPECT_EQ(request.queries[0].min_ms, 5);
  EXPECT_EQ(request.queries[0].max_ms, 300);
  ASSERT_EQ(request.queries[0].matchers.size(), 1u);
  EXPECT_EQ(request.queries[0].matchers[0], format::Matcher::Make(format::MatchKind::kRegex, "job", "a.*").value());
  EXPECT_EQ(request.form, ReadForm::kSamples);
}

TEST(DecodeReadRequest, UnknownFieldsAreSkipped) {
  const std::string hints = Bytes(4, "anything");
  const std::string fixed = std::string{9 << 3 | 1} + "12345678" + std::string{10 << 3 | 5} + "1234";
  EXPECT_EQ(DecodeReadRequest(Compressed(Bytes(1, kMatcher + hints + fixed))).value().queries.size(), 1u);
}

TEST(DecodeReadRequest, AllTimesAreOurs) {
  const std::string least = "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
                    greatest = "\xff\xff\xff\xff\xff\xff\xff\xff\x7f";
  const auto request = DecodeReadRequest(Compressed(Bytes(1, Number(1, least) + Number(2, greatest)))).value();
  EXPECT_EQ(request.queries[0].min_ms, -kTimeMsMax);
  EXPECT_EQ(request.queries[0].max_ms, kTimeMsMax);
}

TEST(DecodeReadRequest, TheFirstKnownFormIsTaken) {
  const std::string samples(1, '\0'), chunks = "\x01", unknown = "\x02";
  const auto form = [](const std::string& message) { return DecodeReadRequest(Compressed(message)).value().form; };
  EXPECT_EQ(form(Number(2, unknown) + Number(2, chunks) + Number(2, samples)), ReadForm::kXorChunks);
  EXPECT_EQ(form(Number(2, samples) + Number(2, chunks)), ReadForm::kSamples);
  EXPECT_EQ(form(Bytes(2, chunks + samples)), ReadForm::kXorChunks);
  EXPECT_EQ(form(Bytes(2, unknown + samples)), ReadForm::kSamples);
  EXPECT_EQ(form(Number(2, unknown)), ReadForm::kUnknown);
}

TEST(DecodeReadRequest, WhatIsBrokenIsRefused) {
  EXPECT_FALSE(DecodeReadRequest("").ok());
  EXPECT_FALSE(DecodeReadRequest("no snappy").ok());
  for (const std::string& message :
       {Bytes(1, "ab").substr(0, 3), std::string("\x0a\x7f"), std::string("\x08"), std::string("\x0b"),
        std::string("\x02"), Number(1, std::string(10, '\x80')), Bytes(1, Number(1, "\x02") + Number(2, "\x01")),
        Bytes(1, Bytes(3, Number(1, "\x04") + Bytes(2, "a"))), Bytes(1, Bytes(3, Bytes(3, "a"))),
        Bytes(1, Bytes(3, Bytes(2, "a") + Bytes(3, "\xff"))),
        Bytes(1, Bytes(3, Number(1, "\x02") + Bytes(2, "a") + Bytes(3, "(")))}) {
    const Status status = Refused(message);
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << testing::PrintToString(message);
    EXPECT_EQ(status.field(), "body");
  }
}

TEST(DecodeReadRequest, WhatItDeclaresIsBounded) {
  const std::string bomb = Compressed(std::string(kReadRequestBytesMax + 1, '\0'));
  EXPECT_EQ(DecodeReadRequest(bomb).status().code(), Code::kTooLarge);
  EXPECT_EQ(DecodeReadRequest("\xff\xff\xff\xff\x0f").status().code(), Code::kTooLarge);
  std::string queries, matchers;
  for (size_t i = 0; i <= kReadQueriesMax; ++i) queries += Bytes(1, "");
  EXPECT_EQ(Refused(queries).code(), Code::kTooLarge);
  for (size_t i = 0; i <= kReadMatchersMax; ++i) matchers += kMatcher;
  const size_t size = matchers.size();
  const std::string length = {static_cast<char>(size | 0x80), static_cast<char>(size >> 7)};
  ASSERT_LT(size, size_t{1} << 14);
  EXPECT_EQ(Refused("\x0a" + length + matchers).code(), Code::kTooLarge);
}

TEST(ReadResponseWriter, ResultsHoldSeriesOfLabelsAndSamples) {
  const std::vector<format::LabelPair> pairs = {{"a", "bc"}};
  const auto labels = format::Labels::FromPairs(pairs).value();
  ReadResponseWriter writer;
  writer.AddSeries(labels, std::vector<int64_t>{0, 1, 300}, std::vector<double>{0, -0.0, 1});
  writer.EndResult();
  writer.EndResult();
  std::string message;
  const std::string compressed = writer.Take();
  ASSERT_TRUE(snappy::Uncompress(compressed.data(), compressed.size(), &message));
  const std::string minus_zero = std::string(7, '\0') + "\x80";
  const std::string one = std::string(6, '\0') + "\xf0\x3f";
  const std::string series = Bytes(1, Bytes(1, "a") + Bytes(2, "bc")) + Bytes(2, "") +
                             Bytes(2, "\x09" + minus_zero + Number(2, "\x01")) +
                             Bytes(2, "\x09" + one + Number(2, "\xac\x02"));
  EXPECT_EQ(message, Bytes(1, Bytes(1, series)) + Bytes(1, ""));
}

TEST(ReadResponseWriter, LongLabelsAndNegativeTimesKeepTheirLengths) {
  const std::string name(200, 'n'), value(70'000, 'v');
  const std::vector<format::LabelPair> pairs = {{name, value}};
  const auto labels = format::Labels::FromPairs(pairs).value();
  ReadResponseWriter writer;
  writer.AddSeries(labels, std::vector<int64_t>{-1}, std::vector<double>{1});
  writer.EndResult();
  const std::string compressed = writer.Take();
  std::string message;
  ASSERT_TRUE(snappy::Uncompress(compressed.data(), compressed.size(), &message));
  EXPECT_EQ(message.size(), writer.bytes());
  // result 4 + series 4 + label 4 + name 3 + 200 + value 4 + 70,000 + sample 2 + 9 + 11
  EXPECT_EQ(message.size(), 4u + 4 + 4 + 3 + 200 + 4 + 70'000 + 2 + 9 + 11);
  EXPECT_TRUE(message.ends_with(std::string("\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")));
}

TEST(ChunkStreamWriter, AFrameIsLengthChecksumAndMessage) {
  const std::vector<format::LabelPair> pairs = {{"a", "bc"}};
  const auto labels = format::Labels::FromPairs(pairs).value();
  ChunkStreamWriter writer;
  writer.AddSeries(labels, std::vector<int64_t>{5, 9}, std::vector<double>{1, 1});
  writer.EndResult();
  writer.AddSeries(labels, std::vector<int64_t>{7}, std::vector<double>{1});
  std::string chunk;
  AppendXorChunk(std::vector<int64_t>{5, 9}, std::vector<double>{1, 1}, chunk);
  const std::string label = Bytes(1, Bytes(1, "a") + Bytes(2, "bc"));
  const std::string message =
      Bytes(1, label + Bytes(2, Number(1, "\x05") + Number(2, "\x09") + Number(3, "\x01") + Bytes(4, chunk)));
  const std::string body = writer.Take();
  EXPECT_EQ(static_cast<size_t>(body[0]), message.size());
  EXPECT_EQ(body.substr(5, message.size()), message);
  EXPECT_EQ(body.substr(body.size() - 2), Number(2, "\x01"));  // the second query's
}

TEST(ChunkStreamWriter, ALongSeriesTakesManyFrames) {
  const std::vector<format::LabelPair> pairs = {{"a", "bc"}};
  const auto labels = format::Labels::FromPairs(pairs).value();
  std::vector<int64_t> times_ms;
  std::vector<double> values;
  for (int i = 0; i < 300'000; ++i) {
    times_ms.push_back(i * 1'000'003LL % 7 + i * 1'000LL);
    values.push_back(1.0 / (i + 1));
  }
  ChunkStreamWriter writer;
  writer.AddSeries(labels, times_ms, values);
  size_t frames = 0, at = 0;
  for (const std::string body = writer.Take(); at < body.size(); ++frames) {
    size_t length = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<uint8_t>(body[at++]);
      length |= static_cast<size_t>(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    EXPECT_LT(length, size_t{1} << 21);
    at += 4 + length;
  }
  EXPECT_EQ(at, writer.bytes());
  EXPECT_GT(frames, 1u);
}

}  // namespace
}  // namespace rhizome::metrics_api
