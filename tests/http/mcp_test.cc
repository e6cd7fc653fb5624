// The real program as a server of the Model Context Protocol, driven as a model's host does: over pipes, and over HTTP.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "api_fixture.h"
#include "io/http_client.h"

namespace rhizome::gateway {
namespace {

using testing::HasSubstr;

// `rhizome mcp` with what goes in and comes out of it.
class Mcp {
 public:
  explicit Mcp(std::vector<std::string> arguments) {
    std::array<int, 2> in{}, out{}, error{};
    for (auto* ends : {&in, &out, &error}) EXPECT_EQ(pipe2(ends->data(), O_CLOEXEC), 0);
    arguments.insert(arguments.begin(), {RHIZOME_PROGRAM, "mcp"});
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(in[0], STDIN_FILENO);
      dup2(out[1], STDOUT_FILENO);
      dup2(error[1], STDERR_FILENO);
      execv(RHIZOME_PROGRAM, argv.data());
      _exit(127);
    }
    for (const int fd : {in[0], out[1], error[1]}) close(fd);
    in_ = in[1];
    out_ = fdopen(out[0], "r");
    error_ = fdopen(error[0], "r");
  }
  ~Mcp() {
    if (pid_ > 0) kill(pid_, SIGKILL);
    Wait();
    CloseInput();
    fclose(out_);
    fclose(error_);
  }
  Mcp(const Mcp&) = delete;
  Mcp& operator=(const Mcp&) = delete;

  void Send(const std::string& line) {
    const std::string whole = line + "\n";
    ASSERT_EQ(write(in_, whole.data(), whole.size()), static_cast<ssize_t>(whole.size()));
  }
  json::value Receive() { return json::parse(Line(out_)); }
  json::value Request(const std::string& method, const json::object& params) {
    Send(json::serialize(json::object{{"jsonrpc", "2.0"}, {"id", ++id_}, {"method", method}, {"params", params}}));
    const json::value answer = Receive();
    EXPECT_EQ(answer.at("id").as_int64(), id_);
    return answer;
  }
  std::string Tool(const std::string& name, const json::object& arguments) {
    const auto answer = Request("tools/call", {{"name", name}, {"arguments", arguments}});
    return std::string(answer.at("result").at("content").at(0).at("text").as_string());
  }
  std::string ErrorLine() { return Line(error_); }
  void CloseInput() {
    if (in_ >= 0) close(in_);
    in_ = -1;
  }
  // Its exit code, once it has ended by itself.
  int Wait() {
    int status = 0;
    if (pid_ > 0) waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  static std::string Line(FILE* file) {
    std::string line;
    for (int c = fgetc(file); c != EOF && c != '\n'; c = fgetc(file)) line.push_back(static_cast<char>(c));
    return line;
  }
  pid_t pid_ = -1;
  int in_ = -1;
  FILE* out_ = nullptr;
  FILE* error_ = nullptr;
  int64_t id_ = 0;
};

class McpProgram : public ApiFixture {
 protected:
  std::string Url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }
};

TEST_F(McpProgram, AHostRemembersRecallsAsksAndForgetsOverPipes) {
  OpenNode();
  Mcp mcp({"--server", Url()});
  const auto hello = mcp.Request("initialize", {{"protocolVersion", "2025-06-18"},
                                                {"capabilities", json::object()},
                                                {"clientInfo", {{"name", "test"}, {"version", "1"}}}});
  EXPECT_EQ(hello.at("result").at("protocolVersion"), "2025-06-18");
  mcp.Send(R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
  EXPECT_EQ(mcp.Request("tools/list", {}).at("result").at("tools").as_array().size(), 5U);
  EXPECT_THAT(mcp.Tool("remember", {{"id", "tea"}, {"title", "Tea"}, {"text", "Tea is made of leaves."}}),
              HasSubstr("tea"));
  EXPECT_THAT(mcp.Tool("recall", {{"query", "What is tea made of?"}}), HasSubstr("Tea is made of leaves."));
  EXPECT_THAT(mcp.Tool("ask", {{"question", "What is tea made of?"}}), HasSubstr("document tea"));
  EXPECT_THAT(mcp.Tool("timeline", {{"entity", "Nobody"}}), HasSubstr("Nothing is known"));
  EXPECT_THAT(mcp.Tool("forget", {{"id", "tea"}}), HasSubstr("Forgotten"));
  EXPECT_THAT(mcp.Tool("recall", {{"query", "What is tea made of?"}}), HasSubstr("Nothing is remembered"));
  mcp.Send("{oops");
  EXPECT_EQ(mcp.Receive().at("error").at("code").as_int64(), -32700);
  mcp.CloseInput();
  EXPECT_EQ(mcp.Wait(), 0);
}

TEST_F(McpProgram, WithoutAServerAToolSaysSo) {
  Mcp mcp({"--server", "http://127.0.0.1:1"});
  EXPECT_THAT(mcp.Tool("ask", {{"question", "x"}}), HasSubstr("rhizome serve"));
}

TEST_F(McpProgram, OverHttpItIsOneEndpointForThisMachine) {
  OpenNode();
  Mcp mcp({"--server", Url(), "--listen", "127.0.0.1:0"});
  const std::string line = mcp.ErrorLine();
  const size_t url = line.find("http://");
  ASSERT_NE(url, std::string::npos) << line;
  io::HttpClient client;
  const auto send = [&](const std::string& method, const std::string& body, std::vector<std::string> headers = {},
                        const std::string& path = "") {
    io::HttpExchange exchange;
    exchange.url = line.substr(url) + path;
    exchange.method = method;
    exchange.body = body;
    exchange.headers = std::move(headers);
    exchange.headers.push_back("Accept: application/json, text/event-stream");
    return client.Send(exchange).value();
  };
  const std::string ping = R"({"jsonrpc":"2.0","id":1,"method":"ping"})";
  EXPECT_EQ(send("POST", ping).status, 200);
  EXPECT_EQ(json::parse(send("POST", ping).body).at("id").as_int64(), 1);
  EXPECT_EQ(send("POST", ping, {"MCP-Protocol-Version: 2024-11-05", "Origin: http://localhost:3000"}).status, 200);
  EXPECT_EQ(send("POST", R"({"jsonrpc":"2.0","method":"notifications/initialized"})").status, 202);
  EXPECT_EQ(send("POST", ping, {"MCP-Protocol-Version: 1999-01-01"}).status, 400);
  EXPECT_EQ(send("POST", ping, {"Origin: http://example.com"}).status, 403);
  EXPECT_EQ(send("POST", ping, {"Origin: http://localhost.example.com"}).status, 403);
  EXPECT_EQ(send("GET", "").status, 405);
  EXPECT_EQ(send("DELETE", "").status, 405);
  EXPECT_EQ(send("POST", ping, {}, "/else").status, 404);
  EXPECT_EQ(json::parse(send("POST", "{oops").body).at("error").at("code").as_int64(), -32700);
}

TEST_F(McpProgram, ItListensOnThisMachineOnly) {
  Mcp mcp({"--listen", "0.0.0.0:0"});
  EXPECT_THAT(mcp.ErrorLine(), HasSubstr("loopback"));
  EXPECT_EQ(mcp.Wait(), 1);
}

}  // namespace
}  // namespace rhizome::gateway
