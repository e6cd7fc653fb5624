#include "io/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "base/clock.h"
#include "io/posix_disk.h"
#include "io/sandbox.h"

namespace rhizome::io {

namespace {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    Close();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  ~Fd() { Close(); }
  void Close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read;
  Fd write;
};

Result<Pipe> MakePipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe", "subprocess");
  Pipe made{Fd(fds[0]), Fd(fds[1])};
  // Only our end: the program's own would surprise it.
  if (fcntl(fds[0], F_SETFL, O_NONBLOCK) != 0) return ErrnoStatus(errno, "fcntl", "pipe");
  return made;
}

Result<Fd> MakeInput(std::string_view input) {
  Fd fd(memfd_create("input", MFD_CLOEXEC));
  if (!fd.is_open()) return ErrnoStatus(errno, "memfd_create", "input");
  for (size_t done = 0; done < input.size();) {
    const ssize_t put = pwrite(fd.get(), input.data() + done, input.size() - done, static_cast<off_t>(done));
    if (put < 0 && errno != EINTR) return ErrnoStatus(errno, "write", "subprocess input");
    if (put > 0) done += static_cast<size_t>(put);
  }
  return fd;
}

Result<std::string> FindProgram(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    if (name.front() != '/') return Status::InvalidArgument("arguments", "the program needs an absolute path");
    if (access(name.c_str(), X_OK) != 0) return Status::NotFound(name + ": no such program");
    return name;
  }
  for (const char* directory : {"/usr/bin/", "/bin/"}) {
    if (access((directory + name).c_str(), X_OK) == 0) return directory + name;
  }
  return Status::NotFound(name + ": no such program in /usr/bin or /bin");
}

// Everything the child needs, laid out before the fork.
struct Launch {
  const char* program;
  char* const* arguments;
  char* const* environment;
  int input;
  int output;
  int error;
  int failure;  // closed by a successful exec; else gets a Failure
  SandboxLimits limits;
  int landlock_rules;
  sock_fprog filter;
};

struct Failure {
  const char* step;  // a literal of this program, valid on both sides of the fork
  int error;
};

[[noreturn]] void FailChild(const Launch& launch, const char* step) {
  const Failure failure = {step, errno};
  (void)syscall(SYS_write, launch.failure, &failure, sizeof failure);
  while (true) syscall(SYS_exit_group, 127);
}

// Runs in the child, on the parent's memory: raw system calls on its own registers and stack only.
[[noreturn]] void RunChild(const Launch& launch) {
  // Handlers of the parent must not run here; the table itself is a copy.
  struct sigaction ignored {};
  ignored.sa_handler = SIG_DFL;
  for (int number = 1; number < 32; ++number) (void)sigaction(number, &ignored, nullptr);
  if (dup2(launch.input, 0) < 0 || dup2(launch.output, 1) < 0 || dup2(launch.error, 2) < 0) {
    FailChild(launch, "arrange descriptors");
  }
  constexpr unsigned kCloseOnExec = 4;  // CLOSE_RANGE_CLOEXEC; kernels before 5.11 rely on O_CLOEXEC at open
  (void)syscall(SYS_close_range, 3U, ~0U, kCloseOnExec);
  if (chdir("/") != 0) FailChild(launch, "change directory");
  if (const char* step = EnterSandbox(launch.limits, launch.landlock_rules, launch.filter)) FailChild(launch, step);
  const uint64_t no_signals = 0;
  if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &no_signals, nullptr, sizeof no_signals) != 0) {
    FailChild(launch, "unblock signals");
  }
  execve(launch.program, launch.arguments, launch.environment);
  FailChild(launch, "execute");
}

// vfork does not copy the page tables of a large process; the child touches nothing of ours before it execs.
[[gnu::noinline]] pid_t Spawn(const Launch& launch) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t child = vfork();
  if (child == 0) RunChild(launch);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return child;
}

// A running child; killed and reaped when it goes.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (reaped_) return;
    ::kill(pid_, SIGKILL);
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
  }
  // False while it still runs.
  Result<bool> Reap(int& status) {
    const pid_t found = waitpid(pid_, &status, WNOHANG);
    if (found < 0 && errno != EINTR) return ErrnoStatus(errno, "wait for", "subprocess");
    reaped_ = found == pid_;
    return reaped_;
  }

 private:
  const pid_t pid_;
  bool reaped_ = false;
};

// Reads what is there into `to`, keeping at most `bytes_max` of it; closes `from` at its end. Returns bytes read.
Result<size_t> Drain(Fd& from, std::string& to, size_t bytes_max) {
  char buffer[1 << 16];
  const ssize_t got = ::read(from.get(), buffer, sizeof buffer);
  if (got == 0) from.Close();
  if (got <= 0) {
    if (got < 0 && errno != EAGAIN && errno != EINTR) return ErrnoStatus(errno, "read", "subprocess output");
    return size_t{0};
  }
  to.append(buffer, std::min(static_cast<size_t>(got), bytes_max - std::min(bytes_max, to.size())));
  return static_cast<size_t>(got);
}

class Conversation {
 public:
  Conversation(const SubprocessOptions& options, Fd output, Fd error)
      : options_(options),
        output_(std::move(output)),
        error_(std::move(error)),
        deadline_ns_(SystemClock().MonotonicNs() + options.deadline_ms * 1'000'000) {}

  // Reads both streams to their ends, then waits for the program's.
  Status Run(Child& child, SubprocessResult& result) {
    while (output_.is_open() || error_.is_open()) {
      pollfd fds[] = {{output_.get(), POLLIN, 0}, {error_.get(), POLLIN, 0}};
      ASSIGN_OR_RETURN(const int wait_ms, LeftMs());
      if (poll(fds, 2, wait_ms) < 0 && errno != EINTR) return ErrnoStatus(errno, "poll", "subprocess");
      if (fds[0].revents != 0) {
        ASSIGN_OR_RETURN(const size_t got, Drain(output_, result.output, options_.output_bytes_max));
        said_ += got;
        if (said_ > options_.output_bytes_max) {
          return Status::TooLarge("output", options_.arguments[0] + " wrote more than " +
                                                std::to_string(options_.output_bytes_max) + " bytes");
        }
      }
      if (fds[1].revents != 0) RETURN_IF_ERROR(Drain(error_, result.error, options_.error_bytes_max).status());
    }
    return AwaitEnd(child, result);
  }

 private:
  Result<int> LeftMs() const {
    const int64_t left_ns = deadline_ns_ - SystemClock().MonotonicNs();
    if (left_ns <= 0) {
      return Status::DeadlineExceeded(options_.arguments[0] + " ran past " + std::to_string(options_.deadline_ms) +
                                      " ms");
    }
    return static_cast<int>(std::min<int64_t>(left_ns / 1'000'000 + 1, 60'000));
  }
  Status AwaitEnd(Child& child, SubprocessResult& result) const {
    int status = 0;
    while (true) {
      ASSIGN_OR_RETURN(const bool ended, child.Reap(status));
      if (ended) break;
      RETURN_IF_ERROR(LeftMs().status());
      const timespec pause = {0, 500'000};
      nanosleep(&pause, nullptr);
    }
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    result.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    return Status::Ok();
  }

  const SubprocessOptions& options_;
  Fd output_;
  Fd error_;
  const int64_t deadline_ns_;
  uint64_t said_ = 0;
};

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& string : strings) pointers.push_back(const_cast<char*>(string.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Result<SubprocessResult> RunSandboxed(const SubprocessOptions& options) {
  if (options.arguments.empty()) return Status::InvalidArgument("arguments", "must name a program");
  ASSIGN_OR_RETURN(const std::string program, FindProgram(options.arguments[0]));
  RETURN_IF_ERROR(SandboxFilter().status());
  ASSIGN_OR_RETURN(Fd input, MakeInput(options.input));
  ASSIGN_OR_RETURN(Pipe output, MakePipe());
  ASSIGN_OR_RETURN(Pipe error, MakePipe());
  ASSIGN_OR_RETURN(Pipe failure, MakePipe());
  const Fd landlock_rules(OpenLandlockRules());
  const std::vector<char*> arguments = Pointers(options.arguments);
  const std::vector<std::string> environment_strings = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8"};
  const std::vector<char*> environment = Pointers(environment_strings);
  const std::vector<sock_filter>& filter = *SandboxFilter();
  const Launch launch = {
      .program = program.c_str(),
      .arguments = arguments.data(),
      .environment = environment.data(),
      .input = input.get(),
      .output = output.write.get(),
      .error = error.write.get(),
      .failure = failure.write.get(),
      .limits = {options.memory_bytes_max, options.cpu_seconds_max, options.open_files_max},
      .landlock_rules = landlock_rules.get(),
      .filter = {static_cast<unsigned short>(filter.size()), const_cast<sock_filter*>(filter.data())}};
  const pid_t pid = Spawn(launch);
  if (pid < 0) return ErrnoStatus(errno, "start", program);
  Child child(pid);
  output.write.Close();
  error.write.Close();
  failure.write.Close();
  // vfork returns once the child has execed or exited, so this read does not wait.
  Failure failed{};
  if (::read(failure.read.get(), &failed, sizeof failed) == sizeof failed) {
    return Status::IoError(program + ": cannot " + failed.step + ": " + ErrnoStatus(failed.error, "", "").ToString());
  }
  SubprocessResult result;
  Conversation conversation(options, std::move(output.read), std::move(error.read));
  RETURN_IF_ERROR(conversation.Run(child, result));
  return result;
}

}  // namespace rhizome::io
