#include "metrics_load/bodies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <map>
#include <set>

#include "format/series_batch.h"
#include "ingest/line_protocol.h"
#include "ingest/remote_write.h"

namespace rhizome::metrics_load {
namespace {

using format::SeriesBatch;

constexpr WorkloadOptions kWorkload{.start_ms = 1'700'000'000'000};
constexpr uint64_t kSeries = 50;

// Bits of the value, by series and time.
using Samples = std::map<std::pair<std::string, int64_t>, uint64_t>;

void AddSamples(const std::string& batch, Samples& samples) {
  const auto decoded = SeriesBatch::Decode(batch);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  decoded->ForEachRow([&](uint32_t series, int64_t time_ms, double value) {
    std::string labels = decoded->LabelsOf(series).ToString();
    if (const size_t at = labels.find("_value{"); at != std::string::npos) labels.erase(at, 6);  // line protocol's
    EXPECT_TRUE(samples.emplace(std::pair(labels, time_ms), std::bit_cast<uint64_t>(value)).second);
  });
}

// A body as our own decoders, which are held against others' elsewhere, read it.
std::string Decoded(Protocol protocol, const std::string& body) {
  if (protocol == Protocol::kNative) return body;
  format::SeriesBatchBuilder builder;
  const auto taken =
      protocol == Protocol::kRemoteWrite
          ? ingest::RemoteWriteDecoder().Decode(body, {}, builder)
          : ingest::DecodeLineProtocol(body, {.precision = ingest::TimePrecisionOf("ms").value()}, {}, builder);
  EXPECT_TRUE(taken.ok()) << taken.status().ToString();
  EXPECT_EQ(taken->dropped, 0u);
  return builder.Encode();
}

Samples Sent(const BodyOptions& options, uint64_t rounds) {
  BodySource source(options, kWorkload, 0, kSeries);
  Samples samples;
  std::string body;
  uint64_t said = 0;
  while (source.rounds() < rounds) {
    const uint64_t of_body = source.Next(body);
    EXPECT_LE(of_body, options.samples_per_body);
    said += of_body;
    AddSamples(Decoded(options.protocol, body), samples);
  }
  EXPECT_EQ(said, samples.size());
  EXPECT_EQ(said, rounds * kSeries * options.samples_per_series);
  return samples;
}

TEST(BodySource, EveryProtocolCarriesTheSameSamples) {
  const Samples native = Sent({.protocol = Protocol::kNative, .samples_per_body = 20}, 6);
  EXPECT_EQ(Sent({.protocol = Protocol::kRemoteWrite, .samples_per_body = 20}, 6), native);
  EXPECT_EQ(Sent({.protocol = Protocol::kInflux, .samples_per_body = 20}, 6), native);
}

TEST(BodySource, HowManySamplesOfASeriesAreInABodyDoesNotChangeThem) {
  const Samples one = Sent({.protocol = Protocol::kRemoteWrite, .samples_per_series = 1}, 6);
  EXPECT_EQ(Sent({.protocol = Protocol::kRemoteWrite, .samples_per_series = 3}, 2), one);
  EXPECT_EQ(Sent({.protocol = Protocol::kNative, .samples_per_series = 6, .samples_per_body = 7}, 1), one);
}

TEST(BodySource, ABodyHoldsNoMoreSeriesThanFit) {
  BodySource source({.samples_per_series = 3, .samples_per_body = 10}, kWorkload, 0, kSeries);
  std::string body;
  EXPECT_EQ(source.Next(body), 9u);
}

TEST(BodySource, TheNewestSampleIsToldOfWhatWasGivenOut) {
  BodySource source({.samples_per_body = 20}, kWorkload, 0, kSeries);
  std::string body;
  for (int i = 0; i < 9; ++i) source.Next(body);
  EXPECT_NEAR(static_cast<double>(source.newest_ms() - kWorkload.start_ms), 37'500, 9'000);
}

TEST(BodySource, ProtocolsHaveNames) {
  EXPECT_EQ(ProtocolOf("native").value(), Protocol::kNative);
  EXPECT_EQ(ProtocolOf("remote_write").value(), Protocol::kRemoteWrite);
  EXPECT_EQ(ProtocolOf("influx").value(), Protocol::kInflux);
  EXPECT_EQ(ProtocolOf("graphite").status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace rhizome::metrics_load
