#include "ingest/remote_write_2.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <snappy.h>

#include <fstream>
#include <sstream>

#include "ingest/ingest_testing.h"
#include "remote_write.pb.h"

namespace rhizome::ingest {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kTime = 1'700'000'000'000;

// Symbols "", "__name__", "up", "job", "a".
proto::RequestV2 Up() {
  proto::RequestV2 request;
  for (const char* symbol : {"", "__name__", "up", "job", "a"}) request.add_symbols(symbol);
  return request;
}

proto::TimeSeriesV2& Add(proto::RequestV2& request, const std::vector<uint32_t>& refs, double value) {
  proto::TimeSeriesV2& series = *request.add_timeseries();
  for (const uint32_t ref : refs) series.add_labels_refs(ref);
  proto::Sample& sample = *series.add_samples();
  sample.set_timestamp(kTime);
  sample.set_value(value);
  return series;
}

class RemoteWrite2 : public ::testing::Test {
 protected:
  Result<Taken> Decode(const proto::RequestV2& request) {
    out_.Clear();
    return decoder_.DecodeMessage(request.SerializeAsString(), limits_, out_);
  }
  std::string ReasonFor(const std::vector<uint32_t>& refs) {
    proto::RequestV2 request = Up();
    Add(request, {1, 2}, 1);
    Add(request, refs, 2);
    Add(request, {1, 2, 3, 4}, 3);
    const auto taken = Decode(request);
    if (!taken.ok()) return taken.status().ToString();
    EXPECT_THAT(RowsOf(out_), ElementsAre(Row("up", kTime, 1), Row("up{job=\"a\"}", kTime, 3)));
    EXPECT_EQ(taken->dropped, 1u);
    if (taken->reasons.size() != 1) return "no reason";
    EXPECT_EQ(taken->reasons[0].field(), "timeseries[1]");
    return std::string(taken->reasons[0].message());
  }

  Limits limits_;
  RemoteWrite2Decoder decoder_;
  format::SeriesBatchBuilder out_;
};

// The body was made by the reference's own types; testdata/remote_write_2/main.go says what is in it.
TEST_F(RemoteWrite2, TheReferencesBodyIsReadAsItWasMeant) {
  std::ostringstream body;
  body << std::ifstream(std::string(RHIZOME_SOURCE_DIR) + "/src/ingest/testdata/remote_write_2.snappy").rdbuf();
  const auto taken = decoder_.Decode(body.str(), limits_, out_);
  ASSERT_TRUE(taken.ok()) << taken.status().ToString();
  const double stale = std::bit_cast<double>(uint64_t{0x7ff0000000000002});
  EXPECT_THAT(RowsOf(out_), ElementsAre(Row("requests_total{instance=\"höst:1\", job=\"a\"}", kTime, 1.5),
                                        Row("requests_total{instance=\"höst:1\", job=\"a\"}", kTime + 15'000, stale),
                                        Row("requests_total{instance=\"höst:1\", job=\"b\"}", -5, -2.5)));
  EXPECT_EQ(taken->samples, 3u);
  EXPECT_EQ(taken->exemplars, 1u);
  EXPECT_EQ(taken->Complaint(),
            "1 of 4 samples were refused, the others are kept; timeseries[2].histograms: native histograms are not "
            "stored: send classic ones");
  EXPECT_THAT(taken->metadata,
              ElementsAre(MetricMetadata{"requests_total", MetricType::kCounter, "How many.", "requests"},
                          MetricMetadata{"latency", MetricType::kHistogram, "", ""}));
}

TEST_F(RemoteWrite2, BadSeriesAreLeftOutWithTheReasonAndOthersKept) {
  EXPECT_THAT(ReasonFor({1, 2, 3}), HasSubstr("3 label references, which are not pairs"));
  EXPECT_THAT(ReasonFor({1, 2, 3, 5}), HasSubstr("refers to symbol 5 of 5"));
  EXPECT_THAT(ReasonFor({3, 4}), HasSubstr("no metric name"));
  EXPECT_THAT(ReasonFor({1, 2, 0, 4}), HasSubstr("a label without a name"));
  EXPECT_THAT(ReasonFor({1, 2, 3, 4, 3, 2}), HasSubstr("\"job\" is given twice"));
  limits_.labels_max = 2;
  EXPECT_THAT(ReasonFor(std::vector<uint32_t>(100, 3)), HasSubstr("more than 2 labels"));
}

TEST_F(RemoteWrite2, SymbolsMayFollowTheSeries) {
  proto::RequestV2 symbols = Up(), series;
  Add(series, {1, 2}, 7);
  const auto taken = decoder_.DecodeMessage(series.SerializeAsString() + symbols.SerializeAsString(), limits_, out_);
  ASSERT_TRUE(taken.ok()) << taken.status().ToString();
  EXPECT_THAT(RowsOf(out_), ElementsAre(Row("up", kTime, 7)));
}

TEST_F(RemoteWrite2, ReferencesMayStandAlone) {
  // field 1, varint, four times; then a sample.
  const std::string series = std::string("\x08\x01\x08\x02", 4) + std::string("\x12\x02\x10\x05", 4);
  const std::string message = Up().SerializeAsString() + "\x2a" + static_cast<char>(series.size()) + series;
  const auto taken = decoder_.DecodeMessage(message, limits_, out_);
  ASSERT_TRUE(taken.ok()) << taken.status().ToString();
  EXPECT_THAT(RowsOf(out_), ElementsAre(Row("up", 5, 0)));
}

TEST_F(RemoteWrite2, ADescriptionThatLeadsNowhereCostsNoSample) {
  proto::RequestV2 request = Up();
  proto::MetadataV2& about = *Add(request, {1, 2}, 1).mutable_metadata();
  about.set_type(2);
  about.set_help_ref(99);
  const auto taken = Decode(request);
  ASSERT_TRUE(taken.ok());
  EXPECT_EQ(taken->samples, 1u);
  EXPECT_THAT(taken->metadata, ElementsAre(MetricMetadata{"up", MetricType::kGauge, "", ""}));
}

TEST_F(RemoteWrite2, AMessageOfVersionOneIsRefusedAsSuch) {
  proto::WriteRequest request;
  request.add_timeseries()->add_samples()->set_value(1);
  EXPECT_THAT(decoder_.DecodeMessage(request.SerializeAsString(), limits_, out_).status().ToString(),
              HasSubstr("a message of remote write 1.0"));
}

TEST_F(RemoteWrite2, TheFirstSymbolHasToBeEmpty) {
  proto::RequestV2 request;
  request.add_symbols("up");
  EXPECT_EQ(Decode(request).status().field(), "symbols[0]");
}

TEST_F(RemoteWrite2, TooManySamplesAreTooLarge) {
  limits_.samples_max = 2;
  proto::RequestV2 request = Up();
  for (int i = 0; i < 3; ++i) Add(request, {1, 2}, i);
  EXPECT_EQ(Decode(request).status().code(), Code::kTooLarge);
  EXPECT_EQ(out_.sample_count(), 0u);
  request = Up();
  for (int i = 0; i < 3; ++i) (i == 0 ? Add(request, {1, 2}, i) : *request.mutable_timeseries(0)).add_samples();
  EXPECT_EQ(Decode(request).status().code(), Code::kTooLarge);
}

TEST_F(RemoteWrite2, DamagedMessagesAreRefusedOrMeanWhatGeneratedCodeReads) {
  proto::RequestV2 request = Up();
  for (int i = 0; i < 5; ++i) Add(request, {1, 2, 3, 4}, i).mutable_metadata()->set_type(1);
  const std::string message = request.SerializeAsString();
  ExpectAgreementOnDamaged<proto::RequestV2>(message, decoder_, limits_);
}

}  // namespace
}  // namespace rhizome::ingest
