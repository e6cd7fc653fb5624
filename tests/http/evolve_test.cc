// How a memory ages and mends itself, over HTTP, under a clock that stands still until it is moved.
#include "api_fixture.h"
#include "base/await_testing.h"

namespace rhizome::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

constexpr int64_t kDayMs = 24LL * 3600 * 1000;

class EvolveApi : public ApiFixture {
 protected:
  EvolveApi() { memory_clock_ = &clock_; }
  ~EvolveApi() override { memories_.reset(); }
  void Open() {
    clock_.SetWallMs(SystemClock().WallMs());
    OpenNode();
    for (const char* name : {"lives", "others"}) {
      Do("POST", "/collections", std::string(R"({"name":")") + name + R"(","dimension":0,"graph":true})");
    }
  }
  void Learn(const std::string& id, const std::string& title, const std::string& text,
             const std::string& collection = "lives") {
    const json::value body = {{"collection", collection},
                              {"documents", {{{"id", id}, {"title", title}, {"text", text}}}}};
    const auto answer = Do("POST", "/documents", json::serialize(body));
    const std::string task(answer.at("results").at(0).at("task").as_string());
    ASSERT_TRUE(Await([&] { return Do("GET", "/tasks/" + task).at("state") == "done"; })) << task;
  }
  json::value Evolve(json::object body) {
    body["collection"] = "lives";
    return Do("POST", "/evolve", json::serialize(body));
  }
  static std::string Text(const json::value& value) { return std::string(value.as_string()); }
  std::vector<std::string> Audited(const std::string& query = "") {
    std::vector<std::string> events;
    const auto page = Do("GET", "/audit?collection=lives" + query);
    for (const auto& event : page.at("events").as_array()) {
      const auto* other = event.as_object().if_contains("other");
      events.push_back(Text(event.at("action")) + " " + Text(event.at("entity")) +
                       (other == nullptr ? "" : " " + Text(*other)));
    }
    return events;
  }
  json::value Entity(const std::string& name) { return Do("GET", "/entities/" + name + "?collection=lives"); }
  std::vector<std::string> MergedWith(const std::string& name) {
    std::vector<std::string> names;
    const auto entity = Entity(name);
    for (const auto& other : entity.at("merged_with").as_array()) names.push_back(Text(other));
    return names;
  }

  SimClock clock_;
};

TEST_F(EvolveApi, APlanIsShownCarriedOutAndTakenBack) {
  Open();
  Learn("a", "Marie Sklodowska Curie", "Marie Sklodowska Curie was born in Warsaw.");
  Learn("b", "Marie Sklodovska Curie", "Marie Sklodovska Curie lived in Paris.");
  const auto plan = Evolve({{"ageing", false}});
  EXPECT_EQ(plan.at("counts").at("merge").to_number<int>(), 1);
  EXPECT_EQ(plan.at("changes").at(0).at("cause"), "names");
  EXPECT_EQ(plan.at("changes").at(0).at("reason"), "spelling");
  EXPECT_THAT(MergedWith("marie%20sklodowska%20curie"), IsEmpty());
  EXPECT_THAT(Audited(), IsEmpty());
  const auto applied = Evolve({{"plan", plan.at("plan")}});
  EXPECT_EQ(applied.at("changed").to_number<int>(), 1);
  EXPECT_THAT(MergedWith("marie%20sklodowska%20curie"), ElementsAre("marie sklodovska curie"));
  EXPECT_EQ(
      Refusal("POST", "/evolve", json::serialize(json::object{{"collection", "lives"}, {"plan", plan.at("plan")}})),
      "404");
  // Under either name both documents' relations are found.
  const auto relations = Do("GET", "/relations?collection=lives&entity=Marie%20Sklodovska%20Curie&direction=out");
  EXPECT_EQ(relations.at("relations").as_array().size(), 2U);
  const json::object undo = {{"collection", "lives"}, {"event", applied.at("events").at(0)}};
  EXPECT_EQ(Do("POST", "/evolve/undo", json::serialize(undo)).at("events").at(0).at("action"), "split");
  EXPECT_THAT(MergedWith("marie%20sklodowska%20curie"), IsEmpty());
  EXPECT_EQ(Evolve({{"ageing", false}}).at("counts").at("merge").to_number<int>(), 0);
  EXPECT_EQ(Audited().size(), 2U);
}

TEST_F(EvolveApi, YearsPassAndAQuestionBringsBackWhatItNeeds) {
  Open();
  Learn("a", "Warsaw", "Warsaw is the capital of Poland.");
  Do("PATCH", "/entities/poland?", R"({"collection":"lives","critical":true,"importance":0.9})");
  clock_.AdvanceMs(3 * 365 * kDayMs);
  const auto plan = Evolve({});
  EXPECT_EQ(plan.at("counts").at("delete").to_number<int>(), 1);  // Poland is critical
  Evolve({{"plan", plan.at("plan")}});
  EXPECT_EQ(Entity("warsaw").at("state"), "deleted");
  EXPECT_EQ(Entity("poland").at("state"), "active");
  const auto back = Do("POST", "/rehydrate", R"({"collection":"lives","query":"What is Warsaw the capital of?"})");
  EXPECT_EQ(back.at("events").at(0).at("before"), "deleted");
  EXPECT_EQ(back.at("events").at(0).at("by"), "query");
  EXPECT_EQ(Entity("warsaw").at("state"), "active");
  clock_.AdvanceMs(kDayMs);
  EXPECT_EQ(Evolve({}).at("counts").at("delete").to_number<int>(), 0);
  EXPECT_THAT(Audited(), ElementsAre("restore warsaw", "delete warsaw"));
  EXPECT_THAT(Audited("&entity=Poland"), IsEmpty());
}

TEST_F(EvolveApi, PassesRunByTheClock) {
  housekeeping_.every_ms = kDayMs;
  housekeeping_.ageing = true;
  Open();
  Learn("a", "Warsaw", "Warsaw is the capital of Poland.");
  ASSERT_TRUE(memories_->housekeeper().Tick().ok());
  EXPECT_THAT(Audited(), IsEmpty());
  clock_.AdvanceMs(40 * kDayMs);
  ASSERT_TRUE(Await([&] { return Entity("warsaw").at("state") == "archived"; }));
  EXPECT_THAT(Audited(), UnorderedElementsAre("archive warsaw", "archive poland"));
}

TEST_F(EvolveApi, ADeletionTouchesNoOtherCollection) {
  Open();
  const std::string text = "Marie Sklodowska Curie was born in Warsaw. Marie Sklodovska Curie lived in Paris.";
  for (const char* collection : {"lives", "others"}) Learn("a", "Warsaw", text, collection);
  Learn("b", "Marie Sklodovska Curie", "Marie Sklodovska Curie lived in Paris.");
  clock_.AdvanceMs(40 * kDayMs);
  for (const char* collection : {"lives", "others"}) {
    Do("POST", "/evolve", std::string(R"({"dry_run":false,"collection":")") + collection + R"("})");
  }
  const auto seen = [&] {
    std::string all;
    for (const char* path :
         {"/audit?collection=others", "/entities?collection=others", "/relations?collection=others&entity=warsaw",
          "/entities/warsaw?collection=others", "/documents/a?collection=others"}) {
      all += Call("GET", path).body;
    }
    return all;
  };
  const std::string before = seen();
  EXPECT_THAT(before, HasSubstr("archive"));
  Do("DELETE", "/documents/a?collection=lives");
  Do("DELETE", "/documents/b?collection=lives");
  EXPECT_EQ(seen(), before);
  EXPECT_THAT(Audited(), IsEmpty());
  EXPECT_TRUE(Do("GET", "/entities?collection=lives").at("entities").as_array().empty());
  EXPECT_EQ(Refusal("GET", "/entities/warsaw?collection=lives"), "404");
  EXPECT_EQ(Refusal("GET", "/documents/a?collection=lives"), "404");
  const auto graph = memories_->Graph("lives").value();
  for (size_t i = 0; i < graph->size(); ++i) {
    for (const auto& entry : graph->at(i).engine().Inventory({0}, 0, "", 10'000).value().entries) {
      EXPECT_TRUE(entry.tombstone) << testing::PrintToString(entry.key);
    }
  }
  EXPECT_EQ(
      Do("POST", "/search", R"({"collection":"lives","query":"Warsaw","mode":"text"})").at("hits").as_array().size(),
      0U);
}

TEST_F(EvolveApi, WhatIsAskedWronglyIsNamed) {
  Open();
  Learn("a", "Warsaw", "Warsaw is the capital of Poland.");
  EXPECT_EQ(Refusal("POST", "/evolve", R"({"collection":"nobody"})"), "404");
  EXPECT_EQ(Refusal("POST", "/evolve", R"({"collection":"lives","plan":"nothing"})"), "404");
  EXPECT_EQ(Refusal("POST", "/evolve", R"({"collection":"lives","colour":1})"), "400 colour");
  EXPECT_EQ(Refusal("POST", "/evolve/undo", R"({"collection":"lives","event":"x"})"), "400 event");
  EXPECT_EQ(Refusal("POST", "/evolve/undo", R"({"collection":"lives","event":"00000000000000000000000000000000-1-0"})"),
            "404");
  EXPECT_EQ(Refusal("POST", "/rehydrate", R"({"collection":"lives"})"), "400 query");
  EXPECT_EQ(Refusal("GET", "/audit?collection=lives&limit=0"), "400 query.limit");
  EXPECT_EQ(Refusal("GET", "/audit?collection=lives&after=eA"), "400 query.after");
  EXPECT_EQ(Refusal("GET", "/entities/nobody?collection=lives"), "404");
  EXPECT_EQ(Refusal("PATCH", "/entities/nobody", R"({"collection":"lives","critical":true})"), "404");
  EXPECT_EQ(Refusal("PATCH", "/entities/warsaw", R"({"collection":"lives","importance":2})"), "400 importance");
  Do("POST", "/collections", R"({"name":"plain","dimension":0})");
  EXPECT_EQ(Call("POST", "/evolve", R"({"collection":"plain"})").status, 409);
}

}  // namespace
}  // namespace rhizome::gateway
