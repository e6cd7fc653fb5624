// Tasks and dead letters over HTTP.
#include "api_fixture.h"
#include "base/await_testing.h"
#include "queue/embedded.h"
#include "workers/intake.h"

namespace rhizome::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class TasksApi : public ApiFixture {
 protected:
  // Two jobs that nobody can do wait in the queue, and one that can be done once its collection is there.
  void OpenWithBadJobs() {
    {
      const workers::PipelineSettings settings;
      const auto queue = queue::EmbeddedQueue::Open(io::RealDisk(), directory_ + "/queue").value();
      ASSERT_TRUE(workers::EnsureTopics(*queue, settings).ok());
      std::vector<workers::Submission> jobs;
      for (const char* task : {"torn-1", "torn-2"}) {
        jobs.push_back({task, "lives:x", {1, 1}, "no payload", std::string(workers::kExtract)});
      }
      ASSERT_TRUE(workers::Accept(*queue, settings, jobs, nullptr).ok());
    }
    OpenNode();
    Do("POST", "/collections", R"({"name":"lives","dimension":0,"graph":true})");
    ASSERT_TRUE(Await([&] { return Letters("").size() == 2; }));
  }
  std::vector<std::string> Letters(const std::string& query) {
    std::vector<std::string> tasks;
    const auto page = Do("GET", "/dead-letters?" + query);
    for (const auto& letter : page.at("dead_letters").as_array()) tasks.emplace_back(letter.at("task").as_string());
    return tasks;
  }
  std::string StateOf(const std::string& task) { return Do("GET", "/tasks/" + task).at("state").as_string().c_str(); }
};

TEST_F(TasksApi, DeadLettersSayWhatFailedAndWhy) {
  OpenWithBadJobs();
  const auto letter = Do("GET", "/dead-letters?limit=1").at("dead_letters").at(0);
  EXPECT_EQ(letter.at("task"), "torn-1");
  EXPECT_EQ(letter.at("job"), "ingest.extract");
  EXPECT_EQ(letter.at("key"), "lives:x");
  EXPECT_THAT(std::string(letter.at("reason").as_string()), HasSubstr("task of a document"));
  EXPECT_EQ(letter.at("attempts").to_number<int>(), 1);
  EXPECT_TRUE(Letters("stage=ingest.embed").empty());
  EXPECT_TRUE(Letters("reason=unavailable").empty());
  EXPECT_EQ(Letters("reason=corruption").size(), 2U);
}

TEST_F(TasksApi, TasksAreListedByState) {
  OpenWithBadJobs();
  ASSERT_TRUE(Await([&] { return StateOf("torn-2") == "dead_lettered" && StateOf("torn-1") == "dead_lettered"; }));
  const auto first = Do("GET", "/tasks?state=dead_lettered&limit=1");
  EXPECT_EQ(first.at("tasks").at(0).at("id"), "torn-1");
  EXPECT_EQ(first.at("next"), "torn-1");
  const auto second = Do("GET", "/tasks?state=dead_lettered&limit=1&after=torn-1");
  EXPECT_EQ(second.at("tasks").at(0).at("id"), "torn-2");
  EXPECT_TRUE(Do("GET", "/tasks?state=done").at("tasks").as_array().empty());
}

TEST_F(TasksApi, OneIsDroppedAndTheOtherStays) {
  OpenWithBadJobs();
  EXPECT_EQ(Do("POST", "/dead-letters/drop", R"({"tasks":["torn-1"]})").at("dropped").to_number<int>(), 1);
  EXPECT_THAT(Letters(""), ElementsAre("torn-2"));
  EXPECT_EQ(StateOf("torn-1"), "dead_lettered");
}

TEST_F(TasksApi, RedrivenOnesAreTriedAgain) {
  OpenWithBadJobs();
  EXPECT_EQ(Do("POST", "/dead-letters/redrive", R"({"reason":"corruption"})").at("redriven").to_number<int>(), 2);
  ASSERT_TRUE(Await([&] { return Letters("").size() == 2; }));
  EXPECT_EQ(Do("GET", "/dead-letters").at("dead_letters").at(0).at("round").to_number<int>(), 1);
}

TEST_F(TasksApi, WhoNamesNothingMustSayAll) {
  OpenWithBadJobs();
  EXPECT_EQ(Refusal("POST", "/dead-letters/drop", "{}"), "400 all");
  EXPECT_EQ(Refusal("POST", "/dead-letters/drop", R"({"all":true,"stage":"ingest.extract"})"), "400 all");
  EXPECT_EQ(Refusal("POST", "/dead-letters/redrive", R"({"tasks":[]})"), "400 tasks");
  EXPECT_EQ(Refusal("GET", "/tasks?state=odd"), "400 query.state");
  EXPECT_EQ(Refusal("GET", "/dead-letters?limit=0"), "400 query.limit");
  EXPECT_EQ(Do("POST", "/dead-letters/drop", R"({"all":true})").at("dropped").to_number<int>(), 2);
  EXPECT_TRUE(Letters("").empty());
}

TEST_F(TasksApi, WhatWaitsIsInStatsAndMetrics) {
  OpenWithBadJobs();
  const auto pipeline = Do("GET", "/stats").at("pipeline");
  EXPECT_EQ(pipeline.at("dead_letters").to_number<int>(), 2);
  EXPECT_EQ(pipeline.at("waiting").at("ingest.extract").to_number<int>(), 0);
  EXPECT_THAT(Call("GET", "/metrics").body, HasSubstr("queue_dead_letters 2"));
}

TEST_F(TasksApi, ATaskIsFollowedToItsEnd) {
  OpenWithBadJobs();
  const json::value body = {{"collection", "lives"},
                            {"documents", {{{"id", "d"}, {"text", "Anna met Boris in Cairo."}}}}};
  const auto answer = Do("POST", "/documents", json::serialize(body));
  const std::string task(answer.at("results").at(0).at("task").as_string());
  const Reply reply = Stream("/tasks/" + task + "/events");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.Header("Content-Type"), "text/event-stream");
  EXPECT_TRUE(reply.body.starts_with("event: task\ndata: {\"id\":\"" + task)) << reply.body;
  const size_t last = reply.body.rfind("event: task");
  EXPECT_THAT(reply.body.substr(last), HasSubstr("\"state\":\"done\""));
  EXPECT_TRUE(reply.body.ends_with("\n\n"));
  EXPECT_EQ(Refusal("GET", "/tasks/nothing/events"), "404");
}

TEST_F(TasksApi, WithoutAMemoryThereIsNothing) {
  OpenNode();
  EXPECT_TRUE(Do("GET", "/tasks").at("tasks").as_array().empty());
  EXPECT_TRUE(Do("GET", "/dead-letters").at("dead_letters").as_array().empty());
  EXPECT_EQ(Do("POST", "/dead-letters/redrive", R"({"all":true})").at("redriven").to_number<int>(), 0);
}

}  // namespace
}  // namespace rhizome::gateway
