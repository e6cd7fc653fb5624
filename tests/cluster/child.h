// Child: a program as a child process in a network namespace, to be killed and paused at will.
//
// What it prints goes to a log file. It dies with the thread that started it. Not thread-safe.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace rhizome::chaos {

class Child {
 public:
  // `network`: the namespace's descriptor, -1 for the caller's; must stay open while programs are started.
  Child(std::vector<std::string> command, std::string log_file, int network);
  ~Child();  // kills
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Nothing when it runs.
  void Start();
  // SIGKILL; returns once the process is gone. Nothing when it does not run.
  void Kill();
  // SIGSTOP and SIGCONT: it keeps its connections and answers nothing.
  void Pause();
  void Resume();
  // SIGTERM; the exit code, -1 when a signal ended it.
  int Stop();

  bool started() const { return pid_ > 0; }  // and not ended by us
  bool paused() const { return paused_; }
  // Whether it has ended by itself.
  bool Ended();
  // The last lines of what it printed.
  std::string LogEnd(size_t bytes_max = 4000) const;

 private:
  const std::vector<std::string> command_;
  const std::string log_file_;
  const int network_;
  pid_t pid_ = 0;
  bool paused_ = false;
};

}  // namespace rhizome::chaos
