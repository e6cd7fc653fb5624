#include "mcp/tools.h"

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <set>
#include <vector>

namespace rhizome::mcp {
namespace {

namespace json = boost::json;

enum class Type : uint8_t { kText, kNumber, kObject };

struct Argument {
  std::string_view name;
  Type type = Type::kText;
  bool required = false;
  std::string_view meaning;
};

struct Tool {
  std::string_view name;
  std::string_view title;
  std::string_view meaning;
  std::vector<Argument> arguments;
  bool reads = true;
  ToolAnswer (*run)(const json::object& arguments, const Call& call);
};

std::string TextOf(const json::object& object, std::string_view key) {
  const json::value* const value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

double NumberOf(const json::object& object, std::string_view key) {
  const json::value* const value = object.if_contains(key);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

std::string Escaped(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
                       byte == '-' || byte == '_' || byte == '.' || byte == '~';
    if (plain) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kDigits[byte >> 4]);
      out.push_back(kDigits[byte & 15]);
    }
  }
  return out;
}

ToolAnswer Failed(const Status& status) {
  std::string text(status.message());
  if (!status.field().empty()) text = std::string(status.field()) + ": " + text;
  return {text, {}, true};
}

ToolAnswer Odd() { return {"the server does not answer like a Rhizome server", {}, true}; }

// The named arguments as members of a request's body, under the server's names.
json::object BodyOf(const json::object& arguments,
                    std::initializer_list<std::pair<std::string_view, std::string_view>> named) {
  json::object body;
  for (const auto& [from, to] : named) {
    if (const json::value* const value = arguments.if_contains(from)) body[to] = *value;
  }
  return body;
}

std::string CitationText(const json::object& citation, size_t number) {
  const std::string title = TextOf(citation, "title");
  const json::value* const id = citation.if_contains("document");
  const std::string document = id == nullptr     ? ""
                               : id->is_string() ? std::string(id->get_string())
                                                 : json::serialize(*id);
  return "[" + std::to_string(number) + "] " + (title.empty() ? "" : title + " ") + "(document " + document + ")\n" +
         TextOf(citation, "text") + "\n";
}

Result<json::object> Query(const json::object& body, const Call& call) {
  ASSIGN_OR_RETURN(json::value answer, call("POST", "/query", body));
  const json::value* const citations = answer.is_object() ? answer.get_object().if_contains("citations") : nullptr;
  const bool whole =
      citations != nullptr && citations->is_array() &&
      std::ranges::all_of(citations->get_array(), [](const json::value& one) { return one.is_object(); });
  if (!whole) return Status::Corruption(Odd().text);
  return std::move(answer.get_object());
}

ToolAnswer Remember(const json::object& arguments, const Call& call) {
  json::object body = BodyOf(arguments, {{"text", "text"},
                                         {"title", "title"},
                                         {"id", "id"},
                                         {"source", "source"},
                                         {"metadata", "metadata"},
                                         {"collection", "collection"}});
  const auto answer = call("POST", "/ingest", body);
  if (!answer.ok()) return Failed(answer.status());
  const json::value* const results = answer->is_object() ? answer->get_object().if_contains("results") : nullptr;
  if (results == nullptr || !results->is_array() || results->get_array().empty() ||
      !results->get_array()[0].is_object()) {
    return Odd();
  }
  const json::object& result = results->get_array()[0].get_object();
  const std::string outcome = TextOf(result, "outcome");
  ToolAnswer said{"Remembered as document " + TextOf(result, "id") + " (" + outcome + ").", result, false};
  if (outcome == "duplicate") said.text = "Known already, as document " + TextOf(result, "duplicate_of") + ".";
  return said;
}

ToolAnswer Recall(const json::object& arguments, const Call& call) {
  const auto answer = Query(BodyOf(arguments, {{"query", "query"},
                                               {"top_k", "top_k"},
                                               {"collection", "collection"},
                                               {"filters", "filters"},
                                               {"known_at", "known_at"}}),
                            call);
  if (!answer.ok()) return Failed(answer.status());
  std::string text;
  size_t number = 0;
  const json::array& citations = answer->at("citations").get_array();
  for (const json::value& citation : citations) text += CitationText(citation.get_object(), ++number);
  return {text.empty() ? "Nothing is remembered about this." : text, {{"passages", citations}}, false};
}

ToolAnswer Ask(const json::object& arguments, const Call& call) {
  const auto answer = Query(BodyOf(arguments, {{"question", "query"},
                                               {"mode", "mode"},
                                               {"top_k", "top_k"},
                                               {"collection", "collection"},
                                               {"filters", "filters"},
                                               {"as_of", "as_of"},
                                               {"known_at", "known_at"}}),
                            call);
  if (!answer.ok()) return Failed(answer.status());
  std::string text = TextOf(*answer, "answer") + "\n";
  const bool known = answer->contains("in_memory") && answer->at("in_memory") == json::value(true);
  if (known) {
    const int percent = static_cast<int>(NumberOf(*answer, "confidence") * 100 + .5);
    text += "Confidence: " + std::to_string(percent) + " %\n";
    size_t number = 0;
    for (const json::value& citation : answer->at("citations").get_array()) {
      text += CitationText(citation.get_object(), ++number);
    }
  }
  return {text, *answer, false};
}

ToolAnswer Forget(const json::object& arguments, const Call& call) {
  std::string path = "/documents/" + Escaped(TextOf(arguments, "id"));
  if (arguments.contains("collection")) path += "?collection=" + Escaped(TextOf(arguments, "collection"));
  const auto answer = call("DELETE", path, nullptr);
  if (!answer.ok()) return Failed(answer.status());
  if (!answer->is_object()) return Odd();
  return {"Forgotten: document " + TextOf(arguments, "id") + " and all that came from it.", answer->get_object(),
          false};
}

std::string DayOf(double ms) {
  const int64_t days = static_cast<int64_t>(ms >= 0 ? ms / 86'400'000 : (ms - 86'399'999) / 86'400'000);
  // Civil from days (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
  const int64_t shifted = days + 719'468;
  const int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
  const int64_t doe = shifted - era * 146'097;
  const int64_t yoe = (doe - doe / 1460 + doe / 36'524 - doe / 146'096) / 365;
  const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const int64_t mp = (5 * doy + 2) / 153;
  const int64_t day = doy - (153 * mp + 2) / 5 + 1;
  const int64_t month = mp < 10 ? mp + 3 : mp - 9;
  const int64_t year = yoe + era * 400 + (month <= 2 ? 1 : 0);
  const auto two = [](int64_t number) { return (number < 10 ? "0" : "") + std::to_string(number); };
  return std::to_string(year) + "-" + two(month) + "-" + two(day);
}

ToolAnswer Timeline(const json::object& arguments, const Call& call) {
  std::string path = "/relations?limit=1000&entity=" + Escaped(TextOf(arguments, "entity"));
  for (const std::string_view name : {"type", "collection"}) {
    if (arguments.contains(name)) path.append("&").append(name).append("=").append(Escaped(TextOf(arguments, name)));
  }
  const auto answer = call("GET", path, nullptr);
  if (!answer.ok()) return Failed(answer.status());
  const json::value* const found = answer->is_object() ? answer->get_object().if_contains("relations") : nullptr;
  if (found == nullptr || !found->is_array()) return Odd();
  std::vector<json::object> relations;
  for (const json::value& relation : found->get_array()) {
    if (!relation.is_object()) return Odd();
    relations.push_back(relation.get_object());
  }
  // Those without a beginning come last: nobody knows when they began.
  std::ranges::stable_sort(relations, {}, [](const json::object& one) {
    return std::pair(!one.contains("valid_from_ms"), NumberOf(one, "valid_from_ms"));
  });
  std::string text;
  json::array ordered;
  for (const json::object& relation : relations) {
    const bool from = relation.contains("valid_from_ms"), until = relation.contains("valid_until_ms");
    if (from) text += DayOf(NumberOf(relation, "valid_from_ms")) + " ";
    if (until) text += "until " + DayOf(NumberOf(relation, "valid_until_ms")) + " ";
    if (!from && !until) text += "(undated) ";
    text += TextOf(relation, "source") + " " + TextOf(relation, "type") + " " + TextOf(relation, "target") + "\n";
    ordered.push_back(relation);
  }
  return {text.empty() ? "Nothing is known of this." : text, {{"relations", std::move(ordered)}}, false};
}

constexpr std::string_view kCollection = "The memory; the server's default when left out";

const std::vector<Tool>& Tools() {
  static const auto* const tools = new std::vector<Tool>{
      {"remember",
       "Remember",
       "Put a text into the memory. The same text twice is one; an id that is known is updated.",
       {{"text", Type::kText, true, "What to remember, in plain text"},
        {"title", Type::kText, false, "What it is about; helps to find it again"},
        {"id", Type::kText, false, "A name of your own, to update or forget it by"},
        {"source", Type::kText, false, "Where it comes from: a file or a URL"},
        {"metadata", Type::kObject, false, "Anything to filter by later"},
        {"collection", Type::kText, false, kCollection}},
       false,
       Remember},
      {"recall",
       "Recall",
       "Find passages about something: by meaning, by words, and along what is linked to what.",
       {{"query", Type::kText, true, "What to look for"},
        {"top_k", Type::kNumber, false, "How many passages, 1 to 100; 5 when left out"},
        {"filters", Type::kObject, false, "A condition on metadata"},
        {"known_at", Type::kText, false, "Only what was written by this date"},
        {"collection", Type::kText, false, kCollection}},
       true,
       Recall},
      {"ask",
       "Ask",
       "Answer a question from the memory, with citations and how sure it is; or say that it is not in memory.",
       {{"question", Type::kText, true, "The question"},
        {"mode", Type::kText, false, "auto, local, hybrid, multi_hop or vector; auto when left out"},
        {"top_k", Type::kNumber, false, "How many passages to cite, 1 to 100; 5 when left out"},
        {"as_of", Type::kText, false, "What held at this date"},
        {"known_at", Type::kText, false, "What was known by this date"},
        {"filters", Type::kObject, false, "A condition on metadata"},
        {"collection", Type::kText, false, kCollection}},
       true,
       Ask},
      {"forget",
       "Forget",
       "Remove a document and everything that came only from it, for good.",
       {{"id", Type::kText, true, "The document's id"}, {"collection", Type::kText, false, kCollection}},
       false,
       Forget},
      {"timeline",
       "Timeline",
       "What is said of a person, place or thing, in the order of when it held.",
       {{"entity", Type::kText, true, "Its name"},
        {"type", Type::kText, false, "Only relations of this type, such as works_for"},
        {"collection", Type::kText, false, kCollection}},
       true,
       Timeline}};
  return *tools;
}

std::string_view TypeName(Type type) {
  switch (type) {
    case Type::kText: return "string";
    case Type::kNumber: return "integer";
    case Type::kObject: return "object";
  }
  return "";
}

bool Fits(Type type, const json::value& value) {
  switch (type) {
    case Type::kText: return value.is_string();
    case Type::kNumber: return value.is_int64() || value.is_uint64();
    case Type::kObject: return value.is_object();
  }
  return false;
}

Status Check(const Tool& tool, const json::object& arguments) {
  for (const Argument& argument : tool.arguments) {
    const json::value* const value = arguments.if_contains(argument.name);
    const std::string name(argument.name);
    if (value == nullptr) {
      if (argument.required) return Status::InvalidArgument(name, "is required");
      continue;
    }
    if (!Fits(argument.type, *value))
      return Status::InvalidArgument(name, "must be of type " + std::string(TypeName(argument.type)));
    if (argument.required && value->is_string() && value->get_string().empty()) {
      return Status::InvalidArgument(name, "must not be empty");
    }
  }
  for (const auto& member : arguments) {
    if (std::ranges::find(tool.arguments, std::string_view(member.key()), &Argument::name) == tool.arguments.end()) {
      return Status::InvalidArgument(std::string(member.key()), "is not an argument of " + std::string(tool.name));
    }
  }
  return Status::Ok();
}

}  // namespace

json::array ToolList() {
  json::array list;
  for (const Tool& tool : Tools()) {
    json::object properties;
    json::array required;
    for (const Argument& argument : tool.arguments) {
      properties[argument.name] = {{"type", TypeName(argument.type)}, {"description", argument.meaning}};
      if (argument.required) required.push_back(json::value(argument.name));
    }
    list.push_back({{"name", tool.name},
                    {"title", tool.title},
                    {"description", tool.meaning},
                    {"inputSchema",
                     {{"type", "object"},
                      {"properties", std::move(properties)},
                      {"required", std::move(required)},
                      {"additionalProperties", false}}},
                    {"annotations",
                     {{"readOnlyHint", tool.reads},
                      {"destructiveHint", tool.name == "forget"},
                      {"idempotentHint", true},
                      {"openWorldHint", false}}}});
  }
  return list;
}

bool IsTool(std::string_view name) { return std::ranges::find(Tools(), name, &Tool::name) != Tools().end(); }

ToolAnswer CallTool(std::string_view name, const json::object& arguments, const Call& call) {
  const Tool& tool = *std::ranges::find(Tools(), name, &Tool::name);
  const Status checked = Check(tool, arguments);
  return checked.ok() ? tool.run(arguments, call) : Failed(checked);
}

}  // namespace rhizome::mcp
