// Memories over HTTP: documents in, entities and relations out.
#include "api_fixture.h"
#include "base/await_testing.h"

namespace rhizome::gateway {
namespace {

using testing::HasSubstr;

class MemoryApi : public ApiFixture {
 protected:
  void Open() {
    OpenNode();
    Do("POST", "/collections", R"({"name":"lives","dimension":0,"graph":true})");
  }
  // Returns once the document's task is done.
  void Learn(const std::string& id, const std::string& title, const std::string& text) {
    const json::value body = {{"collection", "lives"}, {"documents", {{{"id", id}, {"title", title}, {"text", text}}}}};
    const auto answer = Do("POST", "/documents", json::serialize(body));
    const std::string task(answer.at("results").at(0).at("task").as_string());
    ASSERT_TRUE(Await([&] { return Do("GET", "/tasks/" + task).at("state") == "done"; })) << task;
  }
  std::vector<std::string> Relations(const std::string& query) {
    std::vector<std::string> said;
    const auto page = Do("GET", "/relations?collection=lives&" + query);
    for (const auto& fact : page.at("relations").as_array()) {
      said.push_back(std::string(fact.at("source").as_string()) + " " + std::string(fact.at("type").as_string()) + " " +
                     std::string(fact.at("target").as_string()));
    }
    return said;
  }
};

TEST_F(MemoryApi, WhatDocumentsSayIsFoundByName) {
  Open();
  Learn("curie", "Marie Curie", "Marie Curie was born in Warsaw.");
  Learn("warsaw", "Warsaw", "Warsaw is the capital of Poland.");
  EXPECT_THAT(Relations("entity=MARIE%20curie&type=born_in"), testing::ElementsAre("marie curie born_in warsaw"));
  EXPECT_THAT(Relations("entity=Warsaw&direction=in"), testing::ElementsAre("marie curie born_in warsaw"));
  const auto page = Do("GET", "/entities?collection=lives&prefix=Wars");
  EXPECT_EQ(page.at("entities").at(0).at("name"), "warsaw");
  EXPECT_EQ(page.at("entities").at(0).at("documents").to_number<int>(), 2);
  EXPECT_EQ(page.at("next"), "");
}

TEST_F(MemoryApi, EntitiesComeInPages) {
  Open();
  Learn("d", "", "Anna met Boris in Cairo.");
  const auto first = Do("GET", "/entities?collection=lives&limit=1");
  EXPECT_EQ(first.at("entities").as_array().size(), 1U);
  const std::string next(first.at("next").as_string());
  EXPECT_NE(next, "");
  const auto second = Do("GET", "/entities?collection=lives&limit=1&after=" + next);
  EXPECT_NE(second.at("entities").at(0).at("name"), first.at("entities").at(0).at("name"));
}

TEST_F(MemoryApi, RelationsOfADeletedDocumentAreGone) {
  Open();
  Learn("curie", "Marie Curie", "Marie Curie was born in Warsaw.");
  Do("DELETE", "/documents/curie?collection=lives");
  EXPECT_TRUE(Relations("entity=Warsaw").empty());
  EXPECT_TRUE(Do("GET", "/entities?collection=lives").at("entities").as_array().empty());
}

TEST_F(MemoryApi, RelationsAreThoseOfATime) {
  Open();
  Learn("d", "Alice Brown", "Alice Brown worked for Acme Corporation from 1990 to 1995.");
  const auto of = [this](const std::string& year_ms) { return Relations("entity=Alice%20Brown&as_of_ms=" + year_ms); };
  const auto all = Relations("entity=Alice%20Brown");
  ASSERT_FALSE(all.empty());
  EXPECT_EQ(of("725846400000").size(), all.size());   // 1993
  EXPECT_LT(of("1104537600000").size(), all.size());  // 2005
  EXPECT_TRUE(Relations("entity=Alice%20Brown&known_at_ms=1000").empty());
}

TEST_F(MemoryApi, ACollectionWithDocumentsIsGivenAGraphOfThem) {
  OpenNode();
  Do("POST", "/collections", R"({"name":"lives","dimension":0})");
  for (int i = 0; i < 30; ++i) {
    const json::value body = {
        {"collection", "lives"},
        {"documents",
         {{{"id", "d" + std::to_string(i)}, {"text", "Person" + std::to_string(i) + " was born in Warsaw."}}}}};
    Do("POST", "/documents", json::serialize(body));
  }
  EXPECT_EQ(Call("GET", "/collections/lives/graph").status, 409);
  EXPECT_EQ(Call("POST", "/collections/lives/graph").status, 202);
  json::value progress;
  ASSERT_TRUE(Await([&] {
    progress = Do("GET", "/collections/lives/graph");
    return progress.at("task").at("state") == "done" && progress.at("waiting") == 0;
  }));
  EXPECT_EQ(progress.at("task").at("documents_taken").to_number<int>(), 30);
  EXPECT_EQ(Relations("entity=Warsaw&direction=in&limit=100").size(), 30U);
  EXPECT_EQ(Call("POST", "/collections/nobody/graph").status, 404);
}

TEST_F(MemoryApi, WhatIsAskedWronglyIsNamed) {
  Open();
  Do("POST", "/collections", R"({"name":"plain","dimension":0})");
  EXPECT_EQ(Refusal("GET", "/entities?collection=nobody"), "404");
  EXPECT_EQ(Call("GET", "/entities?collection=plain").status, 409);
  EXPECT_THAT(Call("GET", "/entities?collection=plain").body, HasSubstr("no knowledge graph"));
  EXPECT_EQ(Refusal("GET", "/entities?collection=lives&limit=0"), "400 query.limit");
  EXPECT_EQ(Refusal("GET", "/entities?collection=lives&colour=red"), "400 query.colour");
  EXPECT_EQ(Refusal("GET", "/relations?collection=lives"), "400 query.entity");
  EXPECT_EQ(Refusal("GET", "/relations?collection=lives&entity=a&direction=up"), "400 query.direction");
  EXPECT_EQ(Refusal("GET", "/relations?collection=lives&entity=a&as_of_ms=soon"), "400 query.as_of_ms");
  EXPECT_EQ(Refusal("GET", "/relations?collection=lives&entity=a&after=%25"), "400 query.after");
  EXPECT_EQ(Refusal("GET", "/tasks/nothing"), "404");
}

}  // namespace
}  // namespace rhizome::gateway
