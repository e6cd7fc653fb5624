// EtcdServers: real etcd members as child processes on one address, loopback unless told, for tests and for a cluster
// on one machine.
//
// Each member has a folder and a log file under `directory`, and two ports that were free when it was made; they stay
// its own over restarts, also of this process (file "ports"). Members keep fsync on. A member dies with the thread that
// started it. Only processes started here are ever signalled, by their ids. Not thread-safe; addresses() may be read by
// others.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "io/http_client.h"

namespace rhizome::coordination {

struct EtcdServersOptions {
  std::string directory;  // must exist; members that lived there before come back with what they had
  size_t members = 1;
  std::string program = "/usr/bin/etcd";
  std::string host = "127.0.0.1";  // an IPv4 address of this machine
  // Long enough for members that share a busy machine; leases live at least 1.5 times the election timeout.
  int64_t heartbeat_ms = 100;
  int64_t election_timeout_ms = 1'000;
  // With certificates, clients are served by https and must show one that `ca_file` signed, as the server does.
  io::HttpTls tls;
  int64_t start_timeout_ms = 60'000;
};

class EtcdServers {
 public:
  // Returns once every member answers. NotFound (no such program), Unavailable (did not come up; the logs' ends are in
  // the message), FailedPrecondition (other members lived in the directory), IoError.
  static Result<std::unique_ptr<EtcdServers>> Start(EtcdServersOptions options);
  ~EtcdServers();  // kills all
  EtcdServers(const EtcdServers&) = delete;
  EtcdServers& operator=(const EtcdServers&) = delete;

  size_t size() const { return members_.size(); }
  std::string address(size_t member) const;  // "http://127.0.0.1:21379"
  std::vector<std::string> addresses() const;
  bool running(size_t member) const { return members_[member].pid > 0; }

  // SIGKILL; returns once the process is gone. Nothing when it is not running.
  void Kill(size_t member);
  // SIGSTOP and SIGCONT: it keeps its connections and answers nothing.
  void Pause(size_t member);
  void Resume(size_t member);
  // Starts it again on what it had; returns once it answers, which takes a quorum.
  Status Restart(size_t member);
  // Starts it and does not wait.
  Status Spawn(size_t member);
  // Until the member answers a linearizable read.
  Status AwaitReady(size_t member, int64_t timeout_ms);

 private:
  struct Member {
    uint16_t client_port = 0;
    uint16_t peer_port = 0;
    pid_t pid = 0;
  };

  explicit EtcdServers(EtcdServersOptions options);
  Status StartAll();
  // After a failure: whether all could be taken back so that other ports may be tried.
  bool StartsAnew();
  Status PickPorts();
  Status ReadPorts(const std::string& text);
  std::string PortsFile() const;
  std::string FolderOf(size_t member) const;
  std::vector<std::string> Arguments(size_t member) const;
  bool Ended(size_t member);
  std::string LogEnd(size_t member) const;

  const EtcdServersOptions options_;
  std::vector<Member> members_;
  bool picked_ = false;  // the ports are of this object's choice, and nothing worth keeping lies in the folders
};

}  // namespace rhizome::coordination
