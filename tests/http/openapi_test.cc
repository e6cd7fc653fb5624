// docs/openapi.json against the routes that are there and the answers they give.
#include "gateway/openapi.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "api_fixture.h"
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
  MetricRegistry metrics;
  std::set<std::string> real;
  std::set<std::string> described;
  for (const Route& route : ApiRoutes({}, slot, metrics)) {
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
  // The path with each parameter's example in its place.
  static std::string Filled(std::string path, const json::object& operation) {
    std::string query;
    if (!operation.contains("parameters")) return path;
    for (const auto& parameter : operation.at("parameters").as_array()) {
      const std::string name(parameter.at("name").as_string());
      const std::string value(parameter.at("example").as_string());
      if (parameter.at("in") == "query") {
        query += (query.empty() ? "?" : "&") + name + "=" + value;
      } else {
        path.replace(path.find("{" + name + "}"), name.size() + 2, value);
      }
    }
    return path + query;
  }

  // One example through the real server: body and answer fit their schemas.
  void Try(const std::string& method, const std::string& path, const json::object& operation, const json::value* body) {
    SCOPED_TRACE(method + " " + path);
    std::string text;
    if (body != nullptr) {
      text = json::serialize(*body);
      const auto& schema = operation.at("requestBody").at("content").at("application/json").at("schema");
      EXPECT_EQ(SchemaViolation(*body, schema, Description(), "request"), "");
    }
    const Reply reply = Call(method, Filled(path, operation), text);
    const auto* expected = operation.at("responses").as_object().if_contains(std::to_string(reply.status));
    ASSERT_NE(expected, nullptr) << reply.status << " " << reply.body;
    ASSERT_LT(reply.status, 300) << reply.body;
    const std::string type = reply.Header("Content-Type").substr(0, reply.Header("Content-Type").find(';'));
    const auto* content = expected->at("content").as_object().if_contains(type);
    ASSERT_NE(content, nullptr) << type;
    const json::value answer = type == "application/json" ? Parsed(reply) : json::value(reply.body);
    EXPECT_EQ(SchemaViolation(answer, content->at("schema"), Description(), "response"), "");
  }

  void TryAll(const std::string& method, const std::string& path) {
    std::string lower = method;
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
    const json::object& operation = Description().at("paths").at(path).at(lower).as_object();
    tried_.insert(method + " " + path);
    if (!operation.contains("requestBody")) return Try(method, path, operation, nullptr);
    const auto& examples = operation.at("requestBody").at("content").at("application/json").at("examples").as_object();
    for (const auto& example : examples) Try(method, path, operation, &example.value().at("value"));
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

TEST_F(OpenApiExamples, AllWorkAndAnswersFitTheirSchemas) {
  OpenInCluster();
  const char* const order[][2] = {{"POST", "/collections"},
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
                                  {"DELETE", "/collections/{name}"}};
  for (const auto& [method, path] : order) TryAll(method, path);
  for (const Route& route : ApiRoutes({}, slot_, metrics_)) {
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
