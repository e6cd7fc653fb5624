// BodySource: the request bodies of one connection, for each of the protocols that servers of metrics take.
//
// The stretch of series is gone through again and again; a body holds the next `samples_per_series` samples of each of
// the next series, at most `samples_per_body` in all. What does not change of a series (its labels, encoded) is made
// once. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "metrics_client/batch.h"
#include "metrics_load/workload.h"

namespace rhizome::metrics_load {

enum class Protocol { kNative, kRemoteWrite, kInflux };

// "native", "remote_write", "influx"; InvalidArgument for another word.
Result<Protocol> ProtocolOf(std::string_view word);
// Path and query of its route, and the headers that senders give.
std::string TargetOf(Protocol protocol);
std::vector<std::string> HeadersOf(Protocol protocol);

struct BodyOptions {
  Protocol protocol = Protocol::kRemoteWrite;
  uint32_t samples_per_series = 1;
  uint32_t samples_per_body = 1'000;  // at least samples_per_series
};

class BodySource {
 public:
  BodySource(const BodyOptions& options, const WorkloadOptions& workload, uint64_t first_series, uint64_t count);
  ~BodySource();

  // The next body in place of what `out` held; how many samples are in it.
  uint64_t Next(std::string& out);
  // How often all series have been gone through.
  uint64_t rounds() const { return rounds_; }
  // Of the latest sample that was given out.
  int64_t newest_ms() const { return newest_ms_; }

 private:
  class Encoder;
  class Native;
  class RemoteWrite;
  class Influx;

  static std::unique_ptr<Encoder> EncoderOf(Protocol protocol);

  const BodyOptions options_;
  Workload workload_;
  std::unique_ptr<Encoder> encoder_;
  std::vector<Sample> samples_;  // of one series
  uint64_t next_ = 0;
  uint64_t rounds_ = 0;
  int64_t newest_ms_ = INT64_MIN;
};

}  // namespace rhizome::metrics_load
