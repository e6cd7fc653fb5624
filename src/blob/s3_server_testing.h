// S3TestServer: a real S3 server (versitygw, see tools/s3_server) over a folder, on loopback, for one test. Only tests
// include this header. It dies with the test; only the process started here is signalled, by its id.
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
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/uuid.h"
#include "blob/s3.h"
#include "io/disk.h"
#include "io/http_client.h"

namespace rhizome::blob {

class S3TestServer {
 public:
  static std::string Program() { return std::string(RHIZOME_SOURCE_DIR) + "/build/s3_server/versitygw"; }
  static bool Present() { return access(Program().c_str(), X_OK) == 0; }

  // Serves an empty bucket "bucket" out of `folder`, which exists.
  explicit S3TestServer(const std::string& folder)
      : access_key_(Uuid::Random().ToString()), secret_key_(Uuid::Random().ToString()) {
    port_ = FreePort();
    CHECK(io::CreateDirectories(io::RealDisk(), folder + "/data/bucket").ok());
    Start(folder);
  }
  ~S3TestServer() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  S3TestServer(const S3TestServer&) = delete;
  S3TestServer& operator=(const S3TestServer&) = delete;

  S3Options Options() const {
    S3Options options;
    options.endpoint = "http://127.0.0.1:" + std::to_string(port_);
    options.bucket = "bucket";
    options.access_key = access_key_;
    options.secret_key = secret_key_;
    return options;
  }
  // Whether it answers within 20 s.
  bool AwaitReady() const {
    for (int i = 0; i < 200; ++i) {
      const auto answer = io::HttpClient().Send({.url = Options().endpoint + "/bucket", .method = "GET"});
      if (answer.ok()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return false;
  }

 private:
  static uint16_t FreePort() {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    CHECK(fd >= 0 && bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    CHECK(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    close(fd);
    return ntohs(address.sin_port);
  }

  void Start(const std::string& folder) {
    // Keys by environment: arguments are seen by everyone on the machine.
    std::vector<std::string> environment = {"ROOT_ACCESS_KEY=" + access_key_, "ROOT_SECRET_KEY=" + secret_key_,
                                            "PATH=/usr/bin:/bin"};
    std::vector<std::string> arguments = {Program(), "--port", "127.0.0.1:" + std::to_string(port_),
                                          "--quiet", "posix",  folder + "/data"};
    std::vector<char*> argv, envp;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    for (std::string& variable : environment) envp.push_back(variable.data());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    const int log = open((folder + "/log").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    CHECK(log >= 0);
    pid_ = fork();
    CHECK(pid_ >= 0);
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(log, STDOUT_FILENO);
      dup2(log, STDERR_FILENO);
      execve(argv[0], argv.data(), envp.data());
      _exit(127);
    }
    close(log);
  }

  const std::string access_key_;
  const std::string secret_key_;
  uint16_t port_ = 0;
  pid_t pid_ = 0;
};

}  // namespace rhizome::blob
