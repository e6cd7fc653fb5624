// docs/openapi.json against the routes that are there and the answers they give.
#include "gateway/openapi.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "api_fixture.h"
#include "base/await_testing.h"
#include "base/base64.h"
#include "cluster/cluster_view_testing.h"
#include "json_schema.h"

namespace rhizome::gateway {
namespace {

const json::value& Description() {
  static const auto* document = new json::value(json::parse(std::string(OpenApiDocument())));
  return *document;
}

std::string Upper(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return std::toupper(c); });
  return upper;
}

TEST(OpenApi, TheFileInTheTreeIsTheOneServed) {
  std::ifstream file(RHIZOME_SOURCE_DIR "/docs/openapi.json");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), OpenApiDocument());
}

TEST(OpenApi, DescribesExactlyTheRoutesThereAre) {
  const BackendSlot slot("unused");
  metrics::StoreSlot metrics_slot("unused");
  ruler::RulerSlot ruler_slot("unused");
  MetricRegistry metrics;
  std::set<std::string> real;
  std::set<std::string> described;
  for (const Route& route : AllRoutes(slot, metrics_slot, ruler_slot, metrics)) {
    real.insert(route.method + " " + route.pattern);
    const auto& operation = Description().at("paths").at(route.pattern).as_object();
    std::string method = route.method;
    std::transform(method.begin(), method.end(), method.begin(), [](unsigned char c) { return std::tolower(c); });
    ASSERT_TRUE(operation.contains(method)) << route.method << " " << route.pattern;
    EXPECT_EQ(operation.at(method).at("summary"), json::value(route.summary));
    EXPECT_EQ(operation.at(method).as_object().contains("security"), route.open) << route.pattern;
  }
  for (const auto& path : Description().at("paths").as_object()) {
    for (const auto& operation : path.value().as_object()) {
      described.insert(Upper(std::string_view(operation.key().data(), operation.key().size())) + " " +
                       std::string(path.key()));
    }
  }
  EXPECT_EQ(described, real);
}

class OpenApiExamples : public ApiFixture {
 protected:
  // A request with each parameter's example in its place: the target, and header lines.
  struct Filled {
    std::string target;
    std::string headers;
  };
  static Filled Fill(std::string path, const json::object& operation) {
    std::string query, headers;
    if (!operation.contains("parameters")) return {path, headers};
    for (const auto& parameter : operation.at("parameters").as_array()) {
      const std::string name(parameter.at("name").as_string());
      const std::string value(parameter.at("example").as_string());
      if (parameter.at("in") == "query") {
        query += (query.empty() ? "?" : "&") + name + "=" + value;
      } else if (parameter.at("in") == "header") {
        headers += name + ": " + value + "\r\n";
      } else {
        path.replace(path.find("{" + name + "}"), name.size() + 2, value);
      }
    }
    return {path + query, headers};
  }

  // The bytes of an example: JSON, text, or in base64.
  static std::string BytesOf(const json::value& body, const std::string& type, const json::value& schema) {
    if (type == "application/json") return json::serialize(body);
    const std::string text(body.as_string());
    return schema.as_object().contains("contentEncoding") ? DecodeBase64(text).value() : text;
  }

  // An answer of the real server is one of those described, and fits.
  void CheckAnswer(const Reply& reply, const json::object& operation) {
    const auto* expected = operation.at("responses").as_object().if_contains(std::to_string(reply.status));
    ASSERT_NE(expected, nullptr) << reply.status << " " << reply.body;
    ASSERT_LT(reply.status, 300) << reply.body;
    if (!expected->as_object().contains("content")) {
      EXPECT_EQ(reply.body, "");
      return;
    }
    const std::string type = reply.Header("Content-Type").substr(0, reply.Header("Content-Type").find(';'));
    const auto* content = expected->at("content").as_object().if_contains(type);
    ASSERT_NE(content, nullptr) << type;
    const json::value answer = type == "application/json" ? Parsed(reply) : json::value(reply.body);
    EXPECT_EQ(SchemaViolation(answer, content->at("schema"), Description(), "response"), "");
  }

  void TryAll(const std::string& method, const std::string& path) {
    SCOPED_TRACE(method + " " + path);
    std::string lower = method;
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
    const json::object& operation = Description().at("paths").at(path).at(lower).as_object();
    tried_.insert(method + " " + path);
    const Filled filled = Fill(path, operation);
    if (!operation.contains("requestBody")) return CheckAnswer(Call(method, filled.target), operation);
    for (const auto& [type, content] : operation.at("requestBody").at("content").as_object()) {
      const std::string headers = "Content-Type: " + std::string(type) + "\r\n" + filled.headers;
      for (const auto& example : content.at("examples").as_object()) {
        const json::value& body = example.value().at("value");
        EXPECT_EQ(SchemaViolation(body, content.at("schema"), Description(), "request"), "");
        const std::string bytes = BytesOf(body, std::string(type), content.at("schema"));
        CheckAnswer(Send(method, filled.target, bytes, headers), operation);
      }
    }
  }

  // A task has no id that an example could name.
  void TryTask() {
    Do("POST", "/collections", R"({"name":"letters","dimension":0,"graph":true})");
    const auto ingested =
        Do("POST", "/documents", R"({"collection":"letters","documents":[{"id":"a","text":"Warsaw"}]})");
    const std::string task(ingested.at("results").at(0).at("task").as_string());
    CheckAnswer(Call("GET", "/tasks/" + task), Description().at("paths").at("/tasks/{id}").at("get").as_object());
    tried_.insert("GET /tasks/{id}");
    CheckAnswer(Stream("/tasks/" + task + "/events"),
                Description().at("paths").at("/tasks/{id}/events").at("get").as_object());
    tried_.insert("GET /tasks/{id}/events");
  }

  // There are none before they have been found.
  void TryCommunities() {
    Do("POST", "/communities/rebuild", R"({"collection":"letters"})");
    ASSERT_TRUE(Await([&] { return Call("GET", "/communities?collection=letters").status == 200; }));
    CheckAnswer(Call("GET", "/communities?collection=letters"),
                Description().at("paths").at("/communities").at("get").as_object());
    tried_.insert("GET /communities");
  }

  // An event has no id that an example could name, and an entity is there once its document is learned.
  void TryEvolution() {
    for (const char* name : {"Marie Sklodowska Curie", "Marie Sklodovska Curie"}) {
      const json::value body = {{"collection", "letters"}, {"documents", {{{"id", name}, {"text", name}}}}};
      Do("POST", "/documents", json::serialize(body));
    }
    const std::string evolve = R"({"collection":"letters","dry_run":false,"ageing":false})";
    json::value applied;
    ASSERT_TRUE(Await([&] {
      applied = Do("POST", "/evolve", evolve);
      return applied.at("changed") == 1;
    }));
    const std::string put = R"({"collection":"letters","source":"Ann","type":"lives_in","target":"Paris"})";
    const std::string relation = "/relations/" + std::string(Do("POST", "/relations", put).at("id").as_string());
    const json::value undo = {{"collection", "letters"}, {"event", applied.at("events").at(0)}};
    const struct {
      const char *method, *path;
      std::string target, body;
    } tries[] = {
        {"POST", "/evolve", "/evolve", evolve},
        {"POST", "/evolve", "/evolve", R"({"collection":"letters"})"},
        {"POST", "/evolve/undo", "/evolve/undo", json::serialize(undo)},
        {"POST", "/relations", "/relations", put},
        {"GET", "/relations/{id}", relation + "?collection=letters", ""},
        {"PATCH", "/relations/{id}", relation, R"({"collection":"letters","mark":"closed","valid_until_ms":5})"},
        {"GET", "/conflicts", "/conflicts?collection=letters", ""},
        {"DELETE", "/relations/{id}", relation + "?collection=letters", ""},
        {"GET", "/audit", "/audit?collection=letters", ""},
        {"POST", "/rehydrate", "/rehydrate", R"({"collection":"letters","query":"Who was Marie Sklodowska Curie?"})"},
        {"GET", "/entities/{entity}", "/entities/Marie%20Sklodowska%20Curie?collection=letters", ""},
        {"PATCH", "/entities/{entity}", "/entities/Marie%20Sklodowska%20Curie",
         R"({"collection":"letters","importance":0.5,"critical":true,"description":"A chemist"})"}};
    for (const auto& one : tries) {
      std::string method = one.method;
      std::transform(method.begin(), method.end(), method.begin(), [](unsigned char c) { return std::tolower(c); });
      CheckAnswer(Call(one.method, one.target, one.body),
                  Description().at("paths").at(one.path).at(method).as_object());
      tried_.insert(std::string(one.method) + " " + one.path);
    }
  }

  // A cluster in which node4 waits to be admitted, for the routes that a server alone refuses.
  void OpenInCluster() {
    controls_.made.AddMember(4);
    controls_.made.Member(4).state = fabric::MemberState::kWaiting;
    controls_.made.view.topology.collections["colours"] = {
        {.name = "colours", .first_shard = 5, .partitions = 2, .factor = 1, .spec = ""}, 1};
    cluster_ = &operations_in_cluster_;
    OpenNode();
  }

  cluster::HandMadeControls controls_;
  cluster::ClusterOperations operations_in_cluster_{controls_};
  std::set<std::string> tried_;
};

// Each needs what those before it have made.
constexpr const char* kOrder[][2] = {{"POST", "/collections"},
                                     {"GET", "/collections"},
                                     {"GET", "/collections/{name}"},
                                     {"PATCH", "/collections/{name}"},
                                     {"POST", "/vectors"},
                                     {"POST", "/vectors/get"},
                                     {"POST", "/vectors/scroll"},
                                     {"POST", "/vectors/count"},
                                     {"POST", "/search"},
                                     {"POST", "/documents"},
                                     {"GET", "/documents/{id}"},
                                     {"GET", "/entities"},
                                     {"GET", "/relations"},
                                     {"POST", "/communities/rebuild"},
                                     {"GET", "/communities/rebuild"},
                                     {"GET", "/graph"},
                                     {"GET", "/graph/view"},
                                     {"GET", "/graph/view.css"},
                                     {"GET", "/graph/view.js"},
                                     {"POST", "/collections/{name}/graph"},
                                     {"GET", "/collections/{name}/graph"},
                                     {"GET", "/tasks"},
                                     {"GET", "/dead-letters"},
                                     {"POST", "/dead-letters/redrive"},
                                     {"POST", "/dead-letters/drop"},
                                     {"POST", "/query"},
                                     {"POST", "/ingest"},
                                     {"POST", "/ingest/batch"},
                                     {"DELETE", "/documents/{id}"},
                                     {"POST", "/documents/delete"},
                                     {"POST", "/vectors/delete"},
                                     {"POST", "/collections/{name}/snapshots"},
                                     {"GET", "/collections/{name}/snapshots"},
                                     {"POST", "/collections/{name}/snapshots/verify"},
                                     {"POST", "/collections/{name}/snapshots/prune"},
                                     {"POST", "/collections/{name}/restore"},
                                     {"GET", "/snapshots"},
                                     {"GET", "/snapshots/{job}"},
                                     {"GET", "/cluster/status"},
                                     {"GET", "/cluster/health"},
                                     {"GET", "/cluster/sharding"},
                                     {"GET", "/cluster/comparison"},
                                     {"POST", "/cluster/nodes"},
                                     {"POST", "/cluster/rebalance"},
                                     {"POST", "/cluster/repair"},
                                     {"POST", "/collections/{name}/reshard"},
                                     {"DELETE", "/collections/{name}/reshard"},
                                     {"DELETE", "/cluster/nodes/{id}"},
                                     {"GET", "/health"},
                                     {"GET", "/ready"},
                                     {"GET", "/stats"},
                                     {"GET", "/shards"},
                                     {"GET", "/metrics"},
                                     {"GET", "/openapi.json"},
                                     {"POST", "/api/v1/write"},
                                     {"POST", "/api/v1/import"},
                                     {"POST", "/api/v1/import/prometheus"},
                                     {"POST", "/api/v1/import/native"},
                                     {"POST", "/write"},
                                     {"POST", "/api/v2/write"},
                                     {"POST", "/v1/metrics"},
                                     {"GET", "/api/v1/query"},
                                     {"POST", "/api/v1/query"},
                                     {"GET", "/api/v1/query_range"},
                                     {"POST", "/api/v1/query_range"},
                                     {"GET", "/api/v1/format_query"},
                                     {"POST", "/api/v1/format_query"},
                                     {"GET", "/api/v1/query_exemplars"},
                                     {"POST", "/api/v1/query_exemplars"},
                                     {"GET", "/api/v1/series"},
                                     {"POST", "/api/v1/series"},
                                     {"GET", "/api/v1/labels"},
                                     {"POST", "/api/v1/labels"},
                                     {"GET", "/api/v1/label/{label}/values"},
                                     {"GET", "/api/v1/metadata"},
                                     {"GET", "/api/v1/rules"},
                                     {"GET", "/api/v1/alerts"},
                                     {"GET", "/api/v1/alertmanagers"},
                                     {"POST", "/-/reload"},
                                     {"GET", "/api/v1/status/buildinfo"},
                                     {"GET", "/api/v1/status/flags"},
                                     {"GET", "/api/v1/status/config"},
                                     {"GET", "/api/v1/status/runtimeinfo"},
                                     {"GET", "/api/v1/status/tsdb"},
                                     {"POST", "/api/v1/read"},
                                     {"POST", "/api/v1/admin/tsdb/delete_series"},
                                     {"PUT", "/api/v1/admin/tsdb/delete_series"},
                                     {"DELETE", "/collections/{name}"}};

TEST_F(OpenApiExamples, AllWorkAndAnswersFitTheirSchemas) {
  OpenInCluster();
  for (const auto& [method, path] : kOrder) TryAll(method, path);
  TryTask();
  TryCommunities();
  TryEvolution();
  for (const Route& route : AllRoutes(slot_, metrics_slot_, ruler_slot_, metrics_)) {
    EXPECT_TRUE(tried_.contains(route.method + " " + route.pattern)) << route.method << " " << route.pattern;
  }
}

TEST_F(OpenApiExamples, ErrorsFitTheProblemSchema) {
  OpenNode();
  const auto& schema = Description().at("components").at("schemas").at("Problem");
  for (const char* path : {"/nothing", "/collections/nobody", "/collections/%2e%2e", "/search"}) {
    const Reply reply = Call("GET", path);
    EXPECT_EQ(SchemaViolation(Parsed(reply), schema, Description(), path), "");
  }
}

}  // namespace
}  // namespace rhizome::gateway
