#include "coordination/etcd_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <sstream>
#include <thread>

#include "base/clock.h"
#include "base/uuid.h"
#include "coordination/etcd_wire.h"
#include "io/disk.h"
#include "io/http_client.h"

namespace rhizome::coordination {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
// Below the range that kernels give to outgoing connections, so that a port is still free when its member comes back.
constexpr uint32_t kPortMin = 20'000;
constexpr uint32_t kPortMax = 31'999;
constexpr int kStartTries = 3;
constexpr int64_t kReadyTryMs = 2'000;
constexpr size_t kLogEndBytes = 2'000;

int64_t NowMs() { return SystemClock().MonotonicNs() / kNsPerMs; }

bool IsFree(const std::string& host, uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  const bool free = fd >= 0 && inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1 &&
                    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
                    bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  if (fd >= 0) close(fd);
  return free;
}

Result<uint16_t> PickPort(const std::string& host) {
  for (int tries = 0; tries < 100; ++tries) {
    const Uuid random = Uuid::Random();
    const uint32_t number = random.bytes[0] | random.bytes[1] << 8 | random.bytes[2] << 16;
    const auto port = static_cast<uint16_t>(kPortMin + number % (kPortMax - kPortMin + 1));
    if (IsFree(host, port)) return port;
  }
  return Status::Unavailable("no free port at " + host);
}

// The child's side of a fork: only calls that are safe where other threads held locks.
[[noreturn]] void Become(char* const* arguments, int log) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execv(arguments[0], arguments);
  _exit(127);
}

std::string UrlOf(const std::string& scheme, const std::string& host, uint16_t port) {
  return scheme + "://" + host + ":" + std::to_string(port);
}

}  // namespace

EtcdServers::EtcdServers(EtcdServersOptions options) : options_(std::move(options)), members_(options_.members) {}

EtcdServers::~EtcdServers() {
  for (size_t member = 0; member < members_.size(); ++member) Kill(member);
}

Result<std::unique_ptr<EtcdServers>> EtcdServers::Start(EtcdServersOptions options) {
  if (options.members == 0) return Status::InvalidArgument("members", "must be at least 1");
  if (access(options.program.c_str(), X_OK) != 0) return Status::NotFound(options.program + ": no such program");
  std::unique_ptr<EtcdServers> servers(new EtcdServers(std::move(options)));
  for (int tries = 1;; ++tries) {
    const Status status = servers->StartAll();
    if (status.ok()) return servers;
    // Between the choice of a port and its use somebody else may take it.
    if (!servers->StartsAnew() || tries == kStartTries) return status;
  }
}

Status EtcdServers::StartAll() {
  const int64_t deadline = NowMs() + options_.start_timeout_ms;
  RETURN_IF_ERROR(PickPorts());
  // All of them first: they need each other to be ready.
  for (size_t member = 0; member < size(); ++member) RETURN_IF_ERROR(Spawn(member));
  for (size_t member = 0; member < size(); ++member) RETURN_IF_ERROR(AwaitReady(member, deadline - NowMs()));
  return Status::Ok();
}

bool EtcdServers::StartsAnew() {
  bool ended = false;
  for (size_t member = 0; member < size(); ++member) ended = Ended(member) || ended;
  if (!picked_ || !ended) return false;
  for (size_t member = 0; member < size(); ++member) {
    Kill(member);
    if (!io::RemoveTree(io::RealDisk(), FolderOf(member)).ok()) return false;
  }
  return io::RealDisk().Remove(PortsFile()).ok();
}

Status EtcdServers::PickPorts() {
  ASSIGN_OR_RETURN(const bool lived, io::RealDisk().Exists(PortsFile()));
  if (lived) {
    ASSIGN_OR_RETURN(const std::string text, io::ReadWholeFile(io::RealDisk(), PortsFile()));
    return ReadPorts(text);
  }
  std::string text;
  for (Member& member : members_) {
    ASSIGN_OR_RETURN(member.client_port, PickPort(options_.host));
    do {
      ASSIGN_OR_RETURN(member.peer_port, PickPort(options_.host));
    } while (member.peer_port == member.client_port);
    text += std::to_string(member.client_port) + " " + std::to_string(member.peer_port) + "\n";
  }
  RETURN_IF_ERROR(io::WriteFileAtomically(io::RealDisk(), PortsFile(), text));
  picked_ = true;
  return Status::Ok();
}

Status EtcdServers::ReadPorts(const std::string& text) {
  std::istringstream numbers(text);
  for (Member& member : members_) numbers >> member.client_port >> member.peer_port;
  std::string more;
  if (numbers && !(numbers >> more)) return Status::Ok();
  return Status::FailedPrecondition(options_.directory + " belongs to another number of etcd members");
}

std::string EtcdServers::FolderOf(size_t member) const { return options_.directory + "/m" + std::to_string(member); }

std::string EtcdServers::PortsFile() const { return options_.directory + "/ports"; }

std::string EtcdServers::address(size_t member) const {
  return UrlOf(options_.tls.ca_file.empty() ? "http" : "https", options_.host, members_[member].client_port);
}

std::vector<std::string> EtcdServers::addresses() const {
  std::vector<std::string> all;
  for (size_t member = 0; member < size(); ++member) all.push_back(address(member));
  return all;
}

std::vector<std::string> EtcdServers::Arguments(size_t member) const {
  std::string cluster;
  for (size_t i = 0; i < size(); ++i) {
    cluster += (i > 0 ? ",m" : "m") + std::to_string(i) + "=" + UrlOf("http", options_.host, members_[i].peer_port);
  }
  const std::string peer = UrlOf("http", options_.host, members_[member].peer_port);
  std::vector<std::string> arguments = {options_.program,
                                        "--name=m" + std::to_string(member),
                                        "--data-dir=" + FolderOf(member),
                                        "--listen-client-urls=" + address(member),
                                        "--advertise-client-urls=" + address(member),
                                        "--listen-peer-urls=" + peer,
                                        "--initial-advertise-peer-urls=" + peer,
                                        "--initial-cluster=" + cluster,
                                        "--initial-cluster-token=" + options_.directory,
                                        "--heartbeat-interval=" + std::to_string(options_.heartbeat_ms),
                                        "--election-timeout=" + std::to_string(options_.election_timeout_ms),
                                        "--logger=zap",
                                        "--log-outputs=stderr",
                                        "--log-level=warn"};
  if (!options_.tls.ca_file.empty()) {
    arguments.push_back("--cert-file=" + options_.tls.certificate_file);
    arguments.push_back("--key-file=" + options_.tls.key_file);
    arguments.push_back("--trusted-ca-file=" + options_.tls.ca_file);
    arguments.push_back("--client-cert-auth");
  }
  return arguments;
}

Status EtcdServers::Spawn(size_t member) {
  CHECK(!running(member));
  const std::vector<std::string> strings = Arguments(member);
  std::vector<char*> arguments;
  for (const std::string& argument : strings) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const int log = open((FolderOf(member) + ".log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log < 0) return Status::IoError("cannot write " + FolderOf(member) + ".log");
  const pid_t pid = fork();
  if (pid == 0) Become(arguments.data(), log);
  close(log);
  if (pid < 0) return Status::IoError("cannot start " + options_.program);
  members_[member].pid = pid;
  return Status::Ok();
}

bool EtcdServers::Ended(size_t member) {
  if (!running(member)) return true;
  int status = 0;
  if (waitpid(members_[member].pid, &status, WNOHANG) != members_[member].pid) return false;
  members_[member].pid = 0;
  return true;
}

Status EtcdServers::AwaitReady(size_t member, int64_t timeout_ms) {
  const int64_t deadline = NowMs() + timeout_ms;
  io::HttpClient http(options_.tls);
  const etcd::PageRequest request{.prefix = "ready", .limit = 1};
  io::HttpExchange exchange{.url = address(member) + "/v3/kv/range", .body = etcd::EncodePageRequest(request, "")};
  while (!Ended(member)) {
    exchange.timeout_ms = std::min(deadline - NowMs(), kReadyTryMs);
    if (exchange.timeout_ms <= 0) break;
    const auto answer = http.Post(exchange);
    if (answer.ok() && answer->status == 200) return Status::Ok();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return Status::Unavailable("etcd member " + std::to_string(member) + " does not answer: " + LogEnd(member));
}

std::string EtcdServers::LogEnd(size_t member) const {
  const auto log = io::ReadWholeFile(io::RealDisk(), FolderOf(member) + ".log");
  if (!log.ok()) return log.status().ToString();
  return log->substr(log->size() - std::min(log->size(), kLogEndBytes));
}

void EtcdServers::Kill(size_t member) {
  if (Ended(member)) return;
  kill(members_[member].pid, SIGKILL);
  while (waitpid(members_[member].pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  members_[member].pid = 0;
}

void EtcdServers::Pause(size_t member) {
  CHECK(running(member));
  kill(members_[member].pid, SIGSTOP);
}

void EtcdServers::Resume(size_t member) {
  CHECK(running(member));
  kill(members_[member].pid, SIGCONT);
}

Status EtcdServers::Restart(size_t member) {
  Kill(member);
  RETURN_IF_ERROR(Spawn(member));
  return AwaitReady(member, options_.start_timeout_ms);
}

}  // namespace rhizome::coordination
