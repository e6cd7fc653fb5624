// Questions over HTTP: documents in, answers with citations out.
#include "api_fixture.h"
#include "ask/chat.h"
#include "base/await_testing.h"
#include "io/http_test_server.h"

namespace rhizome::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class AskApi : public ApiFixture {
 protected:
  // Into the default memory; returns once it is learned.
  void Ingest(const json::object& document) {
    const auto answer = Do("POST", "/ingest", json::serialize(document));
    const std::string task(answer.at("results").at(0).at("task").as_string());
    ASSERT_TRUE(Await([&] { return Do("GET", "/tasks/" + task).at("state") == "done"; })) << task;
  }
  void IngestLives() {
    Ingest({{"id", "curie"},
            {"title", "Marie Curie"},
            {"text", "Marie Curie was born in Warsaw in 1867."},
            {"metadata", {{"kind", "person"}}},
            {"source", "lives/curie.txt"}});
    Ingest({{"id", "warsaw"},
            {"title", "Warsaw"},
            {"text", "Warsaw is the capital of Poland. The Vistula crosses it."},
            {"metadata", {{"kind", "place"}}}});
  }
  json::value Query(const json::object& body) { return Do("POST", "/query", json::serialize(body)); }
};

TEST_F(AskApi, AnAnswerRestsOnWhatItCites) {
  OpenNode();
  IngestLives();
  const auto answer = Query({{"query", "Where was Marie Curie born?"}});
  EXPECT_EQ(answer.at("kind"), "fact") << json::serialize(answer);
  EXPECT_EQ(answer.at("answer"), "Warsaw (1867)");
  EXPECT_EQ(answer.at("in_memory"), true);
  EXPECT_EQ(answer.at("mode"), "multi_hop");
  const auto& citation = answer.at("citations").at(0);
  EXPECT_EQ(citation.at("document"), "curie");
  EXPECT_EQ(citation.at("chunk").to_number<int>(), 0);
  EXPECT_EQ(citation.at("begin").to_number<int>(), 0);
  EXPECT_EQ(citation.at("end").to_number<int>(), 39);
  EXPECT_EQ(citation.at("source"), "lives/curie.txt");
  EXPECT_EQ(citation.at("text"), "Marie Curie was born in Warsaw in 1867.");
  EXPECT_EQ(answer.at("facts").at(0).at("type"), "born_in");
  EXPECT_GT(answer.at("latency_ms").at("total").to_number<double>(), 0);
}

TEST_F(AskApi, FiltersTopKAndModesAreKept) {
  OpenNode();
  IngestLives();
  const auto filtered = Query({{"query", "What is Warsaw?"}, {"filters", {{"field", "kind"}, {"match", "person"}}}});
  for (const auto& citation : filtered.at("citations").as_array()) EXPECT_EQ(citation.at("document"), "curie");
  EXPECT_EQ(Query({{"query", "What is Warsaw?"}, {"top_k", 1}}).at("citations").as_array().size(), 1U);
  for (const char* const mode : {"local", "hybrid", "multi_hop", "vector"}) {
    EXPECT_EQ(Query({{"query", "What is Warsaw?"}, {"mode", mode}}).at("mode"), mode);
  }
}

TEST_F(AskApi, WhatIsAskedWronglyIsNamed) {
  OpenNode();
  const auto refusal = [this](const std::string& body) { return Refusal("POST", "/query", body); };
  EXPECT_EQ(refusal("{}"), "400 query");
  EXPECT_EQ(refusal(R"({"query":" "})"), "400 query");
  EXPECT_EQ(refusal(R"({"query":"a","mode":"deep"})"), "400 mode");
  EXPECT_EQ(refusal(R"({"query":"a","top_k":0})"), "400 top_k");
  EXPECT_EQ(refusal(R"({"query":"a","as_of":"soon"})"), "400 as_of");
  EXPECT_EQ(refusal(R"({"query":"a","known_at":1.5})"), "400 known_at");
  EXPECT_EQ(refusal(R"({"query":"a","filters":{"field":"x"}})"), "400 filters");
  EXPECT_EQ(refusal(R"({"query":"a","colour":"red"})"), "400 colour");
  EXPECT_EQ(refusal(R"({"query":"a"})"), "404");
  Do("POST", "/collections", R"({"name":"plain","dimension":0})");
  EXPECT_EQ(refusal(R"({"query":"a","collection":"plain","mode":"local"})"), "409 mode");
  EXPECT_EQ(refusal(R"({"query":"a","collection":"plain","mode":"vector"})"), "409 mode");
  EXPECT_EQ(refusal(R"({"query":"a","collection":"plain","mode":"global"})"), "409 mode");
  EXPECT_EQ(Query({{"query", "a"}, {"collection", "plain"}}).at("mode"), "hybrid");
}

TEST_F(AskApi, IngestingMakesTheDefaultMemoryAndNoOther) {
  OpenNode();
  const auto batch =
      Do("POST", "/ingest/batch", R"({"documents":[{"id":"a","text":"One."},{"id":"b","text":"Two."}]})");
  EXPECT_EQ(batch.at("results").as_array().size(), 2U);
  EXPECT_TRUE(batch.at("results").at(1).as_object().contains("task"));
  EXPECT_EQ(Call("GET", "/entities").status, 200);
  EXPECT_EQ(Refusal("POST", "/ingest", R"({"collection":"nobody","text":"x"})"), "404");
  EXPECT_EQ(Refusal("POST", "/ingest", R"({"title":"x"})"), "400 text");
  EXPECT_EQ(Refusal("POST", "/ingest", "[]"), "400 body");
  EXPECT_EQ(Refusal("POST", "/ingest/batch", R"({"documents":[]})"), "400 documents");
}

TEST_F(AskApi, ARepeatedRequestIngestsOnce) {
  OpenNode();
  const std::string body = R"({"id":"a","text":"One."})", key = "Idempotency-Key: k1\r\n";
  EXPECT_EQ(Call("POST", "/ingest", body, key).status, 200);
  EXPECT_EQ(Call("POST", "/ingest", R"({"id":"a","text":"Two."})").status, 200);
  EXPECT_EQ(Call("POST", "/ingest", body, key).status, 200);
  const auto answer = Query({{"query", "Two"}, {"mode", "hybrid"}});
  EXPECT_EQ(answer.at("citations").at(0).at("text"), "Two.");
}

TEST_F(AskApi, AChatServerPutsTheAnswerIntoWordsAndIsDoneWithoutWhenItFails) {
  io::HttpTestServer chat([](const io::TestRequest&, size_t number) {
    if (number == 0) return io::HttpText("200 OK", R"({"choices":[{"message":{"content":"In Warsaw [1]."}}]})");
    if (number == 1) return io::HttpText("200 OK", "{oops");
    if (number == 2) return io::HttpText("200 OK", R"({"choices":[{"message":{"content":"NOT_IN_MEMORY"}}]})");
    return io::HttpText("429 Too Many Requests", "", "Retry-After: 600\r\n");
  });
  ask::ChatOptions options;
  options.base_url = chat.url();
  options.model = "m";
  chat_ = ask::Chat::Open(options).value();
  OpenNode();
  IngestLives();
  const json::object question{{"query", "Where was Marie Curie born?"}};
  const auto generated = Query(question);
  EXPECT_EQ(generated.at("kind"), "generated");
  EXPECT_EQ(generated.at("answer"), "In Warsaw [1].");
  EXPECT_THAT(chat.requests()[0].body, HasSubstr("Marie Curie was born in Warsaw"));
  const auto garbled = Query(question);
  EXPECT_EQ(garbled.at("kind"), "fact");
  EXPECT_THAT(std::string(garbled.at("note").as_string()), HasSubstr("not JSON"));
  EXPECT_EQ(Query(question).at("in_memory"), false);
  const auto busy = Query(question);
  EXPECT_EQ(busy.at("answer"), "Warsaw (1867)");
  EXPECT_THAT(std::string(busy.at("note").as_string()), HasSubstr("429"));
}

}  // namespace
}  // namespace rhizome::gateway
