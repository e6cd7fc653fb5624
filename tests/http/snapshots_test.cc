// Snapshots over HTTP: jobs, listings, and that a request chooses no place of its own.
#include <chrono>
#include <thread>

#include "api_fixture.h"

namespace rhizome::gateway {
namespace {

class SnapshotApi : public ApiFixture {
 protected:
  // The job that a request began, once it has ended.
  json::object Await(std::string_view target, std::string_view body = "") {
    const json::value begun = Do("POST", target, body);
    const std::string path = "/snapshots/" + json::serialize(begun.at("job"));
    for (int i = 0; i < 3'000; ++i) {
      json::value job = Do("GET", path);
      if (job.at("state") != "waiting" && job.at("state") != "running") return job.as_object();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "the job does not end";
    return begun.as_object();
  }
  void Fill() {
    Do("POST", "/collections", R"({"name":"c","dimension":2,"shards":3})");
    Do("POST", "/vectors", R"({"collection":"c","points":[{"id":1,"vector":[1,2]},{"id":2,"vector":[3,4]}]})");
    Do("POST", "/vectors/delete", R"({"collection":"c","ids":[2]})");
  }
};

TEST_F(SnapshotApi, ASnapshotIsMadeListedVerifiedAndRestored) {
  OpenNode();
  Fill();
  const json::object made = Await("/collections/c/snapshots");
  ASSERT_EQ(made.at("state"), "done") << json::serialize(made);
  const json::value id = made.at("report").at("summary").at("id");
  EXPECT_EQ(made.at("report").at("summary").at("registers"), 2);
  const json::value listing = Do("GET", "/collections/c/snapshots");
  ASSERT_EQ(listing.at("snapshots").as_array().size(), 1u);
  EXPECT_EQ(listing.at("snapshots").at(0).at("id"), id);
  EXPECT_EQ(Await("/collections/c/snapshots/verify").at("report").at("damaged"), 0);
  const json::object restored = Await("/collections/d/restore", R"({"from":"c","shards":1})");
  ASSERT_EQ(restored.at("state"), "done") << json::serialize(restored);
  EXPECT_EQ(restored.at("report").at("equal"), true);
  EXPECT_EQ(Do("GET", "/collections/d").at("points"), 1);
  EXPECT_EQ(Do("GET", "/collections/d").at("shards"), 1);
  const json::object refused = Await("/collections/d/restore", R"({"from":"c"})");
  EXPECT_EQ(refused.at("state"), "failed");
  EXPECT_NE(std::string(refused.at("error").as_string()).find("not empty"), std::string::npos);
  EXPECT_EQ(Await("/collections/c/snapshots/prune", R"({"keep":1})").at("dry_run"), true);
}

TEST_F(SnapshotApi, ARequestNamesNoPlaceOfItsOwn) {
  OpenNode();
  Fill();
  for (const char* body :
       {R"({"target":"dir:/tmp/elsewhere"})", R"({"target":"s3://bucket"})", R"({"target":"http://127.0.0.1:1/"})"}) {
    EXPECT_EQ(Refusal("POST", "/collections/c/snapshots", body), "400 target");
    EXPECT_EQ(Refusal("POST", "/collections/c/restore", body), "400 target");
  }
  EXPECT_EQ(Refusal("GET", "/collections/c/snapshots?target=dir:/etc"), "400 target");
  EXPECT_EQ(Refusal("POST", "/collections/c/snapshots", R"({"url":"s3://bucket"})"), "400 url");
}

TEST_F(SnapshotApi, BadInputIsNamed) {
  OpenNode();
  Fill();
  EXPECT_EQ(Refusal("POST", "/collections/nobody/snapshots").substr(0, 3), "404");
  EXPECT_EQ(Refusal("POST", "/collections/c/snapshots/verify", R"({"snapshot":"../../x"})"), "400 snapshot");
  EXPECT_EQ(Refusal("POST", "/collections/c/restore", R"({"from":"../x"})"), "400 collection");
  EXPECT_EQ(Refusal("POST", "/collections/c/restore", R"({"shards":65})"), "400 shards");
  EXPECT_EQ(Refusal("POST", "/collections/c/snapshots/prune", R"({"keep":0})"), "400 keep");
  EXPECT_EQ(Refusal("GET", "/snapshots/none"), "400 job");
  EXPECT_EQ(Refusal("GET", "/snapshots/99").substr(0, 3), "404");
}

}  // namespace
}  // namespace rhizome::gateway
