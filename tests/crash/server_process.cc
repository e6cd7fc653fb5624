#include "server_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/check.h"
#include "base/clock.h"

namespace rhizome::crash {
namespace {

int64_t NowMs() { return SystemClock().MonotonicNs() / 1'000'000; }

// Starts the program with `output` as standard output and `error` as standard error.
pid_t StartProgram(const std::vector<std::string>& arguments, int output, int error) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid > 0) return pid;
  // Only calls that are safe after a fork of many threads.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(output, STDOUT_FILENO);
  dup2(error, STDERR_FILENO);
  execv(argv[0], argv.data());
  _exit(127);
}

int ExitCode(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

ServerProcess::ServerProcess(std::string data_dir, std::vector<std::string> flags)
    : data_dir_(std::move(data_dir)), flags_(std::move(flags)) {}

ServerProcess::~ServerProcess() { Kill(); }

void ServerProcess::Spawn() {
  CHECK(!running());
  int pipe_ends[2];
  CHECK(pipe2(pipe_ends, O_CLOEXEC) == 0);
  const int log = open((data_dir_ + ".log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  CHECK(log >= 0);
  std::vector<std::string> arguments = {RHIZOME_PROGRAM, "serve",      "--data-dir", data_dir_,     "--listen",
                                        "127.0.0.1:0",   "--embedder", "none",       "--log-level", "info"};
  arguments.insert(arguments.end(), flags_.begin(), flags_.end());
  pid_ = StartProgram(arguments, pipe_ends[1], log);
  close(pipe_ends[1]);
  close(log);
  output_ = pipe_ends[0];
}

bool ServerProcess::WaitReady(int64_t timeout_ms) {
  const int64_t deadline = NowMs() + timeout_ms;
  std::string line;
  while (line.find('\n') == std::string::npos) {
    pollfd waiting{output_, POLLIN, 0};
    const int64_t left = deadline - NowMs();
    if (left <= 0 || poll(&waiting, 1, static_cast<int>(left)) != 1) return false;
    char buffer[256];
    const ssize_t count = read(output_, buffer, sizeof(buffer));
    if (count <= 0) return false;
    line.append(buffer, static_cast<size_t>(count));
  }
  constexpr std::string_view kAddress = "http://127.0.0.1:";
  const size_t at = line.find(kAddress);
  if (at == std::string::npos) return false;
  port_ = static_cast<uint16_t>(std::atoi(line.c_str() + at + kAddress.size()));
  return true;
}

int64_t ServerProcess::Start(int64_t timeout_ms) {
  const int64_t begin = NowMs();
  Spawn();
  return WaitReady(timeout_ms) ? NowMs() - begin : -1;
}

int ServerProcess::Reap() {
  const int code = ExitCode(pid_);
  close(output_);
  pid_ = 0;
  output_ = -1;
  return code;
}

void ServerProcess::Kill() {
  if (!running()) return;
  kill(pid_, SIGKILL);
  (void)Reap();
}

int ServerProcess::Stop() {
  CHECK(running());
  kill(pid_, SIGTERM);
  return Reap();
}

std::string ServerProcess::Log() const {
  std::ifstream file(data_dir_ + ".log");
  return {std::istreambuf_iterator<char>(file), {}};
}

gateway::Reply ServerProcess::Call(std::string_view method, std::string_view target, std::string_view body) const {
  return gateway::TestClient(port_).Call(method, target, body);
}

std::string RunProgram(const std::vector<std::string>& arguments, int* exit_code) {
  int pipe_ends[2];
  CHECK(pipe2(pipe_ends, O_CLOEXEC) == 0);
  const pid_t pid = StartProgram(arguments, pipe_ends[1], pipe_ends[1]);
  close(pipe_ends[1]);
  std::string output;
  char buffer[4096];
  for (ssize_t count; (count = read(pipe_ends[0], buffer, sizeof(buffer))) > 0;) {
    output.append(buffer, static_cast<size_t>(count));
  }
  close(pipe_ends[0]);
  *exit_code = ExitCode(pid);
  return output;
}

}  // namespace rhizome::crash
