// RegisterClients: clients that write, delete and read a few contended points at quorum, and what they saw, for the
// register checker. A point is a register: its payload carries the content, its absence is content 0.
//
// Nothing is repeated: what was not answered stays unknown, and the next write has another content.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "history/history.h"
#include "http_session.h"

namespace rhizome::chaos {

struct RegisterOptions {
  std::string collection = "registers";
  size_t clients = 4;
  uint64_t keys = 4;
  int64_t think_ms = 10;
  int64_t timeout_ms = 800;  // of a request: short, so that some outcomes stay unknown
  uint64_t seed = 1;
};

struct RegisterReport {
  uint64_t operations = 0;
  uint64_t acknowledged = 0;
  uint64_t failed = 0;
  uint64_t unknown = 0;
  uint64_t undecided = 0;  // histories too long to search through
  std::string violation;   // the first; "" when every history is linearizable
};

class RegisterClients {
 public:
  // Begins at once.
  RegisterClients(std::vector<Endpoint> gateways, RegisterOptions options);
  ~RegisterClients();
  RegisterClients(const RegisterClients&) = delete;
  RegisterClients& operator=(const RegisterClients&) = delete;

  void Stop();
  // After Stop.
  RegisterReport Check() const;

 private:
  struct Seen {
    uint64_t key = 0;
    history::Observation observation;
  };
  void Run(uint32_t client);

  const std::vector<Endpoint> gateways_;
  const RegisterOptions options_;
  std::atomic<bool> over_{false};
  std::vector<std::vector<Seen>> seen_;  // one for each client, its own until Stop
  std::vector<std::thread> threads_;
};

}  // namespace rhizome::chaos
