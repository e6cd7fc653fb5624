// Bad input, over the wire: each must be refused by name, and the server must answer the next request.
#include <chrono>
#include <thread>

#include "api_fixture.h"

namespace rhizome::gateway {
namespace {

using testing::HasSubstr;

class BadInput : public ApiFixture {
 protected:
  BadInput() {
    OpenNode();
    Do("POST", "/collections", R"({"name":"c","dimension":3,"metric":"cosine"})");
  }
  ~BadInput() override {
    EXPECT_EQ(Do("POST", "/vectors/count", R"({"collection":"c"})").at("count"), 0) << "something was half-applied";
  }

  std::string Upsert(const std::string& points) {
    return Refusal("POST", "/vectors", R"({"collection":"c","points":)" + points + "}");
  }
  std::string Search(const std::string& members) {
    return Refusal("POST", "/search", R"({"collection":"c",)" + members + "}");
  }
};

constexpr const char* kGood = R"({"id":1,"vector":[1,2,3]})";

TEST_F(BadInput, NanAndInfinity) {
  EXPECT_EQ(Upsert(R"([{"id":1,"vector":[1,NaN,3]}])"), "400");
  EXPECT_EQ(Upsert(R"([{"id":1,"vector":[1,Infinity,3]}])"), "400");
  EXPECT_EQ(Upsert(R"([{"id":1,"vector":[1,1e999,3]}])"), "400");
  EXPECT_EQ(Upsert(R"([{"id":1,"vector":[1,-1e39,3]}])"), "400 points[0].vector[1]");
  EXPECT_EQ(Search(R"("vector":[1,1e39,3])"), "400 vector[1]");
}

TEST_F(BadInput, WrongDimension) {
  EXPECT_EQ(Upsert(std::string("[") + kGood + R"(,{"id":2,"vector":[1,2]}])"), "400 points[1].vector");
  EXPECT_EQ(Search(R"("vector":[1,2,3,4])"), "400 vector");
  EXPECT_EQ(Upsert(R"([{"id":1,"vector":[]}])"), "400 points[0].vector");
  EXPECT_EQ(Refusal("POST", "/collections", R"({"name":"d","dimension":4097})"), "400 dimension");
}

TEST_F(BadInput, ZeroVectorUnderCosine) {
  EXPECT_EQ(Upsert(R"([{"id":1,"vector":[0,0,-0.0]}])"), "400 points[0].vector");
  EXPECT_EQ(Search(R"("vector":[0,0,0])"), "400 vector");
}

TEST_F(BadInput, BadUtf8) {
  EXPECT_EQ(Upsert("[{\"id\":1,\"text\":\"\xFF\"}]"), "400");
  EXPECT_EQ(Search("\"query\":\"\xC0\xAF\""), "400");
  EXPECT_EQ(Upsert(R"([{"id":1,"text":"\ud800"}])"), "400");
}

TEST_F(BadInput, DeepJson) {
  EXPECT_EQ(Upsert(R"([{"id":1,"payload":)" + std::string(1000, '[') + std::string(1000, ']') + "}]"), "400");
}

TEST_F(BadInput, DuplicateIdsInABatch) {
  EXPECT_EQ(Upsert(std::string("[") + kGood + "," + kGood + "]"), "400 points[1].id");
  EXPECT_EQ(Upsert(R"([{"id":"6BA7B810-9DAD-11D1-80B4-00C04FD430C8","vector":[1,2,3]},)"
                   R"({"id":"6ba7b810-9dad-11d1-80b4-00c04fd430c8","vector":[1,2,3]}])"),
            "400 points[1].id");
}

TEST_F(BadInput, BadIds) {
  for (const char* id : {"-1", "1.5", "\"\"", "true", "[1]", "18446744073709551616", "\"a#0\""}) {
    EXPECT_EQ(Upsert(std::string(R"([{"id":)") + id + R"(,"vector":[1,2,3]}])"), "400 points[0].id") << id;
  }
  EXPECT_EQ(Upsert(R"([{"vector":[1,2,3]}])"), "400 points[0].id");
}

TEST_F(BadInput, AHundredMegabyteBodyIsRefusedByItsLength) {
  TestClient client(server_->port());
  ASSERT_TRUE(
      client.Send("POST /vectors HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                  "Content-Length: 104857600\r\n\r\n"));
  const Reply reply = client.Read();
  EXPECT_EQ(reply.status, 413);
  EXPECT_THAT(reply.body, HasSubstr("104857600"));
}

TEST_F(BadInput, UnknownFields) {
  EXPECT_EQ(Search(R"("query":"x","topk":3)"), "400 topk");
  EXPECT_EQ(Upsert(R"([{"id":1,"vectors":[1,2,3]}])"), "400 points[0].vectors");
  EXPECT_EQ(Refusal("POST", "/collections", R"({"name":"d","dimension":3,"dim":3})"), "400 dim");
  EXPECT_EQ(Refusal("DELETE", "/documents/a?colection=c"), "400 query.colection");
}

TEST_F(BadInput, UnknownConsistencyOnEveryRouteThatTakesOne) {
  const std::string level = R"(,"consistency":"most"})";
  for (const auto& [path, body] : std::map<std::string, std::string>{{"/vectors", R"({"points":[{"id":1}])"},
                                                                     {"/vectors/get", R"({"ids":[1])"},
                                                                     {"/vectors/delete", R"({"ids":[1])"},
                                                                     {"/vectors/scroll", R"({"limit":1)"},
                                                                     {"/vectors/count", R"({"filter":null)"},
                                                                     {"/search", R"({"query":"a")"},
                                                                     {"/documents", R"({"documents":[{"text":"a"}])"},
                                                                     {"/documents/delete", R"({"ids":["a"])"}}) {
    EXPECT_EQ(Refusal("POST", path, body + level), "400 consistency") << path;
  }
}

TEST_F(BadInput, MoreCopiesThanAServerAloneKeeps) {
  EXPECT_EQ(Refusal("POST", "/collections", R"({"name":"x","dimension":3,"replication_factor":2})"),
            "400 replication_factor");
}

TEST_F(BadInput, NamesWithTraversal) {
  for (const char* path : {"/collections/..", "/collections/%2e%2e", "/collections/..%2f..%2fetc",
                           "/collections/%2e%2e%5cx", "/collections/../../etc/passwd"}) {
    EXPECT_EQ(Refusal("GET", path), "400 path") << path;
  }
  EXPECT_EQ(Refusal("GET", "/collections/a.b"), "400 name");
  EXPECT_EQ(Refusal("GET", "/collections/%252e%252e"), "400 name");
  EXPECT_EQ(Refusal("POST", "/collections", R"({"name":"../x","dimension":3})"), "400 name");
  EXPECT_EQ(Refusal("POST", "/collections", R"({"name":"","dimension":3})"), "400 name");
  EXPECT_EQ(Refusal("POST", "/search", R"({"collection":"../c","query":"x"})"), "400 collection");
}

TEST_F(BadInput, TopK) {
  EXPECT_EQ(Search(R"("query":"x","top_k":0)"), "400 top_k");
  EXPECT_EQ(Search(R"("query":"x","top_k":1000000000)"), "400 top_k");
  EXPECT_EQ(Search(R"("query":"x","top_k":-1)"), "400 top_k");
  EXPECT_EQ(Search(R"("query":"x","top_k":1.5)"), "400 top_k");
}

TEST_F(BadInput, EmptyQuery) {
  EXPECT_EQ(Search(R"("query":"")"), "400 query");
  EXPECT_EQ(Search(R"("query":" \n")"), "400 query");
  EXPECT_EQ(Search(R"("top_k":3)"), "400 query");
}

TEST_F(BadInput, ModesThatCannotBe) {
  EXPECT_EQ(Search(R"("query":"x","mode":"fuzzy")"), "400 mode");
  EXPECT_EQ(Search(R"("query":"x","mode":"dense")"), "400 vector");
  EXPECT_EQ(Search(R"("vector":[1,2,3],"mode":"text")"), "400 query");
}

TEST_F(BadInput, Filters) {
  EXPECT_THAT(Search(R"("query":"x","filter":{"field":"a","matches":1})"), testing::StartsWith("400 filter"));
  EXPECT_THAT(Search(R"("query":"x","filter":7)"), testing::StartsWith("400 filter"));
}

TEST_F(BadInput, TruncatedPdf) {
  // "%PDF-1.4\n1 0 obj\n<</Type", which is where it was cut.
  const std::string document = R"({"format":"pdf","content_base64":"JVBERi0xLjQKMSAwIG9iago8PC9UeXBl"})";
  EXPECT_EQ(Refusal("POST", "/documents", R"({"documents":[{"text":"fine"},)" + document + "]}"),
            "400 documents[1].content_base64");
  EXPECT_EQ(Refusal("GET", "/collections/documents"), "404") << "nothing of a refused batch may be stored";
}

TEST_F(BadInput, Documents) {
  const auto refusal = [&](const std::string& document) {
    return Refusal("POST", "/documents", R"({"documents":[)" + document + "]}");
  };
  EXPECT_EQ(refusal("{}"), "400 documents[0].text");
  EXPECT_EQ(refusal(R"({"text":"a","content_base64":"YQ=="})"), "400 documents[0].text");
  EXPECT_EQ(refusal(R"({"text":"a","format":"docx"})"), "400 documents[0].format");
  EXPECT_EQ(refusal(R"({"text":"a","format":"pdf"})"), "400 documents[0].content_base64");
  EXPECT_EQ(refusal(R"({"content_base64":"???"})"), "400 documents[0].content_base64");
  EXPECT_EQ(refusal(R"({"text":"a","metadata":[]})"), "400 documents[0].metadata");
  EXPECT_EQ(refusal(R"({"text":"a","id":7})"), "400 documents[0].id");
  EXPECT_EQ(Refusal("POST", "/documents", R"({"documents":[]})"), "400 documents");
  EXPECT_EQ(Refusal("POST", "/documents", R"({"documents":[{"text":"a"}],"chunking":{"size_tokens":1}})"),
            "400 chunking.size_tokens");
}

TEST_F(BadInput, UnknownCollections) {
  EXPECT_EQ(Refusal("POST", "/search", R"({"collection":"nobody","query":"x"})"), "404");
  EXPECT_EQ(Refusal("POST", "/vectors", std::string(R"({"collection":"nobody","points":[)") + kGood + "]}"), "404");
  EXPECT_EQ(Refusal("POST", "/vectors/count", R"({"collection":"nobody"})"), "404");
  EXPECT_EQ(Refusal("POST", "/documents", R"({"collection":"nobody","documents":[{"text":"a"}]})"), "404");
}

TEST_F(BadInput, AClientThatSendsAByteASecondIsCutOff) {
  TestClient client(server_->port());
  ASSERT_TRUE(client.Send(
      "POST /vectors HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"));
  std::thread sender([&client] {
    while (client.Send("x")) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  });
  EXPECT_EQ(client.Read().status, 408);
  EXPECT_TRUE(client.ServerCloses());
  sender.join();
}

}  // namespace
}  // namespace rhizome::gateway
