// `rhizome ask`: puts a question to a server and prints the answer with what it rests on.
#include "ask.h"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "client.h"

namespace rhizome::app {
namespace {

namespace json = boost::json;

std::string Styled(const std::string& text, const char* style) {
  return isatty(STDOUT_FILENO) == 1 ? fmt::format("\033[{}m{}\033[0m", style, text) : text;
}

std::string TextOf(const json::object& object, std::string_view key) {
  const json::value* const value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

double NumberOf(const json::object& object, std::string_view key) {
  const json::value* const value = object.if_contains(key);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

Result<json::object> RequestOf(const AskArguments& arguments) {
  json::object request{{"query", arguments.question}, {"mode", arguments.mode}, {"top_k", arguments.top_k}};
  if (!arguments.collection.empty()) request["collection"] = arguments.collection;
  if (!arguments.as_of.empty()) request["as_of"] = arguments.as_of;
  if (!arguments.known_at.empty()) request["known_at"] = arguments.known_at;
  if (!arguments.filters.empty()) {
    json::error_code error;
    request["filters"] = json::parse(arguments.filters, error);
    if (error) return Status::InvalidArgument("--filters", "is not valid JSON: " + error.message());
  }
  return request;
}

void PrintCitation(size_t number, const json::object& citation) {
  const json::value* const id = citation.if_contains("document");
  const std::string document = id == nullptr     ? ""
                               : id->is_string() ? std::string(id->get_string())
                                                 : json::serialize(*id);
  const std::string source = TextOf(citation, "source"), title = TextOf(citation, "title");
  const std::string name = source.empty() ? document : source;
  std::string place;
  if (citation.contains("chunk")) {
    place = fmt::format(", chunk {:.0f}, bytes {:.0f}–{:.0f}", NumberOf(citation, "chunk"), NumberOf(citation, "begin"),
                        NumberOf(citation, "end"));
  }
  fmt::print("[{}] {}  ({}{}; {:.2f})\n", number, Styled(title.empty() ? name : title, "1"), name, place,
             NumberOf(citation, "score"));
  const std::string text = TextOf(citation, "text");
  fmt::print("    {}\n", text.empty() ? "(its text has been changed since)" : text);
}

// False: this is no answer of a Rhizome server.
bool Print(const json::object& answer) {
  const json::value* const citations = answer.if_contains("citations");
  const json::value* const known = answer.if_contains("in_memory");
  if (citations == nullptr || !citations->is_array() || known == nullptr || !known->is_bool()) return false;
  fmt::print("{}\n", Styled(TextOf(answer, "answer"), "1"));
  const json::value* const latency = answer.if_contains("latency_ms");
  const double ms = latency != nullptr && latency->is_object() ? NumberOf(latency->get_object(), "total") : 0;
  fmt::print("{}\n", Styled(fmt::format("confidence {:.0f} %, {}, {:.1f} ms", NumberOf(answer, "confidence") * 100,
                                        TextOf(answer, "mode"), ms),
                            "2"));
  const std::string note = TextOf(answer, "note");
  if (!note.empty()) fmt::print("{}\n", note);
  if (!known->get_bool() && !citations->get_array().empty()) fmt::print("\nNearest, but no answer:\n");
  size_t number = 0;
  for (const json::value& citation : citations->get_array()) {
    if (number == 0) fmt::print("\n");
    if (!citation.is_object()) return false;
    PrintCitation(++number, citation.get_object());
  }
  return true;
}

}  // namespace

CLI::App* AddAsk(CLI::App& app, AskArguments& arguments) {
  CLI::App* const command = app.add_subcommand("ask", "Ask a question; the answer says what it rests on");
  command->add_option("question", arguments.question, "In plain words")->required();
  command->add_option("-s,--server", arguments.server, "Base URL of the server")
      ->envname("RHIZOME_SERVER")
      ->capture_default_str();
  command->add_option("--api-key", arguments.api_key, "Key of that server")->envname("RHIZOME_API_KEY");
  command->add_option("-c,--collection", arguments.collection, "Collection; the server's default when left out");
  command->add_option("-m,--mode", arguments.mode, "auto, local, global, hybrid, multi_hop or vector")
      ->check(CLI::IsMember({"auto", "local", "global", "hybrid", "multi_hop", "vector"}))
      ->capture_default_str();
  command->add_option("-k,--top-k", arguments.top_k, "Passages to cite")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command->add_option("--as-of", arguments.as_of, "What held at this time: 1998, 1998-07-12, 1998-07-12T20:45:00Z");
  command->add_option("--known-at", arguments.known_at, "What was known at this time");
  command->add_option("--filters", arguments.filters, "Condition on payloads as JSON (docs/filters.md)");
  command->add_flag("--json", arguments.json, "Print the server's answer as it is");
  return command;
}

int Ask(const AskArguments& arguments) {
  const Result<json::object> request = RequestOf(arguments);
  Client client(arguments.server, arguments.api_key);
  const Result<json::value> answer =
      request.ok() ? client.Post("/query", *request) : Result<json::value>(request.status());
  if (!answer.ok()) {
    fmt::print(stderr, "rhizome ask: {}\n", answer.status().ToString());
    if (answer.status().code() == Code::kNotFound) {
      fmt::print(stderr, "Nothing was put there yet? 'rhizome ingest' does, or POST /ingest.\n");
    }
    return 1;
  }
  if (arguments.json) {
    fmt::print("{}\n", json::serialize(*answer));
  } else if (!answer->is_object() || !Print(answer->get_object())) {
    fmt::print(stderr, "rhizome ask: {} does not answer like a Rhizome server\n", arguments.server);
    return 1;
  }
  const json::value* const known = answer->is_object() ? answer->get_object().if_contains("in_memory") : nullptr;
  return known != nullptr && *known == json::value(true) ? 0 : 2;
}

}  // namespace rhizome::app
