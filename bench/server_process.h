// The real `rhizome serve` as a child process of a benchmark.
//
// A ServerProcess listens on a free port of 127.0.0.1 and is stopped when it goes: politely, unless Kill came first. It
// owns the process, not the data folder. Not thread-safe. Whatever goes wrong ends the benchmark with a message.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "gateway/test_client.h"

namespace rhizome::bench {

inline double NowMs() { return static_cast<double>(SystemClock().MonotonicNs()) / 1e6; }

[[noreturn]] inline void Fail(const std::string& why) {
  std::fprintf(stderr, "bench: %s\n", why.c_str());
  std::exit(1);
}

inline uint16_t FreePort() {
  boost::asio::io_context context;
  using boost::asio::ip::tcp;
  return tcp::acceptor(context, {boost::asio::ip::address_v4::loopback(), 0}).local_endpoint().port();
}

// The server of the build that this program belongs to; "" when there is none.
inline std::string BuiltServer() {
  const auto program = std::filesystem::canonical("/proc/self/exe").parent_path().parent_path() / "rhizome";
  return std::filesystem::is_regular_file(program) ? program.string() : std::string();
}

// Removed with all it holds when this goes.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    char name[] = "/tmp/rhizome-bench-XXXXXX";
    if (mkdtemp(name) == nullptr) Fail("cannot make a folder in /tmp");
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class ServerProcess {
 public:
  // Returns as soon as the process is there. `embedder` as in `rhizome serve --embedder`; `more` are further arguments.
  ServerProcess(const std::string& program, const std::string& data_dir, const std::string& embedder = "none",
                const std::vector<std::string>& more = {})
      : port_(FreePort()) {
    const std::string listen = "127.0.0.1:" + std::to_string(port_);
    std::vector<std::string> arguments = {program, "serve",      "--data-dir", data_dir,      "--listen",
                                          listen,  "--embedder", embedder,     "--log-level", "warning"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    std::vector<char*> raw;
    for (std::string& argument : arguments) raw.push_back(argument.data());
    raw.push_back(nullptr);
    child_ = fork();
    if (child_ < 0) Fail("fork failed");
    if (child_ > 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // no server outlives a benchmark that fails
    const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(null, STDOUT_FILENO);  // its greeting is no figure of ours
    execv(program.c_str(), raw.data());
    std::fprintf(stderr, "bench: cannot run %s\n", program.c_str());
    _exit(127);
  }
  ~ServerProcess() { End(SIGTERM); }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  uint16_t port() const { return port_; }
  // As a crash would: nothing is closed.
  void Kill() { End(SIGKILL); }

  void WaitUntilReady() {
    for (int i = 0; i < 300; ++i) {
      CheckAlive();
      gateway::TestClient client(port_);
      if (client.connected() && client.Call("GET", "/ready").status == 200) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    Fail("the server did not become ready in 30 s");
  }
  void CheckAlive() {
    if (waitpid(child_, nullptr, WNOHANG) == child_) Fail("the server ended by itself");
  }

  double RssMib() const {
    std::ifstream status("/proc/" + std::to_string(child_) + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("VmRSS:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
    }
    return 0;
  }
  // Processor time used so far, all threads.
  double CpuSeconds() const {
    std::ifstream stat("/proc/" + std::to_string(child_) + "/stat");
    std::string text;
    std::getline(stat, text);
    unsigned long user = 0, system = 0;
    const size_t name_end = text.rfind(')');  // the name may hold blanks
    if (name_end == std::string::npos) return 0;
    // Fields 3 to 13 lie between the name and the two times (proc(5)).
    std::sscanf(text.c_str() + name_end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
    return static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
  }

 private:
  void End(int signal) {
    if (child_ <= 0) return;
    kill(child_, signal);
    waitpid(child_, nullptr, 0);
    child_ = -1;
  }

  uint16_t port_;
  pid_t child_ = -1;
};

}  // namespace rhizome::bench
