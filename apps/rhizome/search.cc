// `rhizome search`: asks a server and prints what it found.
#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/clock.h"
#include "base/utf8.h"
#include "base/uuid.h"
#include "client.h"
#include "commands.h"

namespace rhizome::app {
namespace {

constexpr size_t kSnippetLength = 240;

std::string Bold(const std::string& text) { return isatty(STDOUT_FILENO) == 1 ? "\033[1m" + text + "\033[0m" : text; }

std::string TextOf(const boost::json::object& object, std::string_view key) {
  const boost::json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::string IdOf(const boost::json::object& hit) {
  const boost::json::value* id = hit.if_contains("id");
  if (id == nullptr) return "";
  return id->is_string() ? std::string(id->as_string()) : boost::json::serialize(*id);
}

// The first words on one line, cut between code points.
std::string Snippet(const std::string& text) {
  std::string line;
  for (const char c : text) {
    const bool space = c == '\n' || c == '\t' || c == ' ';
    if (space && (line.empty() || line.back() == ' ')) continue;
    line += space ? ' ' : c;
    if (line.size() > kSnippetLength) break;
  }
  if (line.size() <= kSnippetLength) return line;
  line.resize(kSnippetLength);
  line.resize(Utf8ValidPrefix(line));
  const size_t space = line.rfind(' ');
  if (space != std::string::npos && space > kSnippetLength / 2) line.resize(space);
  return line + " …";
}

// What a reader knows the hit by: the file it came from if its id was only derived, else the id.
std::string NameOf(const boost::json::object& hit) {
  const std::string id = IdOf(hit);
  const boost::json::value* payload = hit.if_contains("payload");
  const boost::json::value* origin =
      payload != nullptr && payload->is_object() ? payload->as_object().if_contains("document") : nullptr;
  if (origin == nullptr || !origin->is_object()) return id;
  const std::string source = TextOf(origin->as_object(), "source");
  const bool derived = Uuid::Parse(id.substr(0, id.find('#'))).has_value();
  return derived && !source.empty() ? source : id;
}

void PrintHit(size_t rank, const boost::json::object& hit) {
  const std::string title = TextOf(hit, "title");
  const std::string id = NameOf(hit);
  const boost::json::value* score = hit.if_contains("score");
  fmt::print("{:>2}. {}  ({:.4f})\n", rank, Bold(title.empty() ? id : title),
             score != nullptr && score->is_number() ? score->to_number<double>() : 0.0);
  const std::string snippet = Snippet(TextOf(hit, "text"));
  if (!snippet.empty()) fmt::print("    {}\n", snippet);
  if (!title.empty()) fmt::print("    {}\n", id);
}

Result<boost::json::object> RequestOf(const SearchArguments& arguments) {
  boost::json::object request{
      {"query", arguments.query}, {"top_k", arguments.top_k}, {"mode", arguments.mode}, {"one_per_document", true}};
  if (!arguments.collection.empty()) request["collection"] = arguments.collection;
  if (!arguments.filter.empty()) {
    boost::json::error_code error;
    request["filter"] = boost::json::parse(arguments.filter, error);
    if (error) return Status::InvalidArgument("--filter", "is not valid JSON: " + error.message());
  }
  return request;
}

}  // namespace

int Search(const SearchArguments& arguments) {
  Client client(arguments.server, arguments.api_key);
  const Result<boost::json::object> request = RequestOf(arguments);
  const int64_t start_ns = SystemClock().MonotonicNs();
  const Result<boost::json::value> answer =
      request.ok() ? client.Post("/search", *request) : Result<boost::json::value>(request.status());
  const double ms = static_cast<double>(SystemClock().MonotonicNs() - start_ns) / 1e6;
  if (!answer.ok()) {
    fmt::print(stderr, "rhizome search: {}\n", answer.status().ToString());
    return 1;
  }
  if (arguments.json) {
    fmt::print("{}\n", boost::json::serialize(*answer));
    return 0;
  }
  const boost::json::value* hits = answer->is_object() ? answer->as_object().if_contains("hits") : nullptr;
  if (hits == nullptr || !hits->is_array()) {
    fmt::print(stderr, "rhizome search: {} does not answer like a Rhizome server\n", arguments.server);
    return 1;
  }
  size_t rank = 0;
  for (const boost::json::value& hit : hits->as_array()) PrintHit(++rank, hit.as_object());
  if (rank == 0) fmt::print("Nothing found.\n");
  fmt::print("{} in {:.1f} ms\n", rank == 1 ? "1 answer" : std::to_string(rank) + " answers", ms);
  return 0;
}

}  // namespace rhizome::app
