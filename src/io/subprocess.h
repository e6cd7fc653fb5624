// Subprocess: runs a program on hostile input, at arm's length (`pdftotext - -` is what it is for).
//
// The program gets its input as standard input and nothing else: an empty environment but for PATH and LANG, "/" as its
// directory, no descriptors of ours, no privileges it could gain, user and group `nobody` when we are root (where the
// kernel permits it), limits on memory, CPU and files, no writable file at all, only the system calls a filter program
// needs (no network, no fork, no ptrace, no signals to others: seccomp), and, where the kernel has Landlock, no sight
// of files outside /usr, /lib*, /bin and /etc. It is killed by its process id at the deadline or when it says too much.
//
// Safe in a program with many threads: between vfork and exec only raw system calls are made, on memory prepared
// before. Thread-safe. Blocks its caller while the program runs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace rhizome::io {

struct SubprocessOptions {
  std::vector<std::string> arguments;  // first the program: an absolute path, or a name under /usr/bin or /bin
  std::string_view input;              // its standard input; seekable
  size_t output_bytes_max = 64u << 20;
  size_t error_bytes_max = 64u << 10;  // what is kept of standard error; the rest is dropped
  int64_t deadline_ms = 30'000;
  uint64_t memory_bytes_max = 1ull << 30;  // of address space
  uint64_t cpu_seconds_max = 30;
  uint64_t open_files_max = 64;
};

struct SubprocessResult {
  int exit_code = 0;  // -1 when a signal ended it
  int signal = 0;     // 0 when it exited
  std::string output;
  std::string error;
};

// Runs to the end; how the program ended is in the result, not in the status. Errors: NotFound (no such program),
// DeadlineExceeded, TooLarge (more output than allowed), InvalidArgument (no arguments), IoError (the sandbox could not
// be set up; the program has then not run).
Result<SubprocessResult> RunSandboxed(const SubprocessOptions& options);

}  // namespace rhizome::io
