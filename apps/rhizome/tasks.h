// `rhizome tasks`: what became of documents' tasks, and what is done with dead letters.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace rhizome::app {

struct TasksArguments {
  std::string action;  // list, show, dead, redrive or drop
  std::string server = "http://127.0.0.1:8000";
  std::string api_key;
  std::vector<std::string> ids;  // of show: one; of redrive and drop: these only
  std::string state;             // of list
  std::string stage;             // of dead, redrive, drop
  std::string reason;            // likewise: what their reasons begin with
  unsigned limit = 100;
  bool all = false;
  bool json = false;
};

// The command with its options; `arguments` outlives the parsing.
void AddTasks(CLI::App& app, TasksArguments& arguments);
// 0 done, 1 failed.
int Tasks(const TasksArguments& arguments);

}  // namespace rhizome::app
