#include "private_network.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>

#include "base/check.h"

namespace rhizome::chaos {
namespace {

constexpr size_t kFirstHost = 11;  // 10.77.0.11
constexpr size_t kHostsMax = 200;

Status Refusal(const std::string& what) {
  return Status::FailedPrecondition(what + ": " + std::strerror(errno) +
                                    "; real clusters are tested as root, or where users may make namespaces");
}

bool WriteText(const char* path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.close();
  return static_cast<bool>(file);
}

// A user who may become root in a namespace of their own may make networks there.
Status BecomeRoot() {
  const uid_t user = getuid();
  const gid_t group = getgid();
  if (unshare(CLONE_NEWUSER) != 0) return Refusal("no user namespace");
  if (!WriteText("/proc/self/setgroups", "deny") ||
      !WriteText("/proc/self/uid_map", "0 " + std::to_string(user) + " 1\n") ||
      !WriteText("/proc/self/gid_map", "0 " + std::to_string(group) + " 1\n")) {
    return Refusal("no root in a user namespace");
  }
  return Status::Ok();
}

struct Pipe {
  Pipe() { CHECK(pipe2(ends.data(), O_CLOEXEC) == 0); }
  ~Pipe() {
    for (const int end : ends) {
      if (end >= 0) close(end);
    }
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void CloseWriter() { close(std::exchange(ends[1], -1)); }
  std::array<int, 2> ends{};
};

// A network namespace that exists as long as its descriptor is open: a child makes it and waits until we hold it.
Result<int> MakeNetwork() {
  Pipe made;
  Pipe held;
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const char good = unshare(CLONE_NEWNET) == 0 ? 1 : 0;
    char answer = 0;
    close(held.ends[1]);
    if (write(made.ends[1], &good, 1) == 1) (void)!read(held.ends[0], &answer, 1);
    _exit(0);
  }
  char good = 0;
  int network = -1;
  if (read(made.ends[0], &good, 1) == 1 && good == 1) {
    network = open(("/proc/" + std::to_string(child) + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC);
  }
  held.CloseWriter();
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (network < 0) return Status::Internal("cannot make a network namespace");
  return network;
}

std::string LinkOf(size_t host) { return "rhizome" + std::to_string(host + 1); }

Status Ip(const std::string& words, int network = -1) {
  std::vector<std::string> command{"ip"};
  for (size_t begin = 0; begin < words.size();) {
    const size_t end = std::min(words.find(' ', begin), words.size());
    command.push_back(words.substr(begin, end - begin));
    begin = end + 1;
  }
  return RunTool(command, network);
}

}  // namespace

Status EnterOwnNamespaces() {
  if (geteuid() != 0) RETURN_IF_ERROR(BecomeRoot());
  if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) return Refusal("no namespaces");
  // What is mounted here is mounted nowhere else.
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return Refusal("no mounts of our own");
  return Ip("link set lo up");
}

Status RunTool(const std::vector<std::string>& command, int network) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  Pipe output;
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (network >= 0 && setns(network, CLONE_NEWNET) != 0) _exit(126);
    dup2(output.ends[1], STDOUT_FILENO);
    dup2(output.ends[1], STDERR_FILENO);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  output.CloseWriter();
  std::string said;
  std::array<char, 1024> buffer{};
  for (ssize_t count; (count = read(output.ends[0], buffer.data(), buffer.size())) > 0;) {
    said.append(buffer.data(), static_cast<size_t>(count));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return Status::Ok();
  std::string line;
  for (const std::string& word : command) line += word + " ";
  return Status::Internal(line + "failed: " + said);
}

Result<PrivateNetwork> PrivateNetwork::Make() {
  PrivateNetwork network;
  // With an address of its own: a bridge takes the lowest of its ports' otherwise, and when one is added hosts that
  // have asked before send to nobody for seconds.
  RETURN_IF_ERROR(Ip("link add rhizome0 address 02:00:00:00:00:01 type bridge"));
  network.made_ = true;
  RETURN_IF_ERROR(Ip("address add " + client_address() + "/24 dev rhizome0"));
  RETURN_IF_ERROR(Ip("address add " + coordination_address() + "/24 dev rhizome0"));
  RETURN_IF_ERROR(Ip("link set rhizome0 up"));
  return network;
}

PrivateNetwork::~PrivateNetwork() {
  // Namespaces go some time after their last user; the next network needs the names now. What fails here has gone.
  for (size_t host = 0; host < namespaces_.size(); ++host) {
    (void)Ip("link del " + LinkOf(host));
    close(namespaces_[host]);
  }
  if (made_) (void)Ip("link del rhizome0");
}

std::string PrivateNetwork::address(Host host) const { return "10.77.0." + std::to_string(kFirstHost + host); }

Result<PrivateNetwork::Host> PrivateNetwork::AddHost() {
  const Host host = namespaces_.size();
  CHECK(host < kHostsMax);
  ASSIGN_OR_RETURN(const int network, MakeNetwork());
  namespaces_.push_back(network);
  const std::string link = LinkOf(host);
  const std::string here = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(network);
  RETURN_IF_ERROR(Ip("link add " + link + " type veth peer name uplink netns " + here));
  RETURN_IF_ERROR(Ip("link set " + link + " master rhizome0 up"));
  RETURN_IF_ERROR(Ip("link set lo up", network));
  RETURN_IF_ERROR(Ip("address add " + address(host) + "/24 dev uplink", network));
  RETURN_IF_ERROR(Ip("link set uplink up", network));
  // The rule for packets to this host comes first of all rules otherwise, and nothing could be dropped before it.
  RETURN_IF_ERROR(Ip("rule add pref 100 lookup local", network));
  RETURN_IF_ERROR(Ip("rule del pref 0", network));
  return host;
}

Status PrivateNetwork::Drop(Host at, const std::string& source) {
  RETURN_IF_ERROR(Ip("rule add pref 10 from " + source + " blackhole", namespaces_[at]));
  cuts_.emplace_back(at, source);
  return Status::Ok();
}

Status PrivateNetwork::CutOneWay(Host from, Host to) { return Drop(to, address(from)); }

Status PrivateNetwork::CutFromCoordination(Host host) { return Drop(host, coordination_address()); }

Status PrivateNetwork::Split(const std::vector<Host>& one, const std::vector<Host>& other) {
  for (const Host a : one) {
    for (const Host b : other) {
      RETURN_IF_ERROR(CutOneWay(a, b));
      RETURN_IF_ERROR(CutOneWay(b, a));
    }
  }
  return Status::Ok();
}

Status PrivateNetwork::Heal() {
  Status status = Status::Ok();
  for (const auto& [at, source] : std::exchange(cuts_, {})) {
    const Status healed = Ip("rule del pref 10 from " + source, namespaces_[at]);
    if (!healed.ok()) status = healed;
  }
  return status;
}

}  // namespace rhizome::chaos
