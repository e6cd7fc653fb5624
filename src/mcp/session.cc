#include "mcp/session.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace rhizome::mcp {
namespace {

namespace json = boost::json;

constexpr size_t kDepthMax = 64;
constexpr int kParseError = -32700, kInvalidRequest = -32600, kMethodNotFound = -32601, kInvalidParams = -32602;

std::string ErrorText(const json::value& id, int code, std::string_view message) {
  return json::serialize(
      json::object{{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", code}, {"message", message}}}});
}

std::string ResultText(const json::value& id, json::object result) {
  return json::serialize(json::object{{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}});
}

const json::value* Find(const json::object& object, std::string_view key) { return object.if_contains(key); }

std::string_view TextOf(const json::value* value) {
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

json::object Initialize(const json::object& params, const std::string& version) {
  const std::string_view asked = TextOf(Find(params, "protocolVersion"));
  const std::string_view spoken = IsProtocolVersion(asked) ? asked : kProtocolVersions[0];
  return {
      {"protocolVersion", spoken},
      {"capabilities", {{"tools", {{"listChanged", false}}}}},
      {"serverInfo", {{"name", "rhizome"}, {"title", "Rhizome memory"}, {"version", version}}},
      {"instructions",
       "A memory that outlives this conversation. Use recall or ask before answering from your own knowledge of the "
       "user's matters; use remember for what should be known later, one matter at a time, with a title."}};
}

}  // namespace

bool IsProtocolVersion(std::string_view version) {
  return std::find(std::begin(kProtocolVersions), std::end(kProtocolVersions), version) != std::end(kProtocolVersions);
}

std::optional<std::string> Session::Handle(std::string_view message) const {
  json::error_code error;
  json::parse_options options;
  options.max_depth = kDepthMax;
  const json::value parsed = json::parse(message, error, {}, options);
  if (error) return ErrorText(nullptr, kParseError, "Parse error: " + error.message());
  if (!parsed.is_object()) return ErrorText(nullptr, kInvalidRequest, "Invalid Request: a message is one object");
  const json::object& request = parsed.get_object();
  const json::value* const id_found = Find(request, "id");
  const bool has_id = id_found != nullptr && (id_found->is_string() || id_found->is_int64() || id_found->is_uint64());
  const json::value id = has_id ? *id_found : json::value(nullptr);
  const json::value* const method_found = Find(request, "method");
  const bool is_answer = method_found == nullptr && (request.contains("result") || request.contains("error"));
  if (is_answer) return std::nullopt;
  if (TextOf(Find(request, "jsonrpc")) != "2.0" || method_found == nullptr || !method_found->is_string()) {
    return ErrorText(id, kInvalidRequest, "Invalid Request: jsonrpc must be \"2.0\" and method a string");
  }
  if (id_found == nullptr) return std::nullopt;  // a notification
  if (!has_id) return ErrorText(nullptr, kInvalidRequest, "Invalid Request: id must be a string or a whole number");

  const json::value* const params_found = Find(request, "params");
  if (params_found != nullptr && !params_found->is_object()) {
    return ErrorText(id, kInvalidParams, "Invalid params: must be an object");
  }
  const json::object none;
  const json::object& params = params_found != nullptr ? params_found->get_object() : none;
  const std::string_view method = method_found->get_string();
  if (method == "initialize") return ResultText(id, Initialize(params, version_));
  if (method == "ping") return ResultText(id, {});
  if (method == "tools/list") {
    // All tools are on the first page, so no cursor was ever given.
    if (params.contains("cursor")) return ErrorText(id, kInvalidParams, "Invalid params: unknown cursor");
    return ResultText(id, {{"tools", ToolList()}});
  }
  if (method != "tools/call") {
    return ErrorText(id, kMethodNotFound, "Method not found: " + std::string(method));
  }
  const std::string_view name = TextOf(Find(params, "name"));
  if (!IsTool(name)) return ErrorText(id, kInvalidParams, "Unknown tool: " + std::string(name));
  const json::value* const arguments = Find(params, "arguments");
  if (arguments != nullptr && !arguments->is_object()) {
    return ErrorText(id, kInvalidParams, "Invalid params: arguments must be an object");
  }
  ToolAnswer answer = CallTool(name, arguments != nullptr ? arguments->get_object() : none, call_);
  json::object result{{"content", json::array{{{"type", "text"}, {"text", answer.text}}}},
                      {"isError", answer.is_error}};
  if (!answer.is_error) result["structuredContent"] = std::move(answer.value);
  return ResultText(id, std::move(result));
}

}  // namespace rhizome::mcp
