#include <gmock/gmock.h>
#include <snappy.h>

#include "metrics_api/server_testing.h"

namespace rhizome::metrics_api {
namespace {

using testing::HasSubstr;
using testing::Not;

class ListRoutes : public MetricsServerTest {
 protected:
  ListRoutes() {
    options_.config_yaml = "a: 1\n";
    options_.flags = {{"data-dir", "/x"}};
    options_.retention = "15d";
    store_.Add("default", "up{job=\"a\"}", 0, 15'000, {1, 2, 3});
    store_.Add("default", "up{job=\"b\",zone=\"z\"}", 100'000, 15'000, {1, 2, 3});
    store_.Add("default", "down{job=\"c\"}", 0, 15'000, {1});
    store_.Add("other", "hidden{private=\"x\"}", 0, 15'000, {1});
  }

  static std::string Field(char number, const std::string& bytes) {
    return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())} + bytes;
  }
  static std::string Compressed(const std::string& message) {
    std::string out;
    snappy::Compress(message.data(), message.size(), &out);
    return out;
  }
  // A remote read of "up" from 15 s to 30 s.
  static std::string ReadOfUp() {
    const std::string times = {1 << 3, '\x98', '\x75', 2 << 3, '\xb0', '\xea', '\x01'};
    return Compressed(Field(1, times + Field(3, Field(2, "__name__") + Field(3, "up"))));
  }
  gateway::Reply Read(const std::string& body, const std::string& more = {}) {
    return Post("/api/v1/read", body, "Content-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n" + more);
  }
};

TEST_F(ListRoutes, SeriesOfAnySelector) {
  EXPECT_EQ(DataOf(Get("/api/v1/series?match[]=up&match[]=down")),
            R"([{"__name__":"down","job":"c"},{"__name__":"up","job":"a"},{"__name__":"up","job":"b","zone":"z"}])");
  EXPECT_EQ(Post("/api/v1/series", "match[]=up&match%5B%5D=down").body,
            Get("/api/v1/series?match[]=up&match[]=down").body);
  EXPECT_EQ(DataOf(Get("/api/v1/series?match[]=none")), "[]");
}

TEST_F(ListRoutes, TimesNarrow) {
  EXPECT_EQ(DataOf(Get("/api/v1/series?match[]=up&start=50&end=200")), R"([{"__name__":"up","job":"b","zone":"z"}])");
  EXPECT_EQ(DataOf(Get("/api/v1/labels?end=50")), R"(["__name__","job"])");
  EXPECT_EQ(DataOf(Get("/api/v1/label/job/values?start=31&end=200")), R"(["b"])");
}

TEST_F(ListRoutes, LabelsHaveNamesAndValues) {
  EXPECT_EQ(DataOf(Get("/api/v1/labels")), R"(["__name__","job","zone"])");
  EXPECT_EQ(DataOf(Post("/api/v1/labels", "match[]=down")), R"(["__name__","job"])");
  EXPECT_EQ(DataOf(Get("/api/v1/label/job/values")), R"(["a","b","c"])");
  EXPECT_EQ(DataOf(Get("/api/v1/label/__name__/values?match[]={job=~%22a|b%22}")), R"(["up"])");
  EXPECT_EQ(DataOf(Get("/api/v1/label/none/values")), "[]");
}

TEST_F(ListRoutes, ALimitCutsAndWarns) {
  for (const std::string path : {"series?match[]=up&", "labels?", "label/job/values?"}) {
    const std::string one = Get("/api/v1/" + path + "limit=1").body;
    EXPECT_EQ(boost::json::parse(one).at("data").as_array().size(), 1u) << one;
    EXPECT_THAT(one, HasSubstr("\"warnings\":[\"results truncated due to limit\"]"));
    EXPECT_THAT(Get("/api/v1/" + path + "limit=3").body, Not(HasSubstr("warnings")));
  }
}

TEST_F(ListRoutes, WhatIsWrongIs400) {
  for (const std::string target :
       {"series", "series?match[]={", "series?match[]={a=~%22.*%22}", "series?match[]=up&start=x",
        "series?match[]=up&end=x", "labels?match[]=up[5m]", "labels?start=x", "labels?limit=x", "label/0a/values",
        "label/a-b/values", "label/job/values?match[]=(", "metadata?limit=x"}) {
    EXPECT_EQ(FailureOf(Get("/api/v1/" + target)), "400 bad_data") << target;
  }
  EXPECT_EQ(ErrorOf(Get("/api/v1/series")), "no match[] parameter provided");
}

TEST_F(ListRoutes, ListsAreBounded) {
  options_.answer_bytes_max = 45;
  EXPECT_EQ(FailureOf(Get("/api/v1/series?match[]=up")), "422 execution");
  EXPECT_EQ(FailureOf(Get("/api/v1/labels")), "422 execution");
}

TEST_F(ListRoutes, TheStoresErrorsAreHandedOn) {
  store_.OnCall([](const promql::MetricsScope&) { return Status::Unavailable("no node answers"); });
  for (const std::string target : {"series?match[]=up", "labels", "label/job/values", "metadata", "status/tsdb"}) {
    EXPECT_EQ(FailureOf(Get("/api/v1/" + target)), "503 unavailable") << target;
  }
}

TEST_F(ListRoutes, TenantsSeeOnlyTheirOwn) {
  EXPECT_EQ(DataOf(Get("/api/v1/labels", "X-Scope-OrgID: other\r\n")), R"(["__name__","private"])");
  EXPECT_EQ(DataOf(Get("/api/v1/series?match[]=hidden")), "[]");
  EXPECT_EQ(DataOf(Get("/api/v1/label/private/values")), "[]");
}

TEST_F(ListRoutes, MetadataIsByMetric) {
  EXPECT_EQ(DataOf(Get("/api/v1/metadata")), "{}");
  store_.AddMetadata({"up", "gauge", "Whether it is up.", ""});
  store_.AddMetadata({"down", "counter", "a\"b", "seconds"});
  store_.AddMetadata({"up", "unknown", "Another.", ""});
  EXPECT_EQ(
      Get("/api/v1/metadata").body,
      R"({"status":"success","data":{"down":[{"type":"counter","help":"a\"b","unit":"seconds"}],)"
      R"("up":[{"type":"gauge","help":"Whether it is up.","unit":""},{"type":"unknown","help":"Another.","unit":""}]}})");
  EXPECT_EQ(DataOf(Get("/api/v1/metadata?metric=down")),
            R"({"down":[{"type":"counter","help":"a\"b","unit":"seconds"}]})");
  EXPECT_THAT(DataOf(Get("/api/v1/metadata?limit=1")), Not(HasSubstr("\"up\"")));
  EXPECT_EQ(DataOf(Get("/api/v1/metadata?limit=0")), "{}");
}

TEST_F(ListRoutes, StatusIsTold) {
  EXPECT_THAT(DataOf(Get("/api/v1/status/buildinfo")),
              HasSubstr(R"("version":"2.42.0","application":"rhizome","revision":"0.1.0")"));
  EXPECT_EQ(DataOf(Get("/api/v1/status/flags")), R"({"data-dir":"/x"})");
  EXPECT_EQ(DataOf(Get("/api/v1/status/config")), R"({"yaml":"a: 1\n"})");
  EXPECT_THAT(DataOf(Get("/api/v1/status/runtimeinfo")), HasSubstr(R"("storageRetention":"15d")"));
}

TEST_F(ListRoutes, TsdbCountsSeries) {
  const auto data = boost::json::parse(DataOf(Get("/api/v1/status/tsdb?limit=1")));
  EXPECT_EQ(data.at("headStats").at("numSeries"), 3);
  EXPECT_EQ(data.at("headStats").at("maxTime"), 130'000);
  EXPECT_EQ(boost::json::serialize(data.at("seriesCountByMetricName")), R"([{"name":"up","value":2}])");
  EXPECT_EQ(data.at("seriesCountByLabelValuePair").as_array().size(), 1u);
}

TEST_F(ListRoutes, DeletingIsOffUnlessMeant) {
  EXPECT_EQ(FailureOf(Post("/api/v1/admin/tsdb/delete_series?match[]=up", "")), "503 unavailable");
  EXPECT_THAT(DataOf(Get("/api/v1/series?match[]=up")), HasSubstr("up"));
}

TEST_F(ListRoutes, WhatMatchesWithinTheTimesIsDeleted) {
  options_.admin = true;
  EXPECT_EQ(Post("/api/v1/admin/tsdb/delete_series", "match[]=up&end=15").status, 204);
  EXPECT_EQ(DataOf(Get("/api/v1/query?query=count_over_time(up{job=%22a%22}[1m])&time=30")),
            R"({"resultType":"vector","result":[{"metric":{"job":"a"},"value":[30,"1"]}]})");
  EXPECT_EQ(Call("PUT", "/api/v1/admin/tsdb/delete_series?match[]=up&match[]=down").status, 204);
  EXPECT_EQ(DataOf(Get("/api/v1/labels")), "[]");
  EXPECT_EQ(DataOf(Get("/api/v1/labels", "X-Scope-OrgID: other\r\n")), R"(["__name__","private"])");
}

TEST_F(ListRoutes, DeletingNeedsASelector) {
  options_.admin = true;
  EXPECT_EQ(FailureOf(Post("/api/v1/admin/tsdb/delete_series", "start=0")), "400 bad_data");
  EXPECT_EQ(FailureOf(Post("/api/v1/admin/tsdb/delete_series", "match[]={")), "400 bad_data");
  EXPECT_EQ(FailureOf(Post("/api/v1/admin/tsdb/delete_series", "match[]=up&start=x")), "400 bad_data");
  EXPECT_EQ(Get("/api/v1/admin/tsdb/delete_series?match[]=up").status, 405);
}

TEST_F(ListRoutes, ARemoteReadGivesSamplesWithinTheTimes) {
  const gateway::Reply reply = Read(ReadOfUp());
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.Header("Content-Type"), "application/x-protobuf");
  EXPECT_EQ(reply.Header("Content-Encoding"), "snappy");
  std::string message;
  ASSERT_TRUE(snappy::Uncompress(reply.body.data(), reply.body.size(), &message));
  const auto label = [](const std::string& name, const std::string& value) {
    return Field(1, Field(1, name) + Field(2, value));
  };
  const std::string two = std::string(7, '\0') + "\x40", three = std::string(6, '\0') + "\x08\x40";
  const std::string series = label("__name__", "up") + label("job", "a") +
                             Field(2, "\x09" + two + std::string{2 << 3, '\x98', '\x75'}) +
                             Field(2, "\x09" + three + std::string{2 << 3, '\xb0', '\xea', '\x01'});
  EXPECT_EQ(message, Field(1, Field(1, series)));
}

TEST_F(ListRoutes, ARemoteReadMayAskForChunks) {
  const gateway::Reply reply = Read(Compressed(std::string{2 << 3, 1}));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.Header("Content-Type"), "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse");
  EXPECT_EQ(reply.Header("Content-Encoding"), "");
  EXPECT_EQ(reply.body, "");
}

TEST_F(ListRoutes, WhatARemoteReadGetsWrongIs400) {
  EXPECT_EQ(Read("no snappy").status, 400);
  EXPECT_EQ(Read(Compressed(std::string{2 << 3, 7})).body,
            "the response types here are SAMPLES and STREAMED_XOR_CHUNKS");
  EXPECT_EQ(Read(ReadOfUp(), "X-Scope-OrgID: a b\r\n").status, 400);
  EXPECT_EQ(Post("/api/v1/read", "x", kForm).status, 415);
}

TEST_F(ListRoutes, ARemoteReadIsBounded) {
  options_.read_samples_max = 1;
  EXPECT_EQ(Read(ReadOfUp()).status, 422);
}

TEST_F(ListRoutes, ARemoteReadsAnswerIsBounded) {
  options_.answer_bytes_max = 20;
  EXPECT_THAT(Read(ReadOfUp()).body, HasSubstr("more than the limit of 20 bytes"));
}

TEST_F(ListRoutes, HalfARemoteReadIsNone) {
  store_.OnCall([](const promql::MetricsScope& scope) {
    scope.warnings->push_back("1 of 8 partitions did not answer");
    return Status::Ok();
  });
  const gateway::Reply reply = Read(ReadOfUp());
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.body, "1 of 8 partitions did not answer");
}

}  // namespace
}  // namespace rhizome::metrics_api
