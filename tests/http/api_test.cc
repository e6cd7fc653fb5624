#include "api_fixture.h"

namespace rhizome::gateway {
namespace {

using testing::HasSubstr;

class Api : public ApiFixture {
 protected:
  void MakeColours() {
    OpenNode();
    Do("POST", "/collections", R"({"name":"colours","dimension":3})");
    Do("POST", "/vectors", R"({"collection":"colours","points":[
        {"id":1,"vector":[1,0,0],"text":"red as fire","payload":{"warm":true,"n":18446744073709551615}},
        {"id":"green","vector":[0,1,0],"text":"green leaves","payload":{"warm":false}},
        {"id":3,"vector":[0,0,1],"title":"sky","text":"blue water"}]})");
  }
  std::vector<std::string> Ids(const json::value& list) {
    std::vector<std::string> ids;
    for (const auto& item : list.as_array()) ids.push_back(json::serialize(item.at("id")));
    return ids;
  }
};

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(Api, BeforeRecoveryItIsAliveAndNotReady) {
  EXPECT_EQ(Call("GET", "/health").status, 200);
  const Reply ready = Call("GET", "/ready");
  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.body, HasSubstr("recovering"));
  EXPECT_EQ(Refusal("GET", "/collections"), "503");
  EXPECT_THAT(Call("GET", "/metrics").body, HasSubstr("rhizome_ready 0\n"));
  OpenNode();
  EXPECT_EQ(Call("GET", "/ready").status, 200);
}

TEST_F(Api, CollectionsAreMadeShownAndDropped) {
  OpenNode();
  const auto made = Do("POST", "/collections", R"({"name":"a","dimension":4,"metric":"l2","shards":2})");
  EXPECT_EQ(made.at("metric"), "l2");
  EXPECT_EQ(Refusal("POST", "/collections", R"({"name":"a","dimension":4})"), "409");
  Do("POST", "/collections", R"({"name":"b"})");
  EXPECT_EQ(Do("GET", "/collections/b").at("embedder"), "words-16");
  EXPECT_EQ(Do("GET", "/collections").at("collections").as_array().size(), 2U);
  Do("DELETE", "/collections/a");
  EXPECT_EQ(Refusal("GET", "/collections/a"), "404");
  EXPECT_EQ(Refusal("DELETE", "/collections/a"), "404");
}

TEST_F(Api, CollectionChoosesAmongTheEmbedders) {
  OpenNode();
  EXPECT_EQ(json::serialize(Do("GET", "/stats").at("embedders")), R"(["words-16","fast-8"])");
  EXPECT_EQ(Do("POST", "/collections", R"({"name":"a","embedder":"fast"})").at("embedder"), "fast-8");
  EXPECT_EQ(Do("GET", "/collections/a").at("dimension").to_number<int>(), 8);
  Do("POST", "/documents", R"({"collection":"a","documents":[{"id":"d","text":"shards and logs"}]})");
  EXPECT_EQ(Do("POST", "/search", R"({"collection":"a","query":"logs","mode":"dense"})").at("hits").as_array().size(),
            1U);
  EXPECT_EQ(Refusal("POST", "/collections", R"({"name":"b","embedder":"slow"})"), "400 embedder");
  EXPECT_EQ(Refusal("POST", "/collections", R"({"name":"b","embedder":"fast","dimension":16})"), "400 dimension");
}

TEST_F(Api, PointsComeBackAsTheyWent) {
  MakeColours();
  const auto found = Do("POST", "/vectors/get", R"({"collection":"colours","ids":[3,"nobody",1],"with_vector":true})");
  EXPECT_THAT(Ids(found.at("points")), ElementsAre("3", "1"));
  EXPECT_EQ(json::serialize(found.at("missing")), R"(["nobody"])");
  EXPECT_EQ(json::serialize(found.at("points").at(1).at("vector")), "[1,0,0]");
  EXPECT_EQ(found.at("points").at(1).at("payload").at("n").to_number<uint64_t>(), UINT64_MAX);
}

TEST_F(Api, AWriteWithAKeyIsDoneOnce) {
  MakeColours();
  const std::string first = R"({"collection":"colours","points":[{"id":9,"vector":[0,0,1],"text":"first"}]})";
  const std::string second = R"({"collection":"colours","points":[{"id":9,"vector":[0,0,1],"text":"second"}]})";
  const auto text = [this] {
    return Do("POST", "/vectors/get", R"({"collection":"colours","ids":[9]})").at("points").at(0).at("text");
  };
  EXPECT_EQ(Call("POST", "/vectors", first, "Idempotency-Key: k1\r\n").status, 200);
  Do("POST", "/vectors", second);
  EXPECT_EQ(Call("POST", "/vectors", first, "Idempotency-Key: k1\r\n").status, 200);
  EXPECT_EQ(text(), "second");
  EXPECT_EQ(Call("POST", "/vectors", second, "Idempotency-Key: k1\r\n").status, 400);
  EXPECT_EQ(Call("POST", "/vectors", first, "Idempotency-Key: " + std::string(257, 'k') + "\r\n").status, 400);
}

TEST_F(Api, AServerAloneSatisfiesEveryLevel) {
  MakeColours();
  for (const std::string level : {"one", "quorum", "all"}) {
    const std::string end = R"(,"consistency":")" + level + R"("})";
    Do("POST", "/vectors", R"({"collection":"colours","points":[{"id":9,"vector":[0,0,1]}])" + end);
    EXPECT_EQ(Do("POST", "/vectors/get", R"({"collection":"colours","ids":[9])" + end).at("points").as_array().size(),
              1U);
    EXPECT_EQ(Do("POST", "/search", R"({"collection":"colours","vector":[0,0,1],"top_k":1,"all_or_error":true)" + end)
                  .at("partial"),
              false);
    Do("POST", "/vectors/delete", R"({"collection":"colours","ids":[9])" + end);
  }
}

TEST_F(Api, ScrollPagesThroughEverything) {
  MakeColours();
  std::vector<std::string> all;
  std::string after;
  for (int page = 0; page < 5; ++page) {
    const auto found = Do("POST", "/vectors/scroll", R"({"collection":"colours","limit":2)" + after + "}");
    for (const std::string& id : Ids(found.at("points"))) all.push_back(id);
    if (found.at("next").is_null()) break;
    after = ",\"after\":" + json::serialize(found.at("next"));
  }
  EXPECT_THAT(all, testing::UnorderedElementsAre("1", "3", "\"green\""));
}

TEST_F(Api, ScrollPagesThroughTheChunksOfADocumentAndTheyCanBeLookedUp) {
  OpenNode();
  std::string text;
  for (int i = 0; i < 30; ++i) text += "Sentence number " + std::to_string(i) + " says what no other one says. ";
  Do("POST", "/documents",
     R"({"documents":[{"id":"d","text":")" + text + R"("}],"chunking":{"size_tokens":16,"overlap_tokens":0}})");
  std::vector<std::string> all;
  std::string after;
  for (int page = 0; page < 50; ++page) {
    const auto found = Do("POST", "/vectors/scroll", R"({"limit":7)" + after + "}");
    for (const std::string& id : Ids(found.at("points"))) all.push_back(id);
    if (found.at("next").is_null()) break;
    after = ",\"after\":" + json::serialize(found.at("next"));
  }
  EXPECT_GT(all.size(), 14u);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
  EXPECT_EQ(Ids(Do("POST", "/vectors/get", R"({"ids":["d#3"]})").at("points")), std::vector<std::string>{"\"d#3\""});
  EXPECT_THAT(Refusal("POST", "/vectors/delete", R"({"ids":["d#3"]})"), testing::StartsWith("400 ids[0]"));
  EXPECT_EQ(Refusal("POST", "/vectors", R"({"points":[{"id":"d#3","text":"x"}]})"), "400 points[0].id");
}

TEST_F(Api, CountAndDelete) {
  MakeColours();
  EXPECT_EQ(Do("POST", "/vectors/count", R"({"collection":"colours"})").at("count"), 3);
  EXPECT_EQ(
      Do("POST", "/vectors/count", R"({"collection":"colours","filter":{"field":"warm","match":true}})").at("count"),
      1);
  EXPECT_EQ(Do("POST", "/vectors/delete", R"({"collection":"colours","ids":[1,1]})").at("deleted"), 1);
  EXPECT_EQ(Do("POST", "/vectors/count", R"({"collection":"colours"})").at("count"), 2);
}

TEST_F(Api, SearchByVectorByWordsAndByBoth) {
  MakeColours();
  auto found = Do("POST", "/search", R"({"collection":"colours","vector":[0,1,0.1],"top_k":2})");
  EXPECT_EQ(found.at("mode"), "dense");
  EXPECT_THAT(Ids(found.at("hits")), ElementsAre("\"green\"", "3"));
  found = Do("POST", "/search", R"({"collection":"colours","query":"leaves"})");
  EXPECT_EQ(found.at("mode"), "text");
  EXPECT_THAT(Ids(found.at("hits")), ElementsAre("\"green\""));
  found = Do("POST", "/search", R"({"collection":"colours","query":"water","vector":[0,0,1]})");
  EXPECT_EQ(found.at("mode"), "hybrid");
  EXPECT_EQ(Ids(found.at("hits"))[0], "3");
  found = Do("POST", "/search", R"({"collection":"colours","vector":[1,0,0],"filter":{"field":"warm","match":false}})");
  EXPECT_THAT(Ids(found.at("hits")), ElementsAre("\"green\""));
}

TEST_F(Api, SearchShowsWhatWasAskedFor) {
  MakeColours();
  const auto bare =
      Do("POST", "/search",
         R"({"collection":"colours","vector":[1,0,0],"top_k":1,"with_payload":false,"with_vector":true})");
  EXPECT_FALSE(bare.at("hits").at(0).as_object().contains("text"));
  EXPECT_EQ(bare.at("hits").at(0).at("vector").as_array().size(), 3U);
  EXPECT_THAT(Do("POST", "/search", R"({"collection":"colours","vector":[1,0,0],"min_score":2})").at("hits").as_array(),
              IsEmpty());
}

TEST_F(Api, TextIsEmbeddedWhereTheCollectionHasAnEmbedder) {
  OpenNode();
  Do("POST", "/collections", R"({"name":"notes"})");
  Do("POST", "/vectors",
     R"({"collection":"notes","points":[{"id":1,"text":"tea leaves"},{"id":2,"text":"car engine"}]})");
  const auto found = Do("POST", "/search", R"({"collection":"notes","query":"tea leaves","mode":"dense","top_k":1})");
  EXPECT_THAT(Ids(found.at("hits")), ElementsAre("1"));
}

TEST_F(Api, DocumentsAreIngestedFoundAndDeleted) {
  OpenNode();
  const std::string body = R"({"documents":[{"id":"tea","title":"Tea","text":"Hot water over leaves.",
      "metadata":{"kind":"drink"}},{"text":"# Coffee\n\nRoasted beans.","format":"markdown","source":"coffee.md"}]})";
  auto done = Do("POST", "/documents", body);
  EXPECT_EQ(done.at("collection"), "documents");
  EXPECT_EQ(done.at("results").at(0).at("outcome"), "created");
  EXPECT_EQ(done.at("results").at(1).at("document"), 1);
  EXPECT_EQ(Do("POST", "/documents", body).at("results").at(0).at("outcome"), "unchanged");
  EXPECT_EQ(Do("GET", "/documents/tea").at("metadata").at("kind"), "drink");
  EXPECT_EQ(Do("POST", "/search", R"({"query":"roasted beans","mode":"text"})").at("hits").as_array().size(), 1U);
  Do("DELETE", "/documents/tea");
  EXPECT_EQ(Refusal("DELETE", "/documents/tea"), "404");
  EXPECT_EQ(Refusal("GET", "/documents/tea"), "404");
  const auto gone = Do("POST", "/documents/delete", R"({"ids":["tea"]})");
  EXPECT_EQ(gone.at("deleted"), 0);
  EXPECT_EQ(json::serialize(gone.at("missing")), R"(["tea"])");
}

TEST_F(Api, OneInputMayHoldManyDocuments) {
  OpenNode();
  const auto done =
      Do("POST", "/documents",
         R"({"documents":[{"text":"first"},{"format":"jsonl","text":"{\"text\":\"a\"}\n{\"text\":\"b\"}"}]})");
  const auto& results = done.at("results").as_array();
  ASSERT_EQ(results.size(), 3U);
  EXPECT_EQ(results[2].at("document"), 1);
}

TEST_F(Api, FiguresAreShown) {
  MakeColours();
  EXPECT_EQ(Do("GET", "/stats").at("points"), 3);
  EXPECT_EQ(Do("GET", "/shards").at("shards").at(0).at("collection"), "colours");
  const std::string metrics = Call("GET", "/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("rhizome_points{collection=\"colours\"} 3\n"));
  EXPECT_THAT(metrics, HasSubstr("http_requests_total{method=\"POST\",route=\"/vectors\",status=\"200\"} 1\n"));
}

}  // namespace
}  // namespace rhizome::gateway
