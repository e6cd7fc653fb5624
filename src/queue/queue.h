// Queue port: named topics of messages that wait on disk until every group of readers has passed them.
//
// Two implementations: EmbeddedQueue (queue/embedded.h), a durable log of this process, and KafkaQueue
// (queue/kafka.h), for a Kafka cluster. Both keep these promises:
//
//   - When Publish returns OK, all its messages are durable. DeadlineExceeded and IoError mean unknown, any other
//     error that none of them is there; a publisher who is not told OK may publish again, so a message may come twice.
//   - Messages of one key in one topic are in one partition, and a partition is read in the order it was written.
//     Offsets rise within a partition; there may be gaps.
//   - Readers share a topic's partitions within a group; each group reads everything. A reader that dies or leaves
//     gives its partitions to others, which begin where the group has committed: delivery is at least once.
//   - Commit is explicit and durable when it returns. Who commits only after the effect loses nothing.
//   - A topic holds a bounded backlog: beyond it Publish answers ResourceExhausted and says whom it waits for.
//
// Names of topics and groups match [A-Za-z0-9._-]{1,200}. Keys and values are any bytes. Queue is thread-safe; a
// Consumer belongs to one thread at a time and must not outlive its queue.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace rhizome::queue {

inline constexpr size_t kNameBytesMax = 200;
inline constexpr size_t kKeyBytesMax = 4096;
inline constexpr size_t kHeadersMax = 64;
inline constexpr size_t kHeaderBytesMax = 64u << 10;  // all headers of one message together
// Of one message's value: a 10 MB document with what its encoding adds.
inline constexpr size_t kValueBytesMax = 24u << 20;

struct Header {
  std::string name;
  std::string value;
  bool operator==(const Header&) const = default;
};

struct Outgoing {
  std::string topic;
  std::string key;  // decides the partition; empty: any
  std::string value;
  std::vector<Header> headers;
};

struct Message {
  std::string topic;
  uint32_t partition = 0;
  uint64_t offset = 0;
  int64_t published_ms = 0;  // since 1970, by the queue's clock
  std::string key;
  std::string value;
  std::vector<Header> headers;

  // The header's value, "" without one.
  std::string_view header(std::string_view name) const;
};

inline constexpr size_t kNoteBytesMax = 4096;

// A place in a partition: everything below `offset` is meant.
struct Position {
  std::string topic;
  uint32_t partition = 0;
  uint64_t offset = 0;
  // Of a commit: kept with the group's place until the next one there, for whoever reads the partition then.
  std::string note{};
  bool operator==(const Position&) const = default;
};

struct TopicOptions {
  uint32_t partitions = 4;  // 1 to 256; of a topic that exists, its own number stays
  // What may wait for the slowest group. Kafka counts messages only, and looks at most once a second.
  uint64_t backlog_messages_max = 1'000'000;
  uint64_t backlog_bytes_max = 4ull << 30;
};

struct PollLimits {
  uint32_t messages_max = 256;
  uint64_t bytes_max = 16u << 20;  // of values; one larger message comes alone
  int64_t wait_ms = 0;             // for the first message
  int64_t linger_ms = 0;           // after the first, for more
};

// One partition seen by one group.
struct Lag {
  std::string topic;
  uint32_t partition = 0;
  std::string group;
  uint64_t committed = 0;  // next offset the group will be given
  uint64_t end = 0;        // next offset to be written
  uint64_t messages() const { return end > committed ? end - committed : 0; }
};

struct PublishOptions {
  int64_t deadline_ms = 30'000;
  // For messages that stand for ones taken in before (retries, dead letters): refusing them would stop what makes room.
  bool beyond_backlog = false;
};

class Consumer {
 public:
  virtual ~Consumer() = default;
  // The next messages of this member's partitions, in order within each; empty when the wait was over first. Errors:
  // Corruption (says where), IoError, Unavailable.
  virtual Result<std::vector<Message>> Poll(const PollLimits& limits) = 0;
  // The group has done everything below these positions. Durable on return. A position the group has passed already
  // stays where it is, or moves back to what this says: what is then given again was given before.
  virtual Status Commit(std::span<const Position> positions) = 0;
  // Where the group stands in this member's partitions, with the notes of those commits: for a reader that was just
  // given them. Errors: Unavailable, DeadlineExceeded.
  virtual Result<std::vector<Position>> Committed() = 0;
  // Makes a waiting Poll return now, from any thread.
  virtual void Wake() = 0;
};

class Queue {
 public:
  virtual ~Queue() = default;

  // Makes the topic unless it is there; its bounds are those of the last call. Errors: InvalidArgument.
  virtual Status EnsureTopic(const std::string& topic, const TopicOptions& options) = 0;
  // All or, on a definite error, none is in the queue; a crash may leave some. Errors: NotFound (no such topic),
  // InvalidArgument, TooLarge, ResourceExhausted, ReadOnly, NoSpace, Unavailable; DeadlineExceeded, IoError: unknown.
  virtual Status Publish(std::span<const Outgoing> messages, const PublishOptions& options) = 0;
  Status Publish(std::span<const Outgoing> messages) { return Publish(messages, PublishOptions{}); }
  Status Publish(Outgoing message, const PublishOptions& options = {}) { return Publish({&message, 1}, options); }

  // From now on these topics keep what the group has not passed, beginning with the oldest there is. Subscribe does it
  // too. Durable on return; doing it again changes nothing.
  virtual Status DeclareGroup(const std::string& group, std::span<const std::string> topics) = 0;
  // A new member of the group, which leaves with the object.
  virtual Result<std::unique_ptr<Consumer>> Subscribe(const std::string& group,
                                                      std::span<const std::string> topics) = 0;
  // Forgets a group without members; what only it kept goes. FailedPrecondition while it has members, NotFound.
  virtual Status RemoveGroup(const std::string& group) = 0;

  // Every partition of every topic that a group reads, by group, topic, partition. A group that never committed
  // stands at the oldest message.
  virtual Result<std::vector<Lag>> Lags(const std::string& group) = 0;
  // Reads without a group and moves nothing: up to `messages_max` messages of one partition from `from.offset` on.
  virtual Result<std::vector<Message>> Browse(const Position& from, uint32_t messages_max) = 0;
  // Of a topic: its number of partitions. NotFound.
  virtual Result<uint32_t> Partitions(const std::string& topic) = 0;
  // OK, or why nothing can be published or committed.
  virtual Status Health() = 0;
};

// What a consumer has in hand, as positions to commit once all of it is done: behind the last message per partition.
std::vector<Position> PositionsAfter(std::span<const Message> messages);

// The checks both implementations make before a message leaves. InvalidArgument, TooLarge.
Status CheckName(std::string_view field, std::string_view name);
Status CheckOutgoing(const Outgoing& message);
// TooLarge.
Status CheckNotes(std::span<const Position> positions);

}  // namespace rhizome::queue
