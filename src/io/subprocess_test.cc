#include "io/subprocess.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "base/clock.h"

namespace rhizome::io {
namespace {

using testing::HasSubstr;

Result<SubprocessResult> Execute(std::vector<std::string> arguments, std::string_view input = "") {
  return RunSandboxed({.arguments = std::move(arguments), .input = input, .deadline_ms = 20'000});
}

SubprocessResult Shell(const std::string& script, std::string_view input = "") {
  auto result = Execute({"sh", "-c", script}, input);
  EXPECT_TRUE(result.ok()) << result.status().ToString();
  return result.ok() ? *result : SubprocessResult{};
}

TEST(Subprocess, InputComesBackAsOutput) {
  std::string input(3 << 20, 'x');
  input += "end";
  const auto result = Execute({"cat"}, input);
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_EQ(result->exit_code, 0);
  EXPECT_EQ(result->output, input);
}

TEST(Subprocess, ExitCodeAndStandardErrorAreTold) {
  const auto result = Shell("echo out; echo oops >&2; exit 3");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.output, "out\n");
  EXPECT_EQ(result.error, "oops\n");
}

TEST(Subprocess, MissingProgramIsNotFound) {
  EXPECT_EQ(Execute({"no-such-program"}).status().code(), Code::kNotFound);
  EXPECT_EQ(Execute({"/no/such/program"}).status().code(), Code::kNotFound);
  EXPECT_EQ(Execute({"relative/program"}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Execute({}).status().code(), Code::kInvalidArgument);
}

TEST(Subprocess, EndlessProgramIsKilledAtTheDeadline) {
  const int64_t begin_ns = SystemClock().MonotonicNs();
  const auto result = RunSandboxed({.arguments = {"sh", "-c", "while :; do :; done"}, .deadline_ms = 200});
  EXPECT_EQ(result.status().code(), Code::kDeadlineExceeded);
  EXPECT_LT(SystemClock().MonotonicNs() - begin_ns, 10'000'000'000);
}

TEST(Subprocess, ProgramThatClosesItsOutputIsStillKilledAtTheDeadline) {
  const auto result =
      RunSandboxed({.arguments = {"sh", "-c", "exec >&- 2>&-; while :; do :; done"}, .deadline_ms = 200});
  EXPECT_EQ(result.status().code(), Code::kDeadlineExceeded);
}

TEST(Subprocess, TooMuchOutputEndsIt) {
  SubprocessOptions options = {.arguments = {"cat"}, .input = "12345", .output_bytes_max = 4};
  EXPECT_EQ(RunSandboxed(options).status().code(), Code::kTooLarge);
  options.output_bytes_max = 5;
  EXPECT_TRUE(RunSandboxed(options).ok());
}

TEST(Subprocess, StandardErrorIsCutNotRefused) {
  const auto result =
      RunSandboxed({.arguments = {"sh", "-c", "i=0; while [ $i -lt 999 ]; do echo $i >&2; i=$((i+1)); done"},
                    .error_bytes_max = 10});
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_EQ(result->error, "0\n1\n2\n3\n4\n");
}

TEST(Subprocess, FatalSignalIsTold) {
  const auto result = RunSandboxed({.arguments = {"sh", "-c", "while :; do :; done"}, .cpu_seconds_max = 1});
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_EQ(result->exit_code, -1);
  EXPECT_EQ(result->signal, SIGKILL);
}

TEST(Subprocess, ItCannotWriteFiles) {
  const auto result = Shell("echo x > /tmp/rhizome_subprocess_test && echo WROTE");
  EXPECT_NE(result.exit_code, 0);
  EXPECT_EQ(result.output, "");
  EXPECT_NE(access("/tmp/rhizome_subprocess_test", F_OK), 0);
}

TEST(Subprocess, ItCannotWriteToItsInputEither) { EXPECT_EQ(Shell("echo x >&0 && echo WROTE", "input").output, ""); }

TEST(Subprocess, ItCannotForkOrSignal) {
  const auto forked = Shell("/usr/bin/true & echo started");
  EXPECT_THAT(forked.error, HasSubstr("fork"));
  EXPECT_NE(Shell("kill -0 " + std::to_string(getpid()) + " && echo REACHED").output, "REACHED\n");
}

TEST(Subprocess, ItCannotReachTheNetwork) {
  if (access("/usr/bin/python3", X_OK) != 0) GTEST_SKIP() << "needs python3 to open a socket";
  const auto result = Execute({"python3", "-S", "-c", "import _socket; _socket.socket(); print('OPEN')"});
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_THAT(result->error, HasSubstr("Operation not permitted"));
  EXPECT_EQ(result->output, "");
}

TEST(Subprocess, ItRunsUnprivilegedWithoutOurEnvironmentOrDescriptors) {
  setenv("RHIZOME_SECRET", "leaked", 1);
  const auto result = Shell("echo $RHIZOME_SECRET; pwd");
  unsetenv("RHIZOME_SECRET");
  EXPECT_EQ(result.output, "\n/\n");
  const auto id = Execute({"id", "-u"});
  ASSERT_TRUE(id.ok()) << id.status().ToString();
  EXPECT_NE(id->output, "0\n");
}

TEST(Subprocess, MemoryIsBounded) {
  const auto result = RunSandboxed({.arguments = {"sh", "-c", "x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done"},
                                    .deadline_ms = 20'000,
                                    .memory_bytes_max = 64u << 20});
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_NE(result->exit_code, 0);
}

TEST(Subprocess, ManyThreadsRunManyAtOnce) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 5; ++i) {
        const std::string input = std::to_string(t * 100 + i);
        const auto result = Execute({"cat"}, input);
        ASSERT_TRUE(result.ok()) << result.status().ToString();
        EXPECT_EQ(result->output, input);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace rhizome::io
