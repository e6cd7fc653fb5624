// SIGINT and SIGTERM, taken as a file descriptor from before the first thread starts, so that none can be missed. One
// in a process, made by its main thread.
#pragma once

namespace rhizome::app {

class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  // Whether one came within so long; -1: waits for one.
  bool Wait(int timeout_ms);

 private:
  int fd_;
};

}  // namespace rhizome::app
