// Samples: one replica of series, the least an engine must be: a set of samples, each as a record of its own with the
// version it came in. Not thread-safe.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"
#include "fabric/message.h"
#include "format/register.h"

namespace rhizome::sim {

class Samples {
 public:
  // Corruption for what is no batch or has no version.
  Status Merge(const std::string& record);
  format::RangeDigest Digest(uint32_t bits, const std::optional<Version>& below) const;
  fabric::ScanRequest::Reply Scan(const fabric::ScanRequest& request) const;
  Version max_version() const { return max_version_; }
  // What each sample says, as they were sent.
  std::set<uint64_t> Values() const;
  const std::set<std::string>& all() const { return records_; }

 private:
  std::set<std::string> records_;
  Version max_version_;
};

// A batch of one sample that says this.
std::string RecordOf(uint64_t value, int64_t time_ms);
std::string EncodeValues(const std::set<uint64_t>& values);
std::set<uint64_t> DecodeValues(const std::string& bytes);

}  // namespace rhizome::sim
