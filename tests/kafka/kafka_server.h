// KafkaServer: a real Kafka broker in KRaft mode (tools/kafka_server) on loopback ports that the kernel picked, for one
// program of tests. It dies with the program; only the process started here is signalled, by its id.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/scratch_testing.h"

namespace rhizome::queue {

class KafkaServer {
 public:
  static std::string Jars() { return std::string(RHIZOME_SOURCE_DIR) + "/build/kafka/lib"; }
  static bool Present() { return access(Jars().c_str(), R_OK) == 0 && access("/usr/bin/java", X_OK) == 0; }

  KafkaServer() : port_(FreePort()), controller_port_(FreePort()) {
    WriteSettings();
    const pid_t format = Run({"kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qk", "-c", Settings()});
    int state = 0;
    CHECK(waitpid(format, &state, 0) == format);
    formatted_ = WIFEXITED(state) && WEXITSTATUS(state) == 0;
    if (formatted_) Start();
  }
  ~KafkaServer() { Kill(); }
  KafkaServer(const KafkaServer&) = delete;
  KafkaServer& operator=(const KafkaServer&) = delete;

  std::string Address() const { return "127.0.0.1:" + std::to_string(port_); }
  void Start() { pid_ = Run({"kafka.Kafka", Settings()}); }
  void Kill() {
    if (pid_ == 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  // Whether it takes connections within two minutes.
  bool AwaitReady() const {
    for (int i = 0; i < 1200 && formatted_; ++i) {
      const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const sockaddr_in address = Loopback(port_);
      const bool open = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
      close(fd);
      if (open) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return false;
  }
  // What it said.
  std::string Log() const {
    std::ifstream file(folder_.File("log"));
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

 private:
  static sockaddr_in Loopback(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  static uint16_t FreePort() {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = Loopback(0);
    socklen_t size = sizeof(address);
    CHECK(fd >= 0 && bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    CHECK(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    close(fd);
    return ntohs(address.sin_port);
  }
  std::string Settings() const { return folder_.File("server.properties"); }
  void WriteSettings() const {
    const std::string port = std::to_string(port_), controller = std::to_string(controller_port_);
    std::ofstream(Settings()) << "process.roles=broker,controller\nnode.id=1\n"
                              << "controller.quorum.voters=1@127.0.0.1:" << controller << "\n"
                              << "listeners=PLAINTEXT://127.0.0.1:" << port << ",CONTROLLER://127.0.0.1:" << controller
                              << "\nadvertised.listeners=PLAINTEXT://127.0.0.1:" << port << "\n"
                              << "controller.listener.names=CONTROLLER\n"
                              << "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n"
                              << "log.dirs=" << folder_.File("data") << "\n"
                              << "offsets.topic.replication.factor=1\noffsets.topic.num.partitions=1\n"
                              << "transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\n"
                              << "group.initial.rebalance.delay.ms=0\ngroup.min.session.timeout.ms=500\n"
                              << "broker.session.timeout.ms=2000\nbroker.heartbeat.interval.ms=250\n"
                              << "auto.create.topics.enable=true\nmessage.max.bytes=27262976\n";
  }
  pid_t Run(std::vector<std::string> what) const {
    std::vector<std::string> arguments = {
        "/usr/bin/java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m", "-cp", Jars() + "/*"};
    arguments.insert(arguments.end(), what.begin(), what.end());
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    const int log = open(folder_.File("log").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    CHECK(log >= 0);
    const pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(log, STDOUT_FILENO);
      dup2(log, STDERR_FILENO);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(log);
    return pid;
  }

  const ScratchFolder folder_;
  const uint16_t port_, controller_port_;
  bool formatted_ = false;
  pid_t pid_ = 0;
};

}  // namespace rhizome::queue
