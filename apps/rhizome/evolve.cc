// `rhizome evolve`: has a server plan what a memory's ageing changes, do it, show it, take it back.
#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "client.h"
#include "commands.h"
#include "evolve_text.h"

namespace rhizome::app {
namespace {

using boost::json::object;
using boost::json::value;

Result<object> Ask(Client& client, const std::string& method, const std::string& path, const value& body = nullptr) {
  ASSIGN_OR_RETURN(value answer, client.Send(method, path, body));
  if (!answer.is_object()) return Status::Corruption("the server does not answer like a Rhizome server");
  return std::move(answer.as_object());
}

Status Run(Client& client, const EvolveArguments& arguments) {
  object body;
  if (!arguments.collection.empty()) body["collection"] = arguments.collection;
  const auto print = [&](const object& answer, std::string (*text)(const object&)) {
    fmt::print("{}", arguments.json ? boost::json::serialize(answer) + "\n" : text(answer));
  };
  if (!arguments.undo.empty()) {
    body["event"] = arguments.undo;
    ASSIGN_OR_RETURN(const object answer, Ask(client, "POST", "/evolve/undo", body));
    print(answer, AuditTable);
    return Status::Ok();
  }
  if (arguments.audit) {
    std::string path = "/audit?limit=" + std::to_string(arguments.limit);
    if (!arguments.collection.empty()) path += "&collection=" + arguments.collection;
    ASSIGN_OR_RETURN(const object answer, Ask(client, "GET", path));
    print(answer, AuditTable);
    return Status::Ok();
  }
  if (!arguments.plan.empty()) body["plan"] = arguments.plan;
  body["dry_run"] = !arguments.yes;
  body["ageing"] = !arguments.names_only;
  const bool plans = arguments.plan.empty() && !arguments.yes;
  ASSIGN_OR_RETURN(const object answer, Ask(client, "POST", "/evolve", body));
  print(answer, plans ? PlanTable : AppliedText);
  return Status::Ok();
}

}  // namespace

int Evolve(const EvolveArguments& arguments) {
  Client client(arguments.server, arguments.api_key);
  const Status status = Run(client, arguments);
  if (status.ok()) return 0;
  fmt::print(stderr, "rhizome evolve: {}\n", status.ToString());
  return 1;
}

}  // namespace rhizome::app
