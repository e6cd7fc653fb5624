#include "io/sandbox.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "io/posix_disk.h"

namespace rhizome::io {

namespace {

constexpr uid_t kNobody = 65534;

// What a program that reads standard input, computes and writes standard output needs, on any architecture; names an
// architecture lacks are skipped.
constexpr const char* kAllowed[] = {"read",
                                    "write",
                                    "readv",
                                    "writev",
                                    "pread64",
                                    "pwrite64",
                                    "preadv",
                                    "close",
                                    "lseek",
                                    "_llseek",
                                    "fstat",
                                    "fstat64",
                                    "newfstatat",
                                    "fstatat64",
                                    "stat",
                                    "stat64",
                                    "lstat",
                                    "lstat64",
                                    "statx",
                                    "fstatfs",
                                    "statfs",
                                    "poll",
                                    "ppoll",
                                    "select",
                                    "pselect6",
                                    "mmap",
                                    "mmap2",
                                    "mprotect",
                                    "munmap",
                                    "mremap",
                                    "madvise",
                                    "brk",
                                    "rt_sigaction",
                                    "rt_sigprocmask",
                                    "rt_sigreturn",
                                    "sigaltstack",
                                    "access",
                                    "faccessat",
                                    "faccessat2",
                                    "getcwd",
                                    "readlink",
                                    "readlinkat",
                                    "getdents64",
                                    "uname",
                                    "sysinfo",
                                    "getpid",
                                    "gettid",
                                    "getppid",
                                    "getuid",
                                    "geteuid",
                                    "getgid",
                                    "getegid",
                                    "getpgrp",
                                    "arch_prctl",
                                    "set_tid_address",
                                    "set_robust_list",
                                    "rseq",
                                    "futex",
                                    "sched_yield",
                                    "sched_getaffinity",
                                    "clock_gettime",
                                    "clock_getres",
                                    "clock_nanosleep",
                                    "nanosleep",
                                    "gettimeofday",
                                    "time",
                                    "times",
                                    "getrusage",
                                    "getrlimit",
                                    "ugetrlimit",
                                    "exit",
                                    "exit_group",
                                    "execve",
                                    "getrandom",
                                    "restart_syscall",
                                    "membarrier",
                                    "fadvise64",
                                    "dup",
                                    "dup2",
                                    "dup3",
                                    "fcntl",
                                    "fcntl64",
                                    "pause",
                                    "alarm"};

class FilterContext {
 public:
  FilterContext() : context_(seccomp_init(SCMP_ACT_ERRNO(EPERM))) {}
  FilterContext(const FilterContext&) = delete;
  FilterContext& operator=(const FilterContext&) = delete;
  ~FilterContext() {
    if (context_ != nullptr) seccomp_release(context_);
  }

  bool AddRules() {
    bool added = context_ != nullptr;
    for (const char* name : kAllowed) {
      const int number = seccomp_syscall_resolve_name(name);
      if (number >= 0) added = added && seccomp_rule_add(context_, SCMP_ACT_ALLOW, number, 0) == 0;
    }
    // Opening: never for writing, and nothing is created.
    constexpr uint64_t kForbidden = O_ACCMODE | O_CREAT | O_TRUNC;
    added = added && seccomp_rule_add(context_, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
                                      SCMP_A2(SCMP_CMP_MASKED_EQ, kForbidden, 0)) == 0;
    if (const int number = seccomp_syscall_resolve_name("open"); number >= 0) {
      added = added &&
              seccomp_rule_add(context_, SCMP_ACT_ALLOW, number, 1, SCMP_A1(SCMP_CMP_MASKED_EQ, kForbidden, 0)) == 0;
    }
    // Asking about a terminal and about limits, not setting them.
    added = added && seccomp_rule_add(context_, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, TCGETS)) == 0;
    added = added && seccomp_rule_add(context_, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A2(SCMP_CMP_EQ, 0)) == 0;
    return added;
  }
  int Export(int fd) { return seccomp_export_bpf(context_, fd); }

 private:
  scmp_filter_ctx context_;
};

Result<std::vector<sock_filter>> BuildFilter() {
  FilterContext context;
  if (!context.AddRules()) return Status::IoError("seccomp: the filter's rules were refused");
  const int fd = memfd_create("seccomp", MFD_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, "memfd_create", "seccomp");
  const int exported = context.Export(fd);
  const off_t length = lseek(fd, 0, SEEK_END);
  std::vector<sock_filter> program(static_cast<size_t>(std::max<off_t>(length, 0)) / sizeof(sock_filter));
  const ssize_t wanted = static_cast<ssize_t>(program.size() * sizeof(sock_filter));
  const ssize_t read = pread(fd, program.data(), static_cast<size_t>(wanted), 0);
  ::close(fd);
  if (exported != 0 || program.empty() || read != wanted)
    return Status::IoError("seccomp: exporting the filter failed");
  return program;
}

bool SetLimit(int resource, uint64_t value) {
  const rlimit64 limit = {value, value};
  return syscall(SYS_prlimit64, 0, resource, &limit, nullptr) == 0;
}

// Gives up root where the kernel lets us: in a user namespace `nobody` may have no number.
bool BecomeNobody() {
  if (syscall(SYS_geteuid) != 0) return true;
  const auto tolerated = [](long result) { return result == 0 || errno == EPERM || errno == EINVAL; };
  return tolerated(syscall(SYS_setgroups, 0, nullptr)) &&
         tolerated(syscall(SYS_setresgid, kNobody, kNobody, kNobody)) &&
         tolerated(syscall(SYS_setresuid, kNobody, kNobody, kNobody));
}

}  // namespace

const Result<std::vector<sock_filter>>& SandboxFilter() {
  static const auto& filter = *new Result<std::vector<sock_filter>>(BuildFilter());
  return filter;
}

int OpenLandlockRules() {
  constexpr uint64_t kRead = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
  constexpr uint64_t kHandled = kRead | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG;
  const landlock_ruleset_attr attributes = {.handled_access_fs = kHandled};
  const int rules = static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0));
  if (rules < 0) return -1;
  for (const char* path : {"/usr", "/lib", "/lib32", "/lib64", "/bin", "/etc"}) {
    const int parent = ::open(path, O_PATH | O_CLOEXEC);
    if (parent < 0) continue;
    const landlock_path_beneath_attr beneath = {.allowed_access = kRead, .parent_fd = parent};
    // A rule that is refused leaves less to see, never more.
    (void)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    ::close(parent);
  }
  return rules;
}

const char* EnterSandbox(const SandboxLimits& limits, int landlock_rules, const sock_fprog& filter) {
  if (!SetLimit(RLIMIT_AS, limits.memory_bytes_max)) return "limit memory";
  if (!SetLimit(RLIMIT_CPU, limits.cpu_seconds_max)) return "limit CPU";
  if (!SetLimit(RLIMIT_NOFILE, limits.open_files_max)) return "limit files";
  if (!SetLimit(RLIMIT_FSIZE, 0)) return "limit file size";
  if (!SetLimit(RLIMIT_CORE, 0)) return "limit core size";
  if (!BecomeNobody()) return "drop privileges";
  // After the change of user, which clears it.
  if (syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return "follow the parent";
  if (syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return "forgo privileges";
  if (landlock_rules >= 0 && syscall(SYS_landlock_restrict_self, landlock_rules, 0) != 0) return "enter Landlock";
  if (syscall(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) != 0) return "enter seccomp";
  return nullptr;
}

}  // namespace rhizome::io
