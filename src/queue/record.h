// The bytes of the embedded queue's log records (docs/formats/queue.md). Encode and decode only; decoders take
// untrusted bytes. A record of messages holds a run of one partition's messages with consecutive offsets.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "queue/queue.h"

namespace rhizome::queue {

// Streams of the log.
inline constexpr uint32_t kControlStream = 0;
inline constexpr uint32_t kMessageStream = 1;

// (topic number, partition)
using PartitionId = std::pair<uint32_t, uint32_t>;

struct RunHeader {
  PartitionId partition;
  uint64_t first_offset = 0;
  uint32_t count = 0;
  int64_t published_ms = 0;
};

void PutRun(std::string& out, const RunHeader& header, std::span<const Outgoing* const> messages);
// Only what stands before the messages.
Result<RunHeader> DecodeRunHeader(std::string_view record);
// Appends the messages from offset `from` on, at most `count`, to `to`, without their topic's name, as long as values
// stay within `bytes_left`, which is lowered by them; the first one always fits when `to` is empty.
Status DecodeRun(std::string_view record, uint64_t from, size_t count, uint64_t& bytes_left, std::vector<Message>& to);

// Changes other than messages.
struct Control {
  enum class Kind : uint8_t { kTopic = 1, kCommit = 2, kRemoveGroup = 3, kCheckpoint = 4 };
  struct Topic {
    uint32_t number = 0;
    std::string name;
    std::vector<uint64_t> next_offsets;  // by partition
    bool operator==(const Topic&) const = default;
  };
  using Positions = std::map<PartitionId, uint64_t>;
  using Notes = std::map<PartitionId, std::string>;  // none is empty

  Kind kind = Kind::kCommit;
  std::vector<Topic> topics;                // kTopic: one; kCheckpoint: all
  std::map<std::string, Positions> groups;  // kCommit, kRemoveGroup: one; kCheckpoint: all
  std::map<std::string, Notes> notes;       // of groups' positions
  bool operator==(const Control&) const = default;
};

std::string EncodeControl(const Control& control);
Result<Control> DecodeControl(std::string_view record);

}  // namespace rhizome::queue
