// `rhizome ask` and `rhizome mcp`: questions to a server, by a person and by a model's host.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

namespace rhizome::app {

struct AskArguments {
  std::string question;
  std::string server = "http://127.0.0.1:8000";
  std::string api_key;
  std::string collection;  // "": the server's default
  std::string mode = "auto";
  std::string as_of;
  std::string known_at;
  std::string filters;  // JSON
  unsigned top_k = 5;
  bool json = false;
};
CLI::App* AddAsk(CLI::App& app, AskArguments& arguments);
// Prints the answer with its citations. 0 answered, 1 failed, 2 not in memory.
int Ask(const AskArguments& arguments);

struct McpArguments {
  std::string server = "http://127.0.0.1:8000";
  std::string api_key;
  std::string listen;  // "": standard input and output; else a loopback address and port
};
CLI::App* AddMcp(CLI::App& app, McpArguments& arguments);
// Serves the Model Context Protocol until its input ends, or it is told to stop. 0; 1 when it cannot begin.
int Mcp(const McpArguments& arguments);

}  // namespace rhizome::app
