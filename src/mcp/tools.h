// Tools: what a model may do with a memory, each by one request to a Rhizome server.
//
//   remember  text into the memory                          POST /ingest
//   recall    passages about something                      POST /query, its citations
//   ask       an answer with what it rests on               POST /query
//   forget    a document and all that came from it          DELETE /documents/{id}
//   timeline  what is said of somebody or something, by when it held   GET /relations
//
// Arguments are checked here, by name and type, before anything is asked of the server. Thread-safe as far as `call`
// is.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace rhizome::mcp {

// One request to the server: method, path with its query, body (null: none). The answer's JSON.
using Call = std::function<Result<boost::json::value>(const std::string& method, const std::string& path,
                                                      const boost::json::value& body)>;

// As tools/list gives them.
boost::json::array ToolList();
bool IsTool(std::string_view name);

struct ToolAnswer {
  std::string text;           // for the model
  boost::json::object value;  // the same for programs; empty after an error
  bool is_error = false;
};
// `name` is a tool.
ToolAnswer CallTool(std::string_view name, const boost::json::object& arguments, const Call& call);

}  // namespace rhizome::mcp
