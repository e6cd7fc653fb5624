// ServerProcess: the real `rhizome serve` as a child process on a data directory, to be killed at will.
//
// Listens on a port the kernel picks; standard error goes to DATA_DIR.log. The child dies with the thread that started
// it. Not thread-safe; port() may be read by others while nothing starts or ends.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/test_client.h"

namespace rhizome::crash {

class ServerProcess {
 public:
  // `flags` are added to those every test needs (no embedder, a port of the kernel's choice).
  ServerProcess(std::string data_dir, std::vector<std::string> flags);
  ~ServerProcess();  // kills
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Returns as soon as the process runs.
  void Spawn();
  // Waits for the line that says the server is ready. False: it ended before, or `timeout_ms` passed.
  bool WaitReady(int64_t timeout_ms);
  // Spawn and WaitReady; milliseconds it took, negative when it failed.
  int64_t Start(int64_t timeout_ms = 30'000);
  // SIGKILL; returns once the process is gone.
  void Kill();
  // SIGTERM; the exit code, -1 when a signal ended it.
  int Stop();

  bool running() const { return pid_ > 0; }
  uint16_t port() const { return port_; }
  const std::string& data_dir() const { return data_dir_; }
  // What it wrote to standard error, for failure messages.
  std::string Log() const;
  // One request over a connection of its own.
  gateway::Reply Call(std::string_view method, std::string_view target, std::string_view body = {}) const;

 private:
  int Reap();

  const std::string data_dir_;
  const std::vector<std::string> flags_;
  pid_t pid_ = 0;
  int output_ = -1;  // its standard output
  uint16_t port_ = 0;
};

// Runs the program to its end and returns what it printed, standard error included.
std::string RunProgram(const std::vector<std::string>& arguments, int* exit_code);

}  // namespace rhizome::crash
