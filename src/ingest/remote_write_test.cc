#include "ingest/remote_write.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <snappy.h>

#include <limits>
#include <random>

#include "ingest/ingest_testing.h"
#include "remote_write.pb.h"

namespace rhizome::ingest {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Pairs = std::vector<std::pair<std::string, std::string>>;

constexpr int64_t kTime = 1'700'000'000'000;
const double kStale = std::bit_cast<double>(uint64_t{0x7ff0000000000002});

void AddSeries(proto::WriteRequest& request, const Pairs& labels,
               const std::vector<std::pair<int64_t, double>>& samples) {
  proto::TimeSeries& series = *request.add_timeseries();
  for (const auto& [name, value] : labels) {
    proto::Label& label = *series.add_labels();
    label.set_name(name);
    label.set_value(value);
  }
  for (const auto& [time, value] : samples) {
    proto::Sample& sample = *series.add_samples();
    sample.set_timestamp(time);
    sample.set_value(value);
  }
}

std::string BodyOf(const proto::WriteRequest& request) {
  std::string body;
  snappy::Compress(request.SerializeAsString().data(), request.ByteSizeLong(), &body);
  return body;
}

class RemoteWrite : public ::testing::Test {
 protected:
  Taken Take(const proto::WriteRequest& request) {
    out_.Clear();
    const auto taken = decoder_.Decode(BodyOf(request), limits_, out_);
    EXPECT_TRUE(taken.ok()) << taken.status().ToString();
    return taken.ok() ? *taken : Taken();
  }
  Status Refuse(std::string_view body) {
    out_.Clear();
    const auto taken = decoder_.Decode(body, limits_, out_);
    EXPECT_FALSE(taken.ok());
    EXPECT_EQ(out_.series_count(), 0u);
    return taken.status();
  }
  // The only complaint about a request with one bad series between two good ones.
  std::string ReasonFor(const Pairs& labels) {
    proto::WriteRequest request;
    AddSeries(request, {{"__name__", "up"}, {"job", "a"}}, {{kTime, 1}});
    AddSeries(request, labels, {{kTime, 2}, {kTime + 1, 3}});
    AddSeries(request, {{"__name__", "up"}, {"job", "b"}}, {{kTime, 4}});
    const Taken taken = Take(request);
    EXPECT_EQ(taken.samples, 2u);
    EXPECT_EQ(taken.dropped, 2u);
    EXPECT_THAT(RowsOf(out_), ElementsAre(Row("up{job=\"a\"}", kTime, 1), Row("up{job=\"b\"}", kTime, 4)));
    if (taken.reasons.size() != 1) return "no reason";
    EXPECT_EQ(taken.reasons[0].field(), "timeseries[1]");
    return std::string(taken.reasons[0].message());
  }

  Limits limits_;
  RemoteWriteDecoder decoder_;
  format::SeriesBatchBuilder out_;
};

TEST_F(RemoteWrite, SamplesComeThroughBitForBit) {
  proto::WriteRequest request;
  const double payload = std::bit_cast<double>(uint64_t{0x7ff8000000000123});
  AddSeries(request, {{"__name__", "up"}, {"job", "a"}}, {{kTime, kStale}});
  AddSeries(request, {{"__name__", "up"}, {"job", "b"}}, {{INT64_MIN, -0.0}, {INT64_MAX, payload}, {0, 0}});
  const Taken taken = Take(request);
  EXPECT_EQ(taken.samples, 4u);
  EXPECT_EQ(taken.dropped, 0u);
  EXPECT_EQ(taken.Complaint(), "");
  EXPECT_THAT(RowsOf(out_), ElementsAre(Row("up{job=\"a\"}", kTime, kStale), Row("up{job=\"b\"}", INT64_MIN, -0.0),
                                        Row("up{job=\"b\"}", INT64_MAX, payload), Row("up{job=\"b\"}", 0, 0)));
}

TEST_F(RemoteWrite, LabelsOutOfOrderAreSortedAndEmptyOnesLeftOut) {
  proto::WriteRequest request;
  for (int i = 0; i < 3; ++i) {  // also when an earlier series had the same shape
    AddSeries(request, {{"job", "a"}, {"empty", ""}, {"__name__", "up"}}, {{kTime + i, 1}});
  }
  Take(request);
  EXPECT_THAT(RowsOf(out_), ElementsAre(Row("up{job=\"a\"}", kTime, 1), Row("up{job=\"a\"}", kTime + 1, 1),
                                        Row("up{job=\"a\"}", kTime + 2, 1)));
}

TEST_F(RemoteWrite, ALabelThatEmptiesOutInALaterSeriesIsLeftOut) {
  proto::WriteRequest request;
  AddSeries(request, {{"__name__", "up"}, {"a", "1"}, {"b", "2"}}, {{kTime, 1}});
  AddSeries(request, {{"__name__", "up"}, {"a", ""}, {"b", "2"}}, {{kTime, 2}});
  Take(request);
  EXPECT_THAT(RowsOf(out_), ElementsAre(Row("up{a=\"1\", b=\"2\"}", kTime, 1), Row("up{b=\"2\"}", kTime, 2)));
}

TEST_F(RemoteWrite, BadSeriesAreLeftOutWithTheReasonAndOthersKept) {
  limits_.labels_max = 3;
  limits_.name_bytes_max = 20;
  limits_.value_bytes_max = 30;
  EXPECT_THAT(ReasonFor({{"job", "a"}}), HasSubstr("no metric name"));
  EXPECT_THAT(ReasonFor({}), HasSubstr("no metric name"));
  EXPECT_THAT(ReasonFor({{"__name__", "a b"}, {"job", "a"}}), HasSubstr("\"a b\" is no metric name"));
  EXPECT_THAT(ReasonFor({{"__name__", "up"}, {"9", "a"}}), HasSubstr("\"9\" is no label name"));
  EXPECT_THAT(ReasonFor({{"__name__", "up"}, {"", "a"}}), HasSubstr("a label without a name"));
  EXPECT_THAT(ReasonFor({{"__name__", "up"}, {"job", "a"}, {"job", "b"}}), HasSubstr("\"job\" is given twice"));
  EXPECT_THAT(ReasonFor({{"__name__", "up"}, {"job", ""}, {"job", "b"}}), HasSubstr("\"job\" is given twice"));
  EXPECT_THAT(ReasonFor({{"__name__", "up"}, {"a", "1"}, {"b", "1"}, {"c", "1"}}), HasSubstr("more than 3 labels"));
  EXPECT_THAT(ReasonFor({{"__name__", "up"}, {std::string(21, 'n'), "1"}}), HasSubstr("21 bytes, more than 20"));
  EXPECT_THAT(ReasonFor({{"__name__", "up"}, {"job", std::string(31, 'v')}}), HasSubstr("31 bytes, more than 30"));
}

TEST_F(RemoteWrite, AValueThatIsNotUtf8IsASeriesLeftOut) {
  proto::WriteRequest request;
  AddSeries(request, {{"__name__", "up"}, {"job", "a"}}, {{kTime, 1}});
  AddSeries(request, {{"__name__", "up"}, {"job", "\xff"}}, {{kTime, 2}});
  EXPECT_EQ(Take(request).Complaint(),
            "1 of 2 samples were refused, the others are kept; timeseries[1]: the value of label \"job\" is not UTF-8: "
            "\"\\xff\"");
}

TEST_F(RemoteWrite, NativeHistogramsAreRefusedOneByOne) {
  proto::WriteRequest request;
  AddSeries(request, {{"__name__", "both"}}, {{kTime, 1}});
  request.mutable_timeseries(0)->add_histograms()->set_sum(5);
  AddSeries(request, {{"__name__", "only"}}, {});
  request.mutable_timeseries(1)->add_histograms();
  request.mutable_timeseries(1)->add_histograms()->set_count_int(1);
  const Taken taken = Take(request);
  EXPECT_EQ(taken.samples, 1u);
  EXPECT_EQ(taken.dropped, 3u);
  ASSERT_EQ(taken.reasons.size(), 2u);
  EXPECT_EQ(taken.reasons[0].field(), "timeseries[0].histograms");
  EXPECT_THAT(std::string(taken.reasons[0].message()), HasSubstr("native histograms are not stored"));
}

TEST_F(RemoteWrite, MetadataIsHandedOnAndExemplarsAreCounted) {
  proto::WriteRequest request;
  proto::MetricMetadata& about = *request.add_metadata();
  about.set_type(1);
  about.set_metric_family_name("requests_total");
  about.set_help("How many.");
  about.set_unit("requests");
  request.add_metadata()->set_type(99);
  AddSeries(request, {{"__name__", "up"}}, {{kTime, 1}});
  request.mutable_timeseries(0)->add_exemplars()->set_value(3);
  const Taken taken = Take(request);
  EXPECT_EQ(taken.exemplars, 1u);
  EXPECT_THAT(
      taken.metadata,
      ElementsAre(MetricMetadata{"requests_total", MetricType::kCounter, "How many.", "requests"}, MetricMetadata{}));
}

TEST_F(RemoteWrite, OnlyTheFirstReasonsAreKept) {
  proto::WriteRequest request;
  for (int i = 0; i < 20; ++i) AddSeries(request, {{"job", "a"}}, {{kTime, 1}});
  const Taken taken = Take(request);
  EXPECT_EQ(taken.dropped, 20u);
  EXPECT_EQ(taken.reasons.size(), Taken::kReasonsMax);
  EXPECT_THAT(taken.Complaint(), HasSubstr("20 of 20"));
  EXPECT_THAT(taken.Complaint(), ::testing::EndsWith("…"));
}

TEST_F(RemoteWrite, UnknownFieldsArePassedOver) {
  proto::WriteRequest request;
  AddSeries(request, {{"__name__", "up"}}, {{kTime, 1}});
  std::string message = request.SerializeAsString();
  // Field 1000: a varint, eight bytes, two bytes, four bytes.
  message += std::string("\xc0\x3e\x05", 3) + std::string("\xc1\x3e", 2) + std::string(8, 'x') +
             std::string("\xc2\x3e\x02yy", 5) + std::string("\xc5\x3e", 2) + std::string(4, 'z');
  const auto taken = decoder_.DecodeMessage(message, limits_, out_);
  ASSERT_TRUE(taken.ok()) << taken.status().ToString();
  EXPECT_EQ(taken->samples, 1u);
}

TEST_F(RemoteWrite, AnEmptyRequestIsTakenAsNothing) { EXPECT_EQ(Take({}).samples, 0u); }

TEST_F(RemoteWrite, BombsAndLiesOfSnappyAreRefused) {
  EXPECT_THAT(Refuse("").ToString(), HasSubstr("not a snappy block"));
  EXPECT_THAT(Refuse(std::string("\xff\xff\xff\xff\xff\xff", 6)).ToString(), HasSubstr("not a snappy block"));
  // Declares 4 GiB - 1, and 1 MiB in nine bytes.
  EXPECT_EQ(Refuse(std::string("\xff\xff\xff\xff\x0f", 5)).code(), Code::kTooLarge);
  EXPECT_THAT(Refuse(std::string("\x80\x80\x40\x00xxxxx", 9)).ToString(), HasSubstr("cannot hold the 1048576"));
  proto::WriteRequest request;
  AddSeries(request, {{"__name__", "up"}, {"job", std::string(500, 'a')}}, {{kTime, 1}});
  std::string body = BodyOf(request);
  body[0] ^= 1;  // one more or less than there is
  EXPECT_THAT(Refuse(body).ToString(), HasSubstr("not as long as it declares"));
  limits_.decoded_bytes_max = 300;
  EXPECT_EQ(Refuse(BodyOf(request)).code(), Code::kTooLarge);
  limits_.body_bytes_max = 10;
  EXPECT_EQ(Refuse(BodyOf(request)).field(), "body");
}

TEST_F(RemoteWrite, TooManySamplesAreTooLarge) {
  limits_.samples_max = 2;
  proto::WriteRequest request;
  for (int i = 0; i < 3; ++i) AddSeries(request, {{"__name__", "up"}}, {{kTime, i}});
  EXPECT_EQ(Refuse(BodyOf(request)).code(), Code::kTooLarge);
  request.Clear();
  AddSeries(request, {{"__name__", "up"}}, {{kTime, 1}, {kTime, 2}, {kTime, 3}});
  EXPECT_EQ(Refuse(BodyOf(request)).code(), Code::kTooLarge);
}

TEST_F(RemoteWrite, TruncatedMessagesAreRefusedOrEndBetweenSeries) {
  proto::WriteRequest request;
  AddSeries(request, {{"__name__", "up"}, {"job", "a"}}, {{kTime, 1}, {kTime, 2}});
  AddSeries(request, {{"__name__", "up"}, {"job", "b"}}, {{kTime, 3}});
  const std::string message = request.SerializeAsString();
  size_t accepted = 0;
  for (size_t length = 0; length < message.size(); ++length) {
    out_.Clear();
    const auto taken = decoder_.DecodeMessage(message.substr(0, length), limits_, out_);
    accepted += taken.ok();
    if (!taken.ok()) {
      EXPECT_EQ(taken.status().code(), Code::kInvalidArgument);
    }
  }
  EXPECT_EQ(accepted, 2u);  // nothing, and the first series
}

TEST_F(RemoteWrite, TheMalformedPlaceIsNamed) {
  proto::WriteRequest request;
  AddSeries(request, {{"__name__", "up"}}, {{kTime, 1}});
  AddSeries(request, {{"__name__", "up"}}, {{kTime, 1}});
  std::string message = request.SerializeAsString();
  message[message.size() / 2 + 2] = '\x0b';  // a group, where the second series' first label was
  EXPECT_EQ(decoder_.DecodeMessage(message, limits_, out_).status().field(), "timeseries[1]");
  request.Clear();
  request.add_metadata()->set_help("x");
  message = request.SerializeAsString();
  message[2] = '\x23';
  EXPECT_EQ(decoder_.DecodeMessage(message, limits_, out_).status().field(), "metadata");
}

// Whatever the bytes, what is accepted has what protobuf's own reader finds there.
TEST_F(RemoteWrite, AgreesWithGeneratedCodeOnDamagedMessages) {
  proto::WriteRequest request;
  for (int i = 0; i < 6; ++i) {
    const Pairs labels = {{"__name__", "metric"}, {"instance", "host" + std::to_string(i)}, {"job", "a"}};
    AddSeries(request, labels, {{kTime, i}, {kTime + 1, i + 0.5}});
  }
  const std::string message = request.SerializeAsString();
  ExpectAgreementOnDamaged<proto::WriteRequest>(message, decoder_, limits_);
}

TEST_F(RemoteWrite, AgreesWithGeneratedCodeOnManyRandomSeries) {
  std::mt19937 random(9);
  proto::WriteRequest request;
  std::vector<Row> expected;
  for (int i = 0; i < 2000; ++i) {
    std::vector<format::LabelPair> pairs = {{"__name__", "m"}};
    std::vector<std::string> values;
    for (int j = 0; j < 6; ++j)
      values.push_back(std::string(random() % 3 == 0 ? random() % 300 : 4, 'a' + random() % 26));
    static constexpr std::string_view kNames[] = {"a", "bb", "ccc", "a_long_label_name_of_40_bytes_or_so_it_is",
                                                  "y", "z"};
    for (int j = 0; j < 6; ++j) {
      if (random() % 4 != 0) pairs.push_back({kNames[j], values[j]});
    }
    if (random() % 10 == 0) std::shuffle(pairs.begin(), pairs.end(), random);
    Pairs labels;
    for (const auto& pair : pairs) labels.emplace_back(pair.name, pair.value);
    AddSeries(request, labels, {{kTime + i, i}});
    expected.emplace_back(format::Labels::FromPairs(pairs)->view().ToString(), kTime + i, i);
  }
  Take(request);
  EXPECT_EQ(RowsOf(out_), expected);
}

}  // namespace
}  // namespace rhizome::ingest
