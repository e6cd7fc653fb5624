// Log: the format of every line the process writes, and the request a thread is working for.
//
// Lines go through spdlog's default logger and read
//   ts=2025-03-01T12:00:00.123Z level=info request_id=4f1c… msg="…"
// so that grep and every log collector can follow one request through all floors: a LogScope on the stack puts its
// id into each line that the thread writes while the scope lives. Scopes nest; the inner one counts.
// Thread-safe: scopes belong to their thread.
#pragma once

#include <string>
#include <string_view>

namespace rhizome {

class LogScope {
 public:
  // `request_id` outlives the scope.
  explicit LogScope(std::string_view request_id);
  ~LogScope();
  LogScope(const LogScope&) = delete;
  LogScope& operator=(const LogScope&) = delete;

 private:
  const std::string_view previous_;
};

// The id of the request this thread works for; empty outside of any.
std::string_view CurrentRequestId();

// Makes every later line take the form above, on standard error. `level` is one of trace, debug, info, warning,
// error, critical, off; another name leaves info.
void InstallLogFormat(const std::string& level);

// `text` with quotes, backslashes and control characters escaped, so that nothing a client sends can forge a line.
std::string LogEscaped(std::string_view text);

}  // namespace rhizome
