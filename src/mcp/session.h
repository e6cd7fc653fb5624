// Session: a memory as a server of the Model Context Protocol, revisions 2025-06-18 and 2024-11-05: one message of
// JSON-RPC 2.0 in, at most one out. Tools are offered, nothing else: remember, recall, ask, forget, timeline
// (mcp/tools.h).
//
//   initialize, ping, tools/list, tools/call     answered
//   notifications, and answers to what nobody asked   taken in silence
//   anything else                                 an error of JSON-RPC: -32700 no JSON, -32600 no request, -32601 no
//   such
//                                                 method, -32602 parameters or tool unknown, -32603 our fault
//
// What goes wrong inside a tool is the tool's answer (isError), so that the model that called it reads why.
//
// Keeps no state between messages, so one object serves every client. Any bytes are welcome. Thread-safe as far as the
// call it is given is.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mcp/tools.h"

namespace rhizome::mcp {

inline constexpr std::string_view kProtocolVersions[] = {"2025-06-18", "2024-11-05"};  // the first is preferred
bool IsProtocolVersion(std::string_view version);

class Session {
 public:
  // `version`: of the program.
  Session(Call call, std::string version) : call_(std::move(call)), version_(std::move(version)) {}

  // The answer, one line of JSON without its end; nullopt for what is not answered.
  std::optional<std::string> Handle(std::string_view message) const;

 private:
  const Call call_;
  const std::string version_;
};

}  // namespace rhizome::mcp
