#include "tasks.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>

#include "client.h"
#include "tasks_text.h"

namespace rhizome::app {
namespace {

using boost::json::object;
using boost::json::value;

std::string Query(const TasksArguments& arguments) {
  std::string query = "?limit=" + std::to_string(arguments.limit);
  for (const auto& [name, text] :
       {std::pair{"state", arguments.state}, {"stage", arguments.stage}, {"reason", arguments.reason}}) {
    if (!text.empty()) query += std::string("&") + name + "=" + UrlEncoded(text);
  }
  return query;
}

object ChoiceOf(const TasksArguments& arguments) {
  object body;
  if (!arguments.ids.empty()) body["tasks"] = boost::json::value_from(arguments.ids);
  if (!arguments.stage.empty()) body["stage"] = arguments.stage;
  if (!arguments.reason.empty()) body["reason"] = arguments.reason;
  if (arguments.all) body["all"] = true;
  return body;
}

Result<object> Ask(const TasksArguments& arguments) {
  Client client(arguments.server, arguments.api_key);
  std::string method = "GET", path;
  value body = nullptr;
  if (arguments.action == "list") {
    path = "/tasks" + Query(arguments);
  } else if (arguments.action == "show") {
    path = "/tasks/" + UrlEncoded(arguments.ids.at(0));
  } else if (arguments.action == "dead") {
    path = "/dead-letters" + Query(arguments);
  } else {
    method = "POST";
    path = "/dead-letters/" + arguments.action;
    body = ChoiceOf(arguments);
  }
  ASSIGN_OR_RETURN(value answer, client.Send(method, path, body));
  if (!answer.is_object()) return Status::Corruption("the server does not answer like a Rhizome server");
  return std::move(answer.as_object());
}

std::string TextOf(const std::string& action, const object& answer) {
  if (action == "list") return TasksTable(answer);
  if (action == "show") return TaskText(answer);
  if (action == "dead") return DeadLettersTable(answer);
  const char* const done = action == "redrive" ? "redriven" : "dropped";
  const value* const count = answer.if_contains(done);
  return fmt::format("{} {}\n", done, count == nullptr ? "nothing" : boost::json::serialize(*count));
}

}  // namespace

void AddTasks(CLI::App& app, TasksArguments& arguments) {
  CLI::App* tasks = app.add_subcommand("tasks", "What became of documents' tasks; dead letters");
  tasks->require_subcommand(1);
  tasks->add_option("-s,--server", arguments.server, "Base URL of the server")
      ->envname("RHIZOME_SERVER")
      ->capture_default_str();
  tasks->add_option("--api-key", arguments.api_key, "Key of that server")->envname("RHIZOME_API_KEY");
  tasks->add_flag("--json", arguments.json, "Print the server's answer as it is");
  tasks->fallthrough();
  const auto add = [&](const std::string& name, const std::string& help) {
    return tasks->add_subcommand(name, help)->fallthrough()->callback([&arguments, name] { arguments.action = name; });
  };
  const auto limited = [&](CLI::App* command) {
    command->add_option("--limit", arguments.limit, "How many")->check(CLI::Range(1, 1000))->capture_default_str();
  };
  const auto chosen = [&](CLI::App* command) {
    command->add_option("--stage", arguments.stage, "Only of this stage, ingest.extract for one");
    command->add_option("--reason", arguments.reason, "Only those whose reason begins so");
  };
  CLI::App* list = add("list", "Tasks, of one state or of any");
  list->add_option("--state", arguments.state, "working, done or dead_lettered")
      ->check(CLI::IsMember({"working", "done", "dead_lettered"}));
  limited(list);
  add("show", "One task with its jobs")
      ->add_option("task", arguments.ids, "Its id, as POST /documents told it")
      ->required()
      ->expected(1);
  CLI::App* dead = add("dead", "Jobs that failed for good, and why");
  chosen(dead);
  limited(dead);
  for (const auto& [name, help] : {std::pair{"redrive", "Send dead letters on their way again"},
                                   {"drop", "Give dead letters up for good; their tasks stay dead-lettered"}}) {
    CLI::App* command = add(name, help);
    command->add_option("tasks", arguments.ids, "Only those of these tasks");
    chosen(command);
    command->add_flag("--all", arguments.all, "Every dead letter");
  }
}

int Tasks(const TasksArguments& arguments) {
  const auto answer = Ask(arguments);
  if (!answer.ok()) {
    fmt::print(stderr, "rhizome tasks {}: {}\n", arguments.action, answer.status().ToString());
    return 1;
  }
  fmt::print("{}", arguments.json ? boost::json::serialize(*answer) + "\n" : TextOf(arguments.action, *answer));
  return 0;
}

}  // namespace rhizome::app
