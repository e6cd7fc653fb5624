#include "mcp/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <set>

namespace rhizome::mcp {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::HasSubstr;

// A server that answers what it is told to, and remembers what it was asked.
class SessionTest : public testing::Test {
 protected:
  json::value Handle(const std::string& message) {
    const auto answer = session_.Handle(message);
    if (!answer) return "nothing";
    EXPECT_EQ(answer->find('\n'), std::string::npos);
    const json::value parsed = json::parse(*answer);
    EXPECT_EQ(parsed.at("jsonrpc"), "2.0");
    return parsed;
  }
  json::value Request(const std::string& method, const json::object& params) {
    return Handle(json::serialize(json::object{{"jsonrpc", "2.0"}, {"id", 7}, {"method", method}, {"params", params}}));
  }
  int64_t Error(const std::string& message) { return Handle(message).at("error").at("code").as_int64(); }
  json::value Tool(const std::string& name, const json::object& arguments) {
    return Request("tools/call", {{"name", name}, {"arguments", arguments}}).at("result");
  }
  std::string Said(const json::value& result) { return std::string(result.at("content").at(0).at("text").as_string()); }

  Result<json::value> answer_{json::value(nullptr)};
  std::vector<std::string> asked_;
  Session session_{[this](const std::string& method, const std::string& path, const json::value& body) {
                     asked_.push_back(method + " " + path + (body.is_null() ? "" : " " + json::serialize(body)));
                     return answer_;
                   },
                   "1.2.3"};
};

TEST_F(SessionTest, BothRevisionsAreSpokenAndAnotherGetsTheNewest) {
  for (const auto& [asked, spoken] : std::map<std::string, std::string>{
           {"2025-06-18", "2025-06-18"}, {"2024-11-05", "2024-11-05"}, {"1999-01-01", "2025-06-18"}}) {
    const auto result =
        Request("initialize", {{"protocolVersion", asked}, {"capabilities", json::object()}}).at("result");
    EXPECT_EQ(result.at("protocolVersion"), spoken.c_str());
    EXPECT_EQ(result.at("serverInfo").at("version"), "1.2.3");
    EXPECT_TRUE(result.at("capabilities").as_object().contains("tools"));
  }
}

TEST_F(SessionTest, APingIsAnsweredWithNothingInIt) {
  const auto answer = Handle(R"({"jsonrpc":"2.0","id":"a","method":"ping"})");
  EXPECT_EQ(answer.at("id"), "a");
  EXPECT_TRUE(answer.at("result").as_object().empty());
}

TEST_F(SessionTest, NotificationsAndAnswersAreTakenInSilence) {
  EXPECT_EQ(Handle(R"({"jsonrpc":"2.0","method":"notifications/initialized"})"), "nothing");
  EXPECT_EQ(Handle(R"({"jsonrpc":"2.0","method":"tools/call"})"), "nothing");
  EXPECT_EQ(Handle(R"({"jsonrpc":"2.0","id":1,"result":{}})"), "nothing");
  EXPECT_TRUE(asked_.empty());
}

TEST_F(SessionTest, WhatIsNoRequestIsToldItsError) {
  EXPECT_EQ(Error("{"), -32700);
  EXPECT_EQ(Error(""), -32700);
  EXPECT_EQ(Error(std::string(10'000, '[')), -32700);
  EXPECT_EQ(Error("[]"), -32600);
  EXPECT_EQ(Error(R"([{"jsonrpc":"2.0","id":1,"method":"ping"}])"), -32600);
  EXPECT_EQ(Error("7"), -32600);
  EXPECT_EQ(Error(R"({"id":1,"method":"ping"})"), -32600);
  EXPECT_EQ(Error(R"({"jsonrpc":"2.0","id":1})"), -32600);
  EXPECT_EQ(Error(R"({"jsonrpc":"2.0","id":1,"method":4})"), -32600);
  EXPECT_EQ(Error(R"({"jsonrpc":"2.0","id":null,"method":"ping"})"), -32600);
  EXPECT_EQ(Error(R"({"jsonrpc":"2.0","id":1.5,"method":"ping"})"), -32600);
  EXPECT_EQ(Error(R"({"jsonrpc":"2.0","id":1,"method":"resources/list"})"), -32601);
  EXPECT_EQ(Error(R"({"jsonrpc":"2.0","id":1,"method":"ping","params":[]})"), -32602);
  EXPECT_EQ(Error(R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"x"}})"), -32602);
  EXPECT_EQ(Error(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_all"}})"), -32602);
  EXPECT_EQ(Error(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask","arguments":[]}})"), -32602);
}

TEST_F(SessionTest, ToolsAreListedWithWhatTheyTake) {
  const auto tools = Request("tools/list", {}).at("result").at("tools").as_array();
  std::vector<std::string> names;
  for (const auto& tool : tools) {
    names.emplace_back(tool.at("name").as_string());
    EXPECT_EQ(tool.at("inputSchema").at("type"), "object");
    EXPECT_FALSE(tool.at("inputSchema").at("required").as_array().empty());
  }
  EXPECT_THAT(names, ElementsAre("remember", "recall", "ask", "forget", "timeline"));
}

TEST_F(SessionTest, RememberPutsADocumentIn) {
  answer_ = json::parse(R"({"results":[{"id":"d1","outcome":"created"}]})");
  const auto result = Tool("remember", {{"text", "Tea is hot."}, {"title", "Tea"}, {"collection", "notes"}});
  EXPECT_THAT(asked_, ElementsAre(R"(POST /ingest {"text":"Tea is hot.","title":"Tea","collection":"notes"})"));
  EXPECT_THAT(Said(result), HasSubstr("d1"));
  EXPECT_EQ(result.at("isError"), false);
  EXPECT_EQ(result.at("structuredContent").at("id"), "d1");
  answer_ = json::parse(R"({"results":[{"id":"d2","outcome":"duplicate","duplicate_of":"d1"}]})");
  EXPECT_EQ(Said(Tool("remember", {{"text", "Tea is hot."}})), "Known already, as document d1.");
}

TEST_F(SessionTest, AskTellsTheAnswerWithItsCitations) {
  answer_ = json::parse(R"({"answer":"Hot.","in_memory":true,"confidence":0.756,
      "citations":[{"document":5,"title":"Tea","text":"Tea is hot."}]})");
  const auto result = Tool("ask", {{"question", "How is tea?"}, {"as_of", "2020"}});
  EXPECT_THAT(asked_, ElementsAre(R"(POST /query {"query":"How is tea?","as_of":"2020"})"));
  EXPECT_EQ(Said(result), "Hot.\nConfidence: 76 %\n[1] Tea (document 5)\nTea is hot.\n");
  answer_ = json::parse(R"({"answer":"Not in memory.","in_memory":false,"confidence":0.1,"citations":[]})");
  EXPECT_EQ(Said(Tool("ask", {{"question", "?"}})), "Not in memory.\n");
}

TEST_F(SessionTest, RecallTellsPassages) {
  answer_ = json::parse(
      R"({"citations":[{"document":"a","title":"","text":"One."},{"document":"b","title":"B","text":"Two."}]})");
  const auto result = Tool("recall", {{"query", "x"}, {"top_k", 2}});
  EXPECT_EQ(Said(result), "[1] (document a)\nOne.\n[2] B (document b)\nTwo.\n");
  EXPECT_EQ(result.at("structuredContent").at("passages").as_array().size(), 2U);
}

TEST_F(SessionTest, ForgetAsksForThatDocumentAlone) {
  answer_ = json::parse(R"({"deleted":1,"missing":[]})");
  EXPECT_EQ(Tool("forget", {{"id", "a/b?c=ö"}, {"collection", "notes"}}).at("isError"), false);
  EXPECT_THAT(asked_, ElementsAre("DELETE /documents/a%2Fb%3Fc%3D%C3%B6?collection=notes"));
}

TEST_F(SessionTest, ATimelineIsInTheOrderOfTime) {
  answer_ = json::parse(R"({"relations":[
      {"source":"alice","type":"knows","target":"bob"},
      {"source":"alice","type":"works_for","target":"beta","valid_from_ms":788918400000},
      {"source":"alice","type":"works_for","target":"acme","valid_from_ms":-315619200000,"valid_until_ms":788918400000}]})");
  EXPECT_EQ(
      Said(Tool("timeline", {{"entity", "Alice Brown"}})),
      "1960-01-01 until 1995-01-01 alice works_for acme\n1995-01-01 alice works_for beta\n(undated) alice knows bob\n");
  EXPECT_THAT(asked_, ElementsAre("GET /relations?limit=1000&entity=Alice%20Brown"));
}

TEST_F(SessionTest, WhatGoesWrongInAToolIsItsAnswer) {
  for (const auto& [arguments, said] : std::map<std::string, std::string>{
           {R"({})", "question: is required"},
           {R"({"question":""})", "question: must not be empty"},
           {R"({"question":4})", "question: must be of type string"},
           {R"({"question":"a","top_k":1.5})", "top_k: must be of type integer"},
           {R"({"question":"a","colour":"red"})", "colour: is not an argument of ask"}}) {
    const auto result = Tool("ask", json::parse(arguments).as_object());
    EXPECT_EQ(result.at("isError"), true);
    EXPECT_EQ(Said(result), said);
    EXPECT_FALSE(result.as_object().contains("structuredContent"));
  }
  EXPECT_TRUE(asked_.empty());
  answer_ = Status::Unavailable("no server answers");
  for (const char* const name : {"remember", "recall", "ask", "forget", "timeline"}) {
    const json::object arguments{{name == std::string("remember") ? "text"
                                  : name == std::string("recall") ? "query"
                                  : name == std::string("ask")    ? "question"
                                  : name == std::string("forget") ? "id"
                                                                  : "entity",
                                  "x"}};
    EXPECT_EQ(Said(Tool(name, arguments)), "no server answers") << name;
    for (const char* const odd : {"7", "{}", R"({"results":[]})", R"({"citations":[1]})", R"({"relations":[1]})"}) {
      answer_ = json::parse(odd);
      const auto result = Tool(name, arguments);
      EXPECT_TRUE(result.at("isError").as_bool() || name == std::string("forget")) << name << odd;
    }
    answer_ = Status::Unavailable("no server answers");
  }
}

}  // namespace
}  // namespace rhizome::mcp
