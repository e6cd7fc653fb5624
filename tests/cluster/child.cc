#include "child.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>

#include "base/check.h"

namespace rhizome::chaos {
namespace {

// The child's side of a fork: only calls that are safe where other threads held locks.
[[noreturn]] void Become(char* const* arguments, int network, int log) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (network >= 0 && setns(network, CLONE_NEWNET) != 0) _exit(126);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execv(arguments[0], arguments);
  _exit(127);
}

int AwaitEnd(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

Child::Child(std::vector<std::string> command, std::string log_file, int network)
    : command_(std::move(command)), log_file_(std::move(log_file)), network_(network) {}

Child::~Child() { Kill(); }

void Child::Start() {
  if (started()) return;
  std::vector<char*> arguments;
  for (const std::string& word : command_) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const int log = open(log_file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  CHECK(log >= 0);
  const pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) Become(arguments.data(), network_, log);
  close(log);
  pid_ = pid;
  paused_ = false;
}

void Child::Kill() {
  if (!started()) return;
  kill(pid_, SIGKILL);
  (void)AwaitEnd(pid_);
  pid_ = 0;
  paused_ = false;
}

void Child::Pause() {
  if (!started()) return;
  kill(pid_, SIGSTOP);
  paused_ = true;
}

void Child::Resume() {
  if (!started()) return;
  kill(pid_, SIGCONT);
  paused_ = false;
}

int Child::Stop() {
  CHECK(started());
  Resume();
  kill(pid_, SIGTERM);
  const int code = AwaitEnd(pid_);
  pid_ = 0;
  return code;
}

bool Child::Ended() {
  if (!started()) return true;
  if (waitpid(pid_, nullptr, WNOHANG) != pid_) return false;
  pid_ = 0;
  return true;
}

std::string Child::LogEnd(size_t bytes_max) const {
  std::ifstream file(log_file_);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.size() > bytes_max) text.erase(0, text.size() - bytes_max);
  return text;
}

}  // namespace rhizome::chaos
