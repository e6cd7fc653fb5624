#include <gmock/gmock.h>

#include <chrono>
#include <future>
#include <thread>

#include "metrics_api/server_testing.h"

namespace rhizome::metrics_api {
namespace {

using testing::HasSubstr;

class QueryRoutes : public MetricsServerTest {
 protected:
  QueryRoutes() {
    store_.Add("default", "up{job=\"a\"}", 0, 15'000, {1, 2, 3, 4, 5});
    store_.Add("default", "up{job=\"b\"}", 0, 15'000, {5, 4, 3, 2, 1});
    store_.Add("other", "up{job=\"secret\"}", 0, 15'000, {7});
  }
};

TEST_F(QueryRoutes, AnInstantIsAVector) {
  EXPECT_EQ(Get("/api/v1/query?query=up&time=20.5").body,
            R"({"status":"success","data":{"resultType":"vector","result":[)"
            R"({"metric":{"__name__":"up","job":"a"},"value":[20.500,"2"]},)"
            R"({"metric":{"__name__":"up","job":"b"},"value":[20.500,"4"]}]}})");
}

TEST_F(QueryRoutes, GetAndFormPostAreAlike) {
  const std::string got = Get("/api/v1/query?query=sum(up)&time=15").body;
  EXPECT_EQ(Post("/api/v1/query", "query=sum(up)&time=15").body, got);
  EXPECT_EQ(Post("/api/v1/query?time=15", "query=sum%28up%29").body, got);
  EXPECT_THAT(got, HasSubstr("[15,\"6\"]"));
  EXPECT_EQ(Post("/api/v1/query", "{}", "Content-Type: application/json\r\n").status, 415);
}

TEST_F(QueryRoutes, ARangeSelectorGivesItsSamples) {
  EXPECT_EQ(DataOf(Get("/api/v1/query?query=up{job=%22a%22}[31s]&time=1970-01-01T00:00:45Z")),
            R"({"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"a"},)"
            R"("values":[[15,"2"],[30,"3"],[45,"4"]]}]})");
}

TEST_F(QueryRoutes, ScalarsAndStringsCarryTheTime) {
  EXPECT_EQ(DataOf(Get("/api/v1/query?query=1e6&time=3")), R"({"resultType":"scalar","result":[3,"1000000"]})");
  EXPECT_EQ(DataOf(Get("/api/v1/query?query=%22x%22&time=3")), R"({"resultType":"string","result":[3,"x"]})");
}

TEST_F(QueryRoutes, WithoutATimeItIsNow) {
  const auto answer = boost::json::parse(Get("/api/v1/query?query=time()").body);
  const std::string text(answer.at("data").at("result").at(1).as_string());
  EXPECT_NEAR(std::stod(text), static_cast<double>(SystemClock().WallMs()) / 1e3, 600);
}

TEST_F(QueryRoutes, ARangeIsAMatrix) {
  EXPECT_EQ(DataOf(Get("/api/v1/query_range?query=up{job=%22b%22}&start=0&end=30&step=15s")),
            R"({"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"b"},)"
            R"("values":[[0,"5"],[15,"4"],[30,"3"]]}]})");
  EXPECT_EQ(DataOf(Get("/api/v1/query_range?query=2&start=0&end=0.5&step=0.25")),
            R"({"resultType":"matrix","result":[{"metric":{},"values":[[0,"2"],[2.5E-1,"2"],[5E-1,"2"]]}]})");
}

TEST_F(QueryRoutes, WhatIsWrongInARequestIs400) {
  for (const std::string target :
       {"query", "query?query=", "query?query=sum(", "query?query=up&time=x", "query?query=up&timeout=x",
        "query?query=up&limit=x", "query_range?query=up", "query_range?query=up&start=0&end=1",
        "query_range?query=up&start=0&end=1&step=0", "query_range?query=up&start=0&end=1&step=-1",
        "query_range?query=up&start=2&end=1&step=1", "query_range?query=up[5m]&start=0&end=1&step=1",
        "query_range?query=up&start=0&end=11001&step=1", "query_range?query=up&start=0&end=1e13&step=1", "format_query",
        "format_query?query=(", "query_exemplars", "query_exemplars?query=up&start=1&end=0"}) {
    EXPECT_EQ(FailureOf(Get("/api/v1/" + target)), "400 bad_data") << target;
  }
}

TEST_F(QueryRoutes, ErrorsNameTheParameter) {
  EXPECT_THAT(ErrorOf(Get("/api/v1/query?query=sum(")), HasSubstr("invalid parameter \"query\": 1:5: parse error: "));
  EXPECT_EQ(ErrorOf(Get("/api/v1/query_range?query=up&start=now&end=1&step=1")),
            "invalid parameter \"start\": cannot parse \"now\" to a valid timestamp");
}

TEST_F(QueryRoutes, ElevenThousandStepsAreTheMost) {
  EXPECT_EQ(Get("/api/v1/query_range?query=1&start=0&end=11000&step=1").status, 200);
  EXPECT_THAT(ErrorOf(Get("/api/v1/query_range?query=1&start=0&end=11001&step=1")),
              HasSubstr("exceeded maximum resolution of 11,000 points per timeseries"));
}

TEST_F(QueryRoutes, WhatOnlyTheDataShowsIs422) {
  EXPECT_EQ(FailureOf(Get("/api/v1/query?query=up*on()up&time=15")), "422 execution");
  EXPECT_EQ(FailureOf(Get("/api/v1/query_range?query=up*on()up&start=0&end=15&step=15")), "422 execution");
}

TEST_F(QueryRoutes, ALimitCutsAndWarns) {
  const std::string body = Get("/api/v1/query?query=up&time=15&limit=1").body;
  EXPECT_THAT(body, HasSubstr("\"job\":\"a\""));
  EXPECT_THAT(body, testing::Not(HasSubstr("\"job\":\"b\"")));
  EXPECT_THAT(body, HasSubstr("\"warnings\":[\"results truncated due to limit\"]"));
  EXPECT_THAT(Get("/api/v1/query?query=up&time=15&limit=2").body, testing::Not(HasSubstr("warnings")));
}

TEST_F(QueryRoutes, AQueryPastItsLimitsIs422) {
  options_.engine.limits.samples_max = 3;
  EXPECT_EQ(FailureOf(Get("/api/v1/query?query=up[1m]&time=60")), "422 execution");
}

TEST_F(QueryRoutes, AnAnswerThatIsTooLongIs422) {
  options_.answer_bytes_max = 150;
  EXPECT_EQ(Get("/api/v1/query?query=up{job=%22a%22}&time=15").status, 200);
  EXPECT_EQ(FailureOf(Get("/api/v1/query_range?query=up&start=0&end=60&step=1")), "422 execution");
}

TEST_F(QueryRoutes, WithoutTimeLeftItIsATimeout) {
  EXPECT_EQ(FailureOf(Get("/api/v1/query?query=up&timeout=0")), "503 timeout");
  EXPECT_EQ(FailureOf(Get("/api/v1/query_range?query=up&start=0&end=1&step=1&timeout=-1")), "503 timeout");
}

TEST_F(QueryRoutes, ALongQueryEndsWithItsTimeout) {
  for (int n = 0; n < 200; ++n) {
    store_.Add("default", "many{n=\"" + std::to_string(n) + "\"}", 0, 1'000, std::vector<double>(3'000, 1));
  }
  const std::string query = "sum(quantile_over_time(0.5,many[50m]))";
  EXPECT_EQ(FailureOf(Get("/api/v1/query_range?query=" + query + "&start=0&end=3000&step=1&timeout=50ms")),
            "503 timeout");
}

TEST_F(QueryRoutes, AQueryEndsWhenItsClientHasGone) {
  std::promise<void> entered;
  std::promise<bool> seen;
  store_.OnCall([&](const promql::MetricsScope& scope) {
    entered.set_value();
    for (int i = 0; i < 60'000 && !scope.cancelled->load(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    seen.set_value(scope.cancelled->load());
    return Status::Cancelled("seen");
  });
  {
    gateway::TestClient client = Client();
    ASSERT_TRUE(client.Send("GET /api/v1/query?query=up HTTP/1.1\r\nHost: a\r\n\r\n"));
    entered.get_future().wait();
  }
  EXPECT_TRUE(seen.get_future().get());
}

TEST_F(QueryRoutes, TheStoreIsToldTheDeadline) {
  int64_t deadline_ns = 0;
  store_.OnCall([&](const promql::MetricsScope& scope) {
    deadline_ns = scope.deadline_ns;
    return Status::Ok();
  });
  EXPECT_EQ(Get("/api/v1/query?query=up&timeout=2s").status, 200);
  EXPECT_LE(deadline_ns, SystemClock().MonotonicNs() + 2'000'000'000);
  EXPECT_GT(deadline_ns, 0);
}

TEST_F(QueryRoutes, WhatTheStoreSaysIsHandedOn) {
  store_.OnCall([](const promql::MetricsScope& scope) {
    scope.warnings->push_back("1 of 8 partitions did not answer");
    return Status::Ok();
  });
  EXPECT_THAT(Get("/api/v1/query?query=up").body, HasSubstr("\"warnings\":[\"1 of 8 partitions did not answer\"]"));
  store_.OnCall([](const promql::MetricsScope&) { return Status::Unavailable("no node answers"); });
  EXPECT_EQ(FailureOf(Get("/api/v1/query?query=up")), "503 unavailable");
  store_.OnCall([](const promql::MetricsScope&) { return Status::IoError("secret"); });
  EXPECT_EQ(FailureOf(Get("/api/v1/query?query=up")), "500 internal");
}

TEST_F(QueryRoutes, AWrongQueryCostsTheStoreNothing) {
  store_.OnCall([](const promql::MetricsScope&) -> Status {
    ADD_FAILURE() << "asked";
    return Status::Ok();
  });
  EXPECT_EQ(Get("/api/v1/query?query=1%2B1").status, 200);
  EXPECT_EQ(Get("/api/v1/query?query=up%2B").status, 400);
}

TEST_F(QueryRoutes, TenantsSeeOnlyTheirOwn) {
  const auto count = [&](std::string_view headers) { return DataOf(Get("/api/v1/query?query=up&time=15", headers)); };
  EXPECT_THAT(count("X-Scope-OrgID: other\r\n"), HasSubstr("secret"));
  EXPECT_THAT(count("X-Scope-OrgID: default\r\n"), testing::Not(HasSubstr("secret")));
  EXPECT_EQ(count("X-Scope-OrgID: default\r\n"), count(""));
  EXPECT_EQ(count("X-Scope-OrgID: nobody\r\n"), R"({"resultType":"vector","result":[]})");
}

TEST_F(QueryRoutes, ATenantThatIsNoNameIsRefused) {
  for (const std::string& tenant : std::vector<std::string>{"a|b", "../a", "a b", std::string(129, 'x')}) {
    EXPECT_EQ(FailureOf(Get("/api/v1/query?query=up", "X-Scope-OrgID: " + tenant + "\r\n")), "400 bad_data") << tenant;
  }
}

TEST_F(QueryRoutes, QueriesAreFormatted) {
  EXPECT_EQ(DataOf(Get("/api/v1/format_query?query=sum(up)by(job)")), "\"sum by (job) (up)\"");
}

TEST_F(QueryRoutes, NoExemplarsAreKept) {
  EXPECT_EQ(DataOf(Get("/api/v1/query_exemplars?query=up&start=0&end=1")), "[]");
}

}  // namespace
}  // namespace rhizome::metrics_api
