#include "queue/embedded.h"

#include <algorithm>
#include <tuple>

#include "base/hash.h"
#include "queue/embedded_core.h"
#include "queue/record.h"

namespace rhizome::queue {
namespace {

constexpr uint32_t kPartitionsMax = 256;
constexpr uint64_t kRunBytesMax = 1u << 20;
constexpr size_t kRunMessagesMax = 1024;
constexpr int64_t kControlDeadlineMs = 60'000;
constexpr int64_t kResumeEveryNs = 1'000'000'000;
// Fixed for ever: which partition a key is in must not change while its messages wait.
constexpr uint64_t kPartitionSeed = 0;

uint64_t SizeOf(const Outgoing& message) {
  uint64_t size = message.key.size() + message.value.size() + 16;
  for (const Header& header : message.headers) size += header.name.size() + header.value.size() + 4;
  return size;
}

}  // namespace

Result<std::unique_ptr<EmbeddedQueue>> EmbeddedQueue::Open(io::Disk& disk, const std::string& path,
                                                           const EmbeddedQueueOptions& options) {
  auto core = std::make_unique<Core>(options);
  if (Status status = core->Open(disk, path); !status.ok()) return status.Annotate("opening queue " + path);
  return std::unique_ptr<EmbeddedQueue>(new EmbeddedQueue(std::move(core)));
}

EmbeddedQueue::EmbeddedQueue(std::unique_ptr<Core> core) : core_(std::move(core)) {}
EmbeddedQueue::~EmbeddedQueue() = default;

Status EmbeddedQueue::EnsureTopic(const std::string& topic, const TopicOptions& options) {
  return core_->EnsureTopic(topic, options);
}
Status EmbeddedQueue::Publish(std::span<const Outgoing> messages, const PublishOptions& options) {
  return core_->Publish(messages, options);
}
Status EmbeddedQueue::DeclareGroup(const std::string& group, std::span<const std::string> topics) {
  return core_->DeclareGroup(group, topics);
}
Result<std::unique_ptr<Consumer>> EmbeddedQueue::Subscribe(const std::string& group,
                                                           std::span<const std::string> topics) {
  return core_->Subscribe(group, topics);
}
Status EmbeddedQueue::RemoveGroup(const std::string& group) { return core_->RemoveGroup(group); }
Result<std::vector<Lag>> EmbeddedQueue::Lags(const std::string& group) { return core_->Lags(group); }
Result<std::vector<Message>> EmbeddedQueue::Browse(const Position& from, uint32_t messages_max) {
  return core_->Browse(from, messages_max);
}
Result<uint32_t> EmbeddedQueue::Partitions(const std::string& topic) { return core_->Partitions(topic); }
Status EmbeddedQueue::Health() { return core_->Health(); }
EmbeddedQueueStats EmbeddedQueue::stats() const { return core_->stats(); }
std::string EmbeddedQueue::damage() const { return core_->damage(); }

EmbeddedQueue::Core::~Core() {
  // What a callback of the log touches is still there while it closes.
  if (log_ != nullptr) (void)log_->Close().ok();
}

Status EmbeddedQueue::Core::Open(io::Disk& disk, const std::string& path) {
  wal::LogOptions log_options;
  log_options.segment_bytes = options_.segment_bytes;
  log_options.background_thread = options_.background_thread;
  log_options.clock = options_.clock;
  ASSIGN_OR_RETURN(log_, wal::Log::Open(disk, path, log_options));
  const MutexLock lock(mutex_);
  const Status replayed = log_->Read(0, [this](const wal::LogRecord& record) REQUIRES(mutex_) -> Status {
    applied_lsn_ = record.lsn;
    if (record.stream == kControlStream) {
      ASSIGN_OR_RETURN(const Control control, DecodeControl(record.payload));
      return index_.ApplyControl(control).Annotate("log record " + std::to_string(record.lsn));
    }
    ASSIGN_OR_RETURN(const RunHeader header, DecodeRunHeader(record.payload));
    return index_.ApplyRun(header, record.lsn, record.payload.size());
  });
  // What precedes damage can be read; the log takes no more.
  if (!replayed.ok() && log_->damage().empty()) return replayed;
  return index_.FinishReplay();
}

std::future<Status> EmbeddedQueue::Core::Begin(std::span<const wal::LogEntry> entries,
                                               std::function<Status(wal::Lsn first)> apply) {
  auto outcome = std::make_shared<std::promise<Status>>();
  std::future<Status> future = outcome->get_future();
  uint64_t bytes = 0;
  for (const wal::LogEntry& entry : entries) bytes += entry.payload.size() + 64;
  bytes_since_upkeep_ += bytes;
  // The log calls these in the order of its records, one at a time.
  const size_t count = entries.size();
  log_->AppendAsync(entries, [this, outcome, count, apply = std::move(apply)](const Result<wal::Lsn>& first) {
    Status status = first.status();
    {
      const MutexLock lock(mutex_);
      const Status applied = apply(first.ok() ? *first : 0);
      if (first.ok()) {
        applied_lsn_ = *first + count - 1;
        status = applied;
      }
      changed_.NotifyAll();
    }
    outcome->set_value(std::move(status));
  });
  return future;
}

Status EmbeddedQueue::Core::Await(std::future<Status> outcome, int64_t deadline_ms) {
  // Alone, who waits writes. What becomes of the records is in `outcome`; the flush's own failure is the watermark's.
  if (!options_.background_thread) (void)log_->Flush().ok();
  if (outcome.wait_for(std::chrono::milliseconds(deadline_ms)) != std::future_status::ready) {
    return Status::DeadlineExceeded("the queue's log has not confirmed within " + std::to_string(deadline_ms) +
                                    " ms; unknown whether it will");
  }
  return outcome.get();
}

Status EmbeddedQueue::Core::Write(std::span<const wal::LogEntry> entries, std::function<Status(wal::Lsn first)> apply,
                                  int64_t deadline_ms) {
  ResumeIfRoom();
  return Await(Begin(entries, std::move(apply)), deadline_ms);
}

Status EmbeddedQueue::Core::WriteControl(const Control& control) {
  const std::string bytes = EncodeControl(control);
  const wal::LogEntry entry{kControlStream, bytes};
  return Write(
      {&entry, 1},
      [this, control](wal::Lsn lsn) REQUIRES(mutex_) { return lsn == 0 ? Status::Ok() : index_.ApplyControl(control); },
      kControlDeadlineMs);
}

void EmbeddedQueue::Core::ResumeIfRoom() {
  if (log_->write_status().code() != Code::kNoSpace) return;
  const int64_t now_ns = SystemClock().MonotonicNs();
  if (options_.background_thread && now_ns - resume_tried_ns_.load() < kResumeEveryNs) return;
  resume_tried_ns_ = now_ns;
  // When there is none, the append says so.
  (void)log_->TryResume().ok();
}

Status EmbeddedQueue::Core::EnsureTopic(const std::string& name, const TopicOptions& options) {
  RETURN_IF_ERROR(CheckName("topic", name));
  if (options.partitions < 1 || options.partitions > kPartitionsMax) {
    return Status::InvalidArgument("partitions", "a topic has 1 to " + std::to_string(kPartitionsMax) + " partitions");
  }
  const MutexLock control_lock(control_mutex_);
  Control control;
  control.kind = Control::Kind::kTopic;
  {
    const MutexLock lock(mutex_);
    if (const auto number = index_.Find(name)) {
      index_.topic(*number).options = options;
      return Status::Ok();
    }
    control.topics.push_back({index_.next_topic_number(), name, std::vector<uint64_t>(options.partitions, 0)});
  }
  RETURN_IF_ERROR(WriteControl(control));
  const MutexLock lock(mutex_);
  index_.topic(control.topics[0].number).options = options;
  return Status::Ok();
}

Status EmbeddedQueue::Core::Reserve(std::span<const Outgoing> messages, const std::vector<uint32_t>& topics,
                                    bool beyond) {
  std::map<uint32_t, std::pair<uint64_t, uint64_t>> wanted;
  for (size_t i = 0; i < messages.size(); ++i) {
    wanted[topics[i]].first += 1;
    wanted[topics[i]].second += SizeOf(messages[i]);
  }
  for (const auto& [number, want] : wanted) {
    const Index::Topic& topic = index_.topic(number);
    const uint64_t held = topic.messages + topic.pending_messages, bytes = topic.bytes + topic.pending_bytes;
    if (beyond || (held + want.first <= topic.options.backlog_messages_max &&
                   bytes + want.second <= topic.options.backlog_bytes_max)) {
      continue;
    }
    const std::string group = index_.Slowest(number);
    return Status::ResourceExhausted("topic " + topic.name + " holds " + std::to_string(held) + " messages of " +
                                     std::to_string(bytes) + " bytes that " +
                                     (group.empty() ? "no group reads" : "group " + group + " has not passed") +
                                     "; at most " + std::to_string(topic.options.backlog_messages_max) + " of " +
                                     std::to_string(topic.options.backlog_bytes_max) + " bytes may wait");
  }
  for (const auto& [number, want] : wanted) {
    index_.topic(number).pending_messages += want.first;
    index_.topic(number).pending_bytes += want.second;
  }
  return Status::Ok();
}

Result<std::vector<EmbeddedQueue::Core::Draft>> EmbeddedQueue::Core::Plan(std::span<const Outgoing> messages,
                                                                          const PublishOptions& options) {
  std::vector<Draft> drafts;
  std::map<PartitionId, std::pair<size_t, uint64_t>> open;  // the draft that grows, its bytes
  const int64_t now_ms = options_.clock->WallMs();
  const MutexLock lock(mutex_);
  std::vector<uint32_t> topics(messages.size());
  for (size_t i = 0; i < messages.size(); ++i) {
    if (i > 0 && messages[i].topic == messages[i - 1].topic) {
      topics[i] = topics[i - 1];
      continue;
    }
    const auto number = index_.Find(messages[i].topic);
    if (!number) return Status::NotFound("there is no topic " + messages[i].topic);
    topics[i] = *number;
  }
  RETURN_IF_ERROR(Reserve(messages, topics, options.beyond_backlog));
  for (size_t i = 0; i < messages.size(); ++i) {
    Index::Topic& topic = index_.topic(topics[i]);
    const uint64_t hash = messages[i].key.empty() ? next_unkeyed_++ : RouteHash(messages[i].key, kPartitionSeed);
    const PartitionId id{topics[i], static_cast<uint32_t>(hash % topic.partitions.size())};
    const auto found = open.find(id);
    const uint64_t size = SizeOf(messages[i]);
    const bool fits = found != open.end() && found->second.second + size <= kRunBytesMax &&
                      drafts[found->second.first].messages.size() < kRunMessagesMax;
    if (!fits) {
      open[id] = {drafts.size(), 0};
      Draft& draft = drafts.emplace_back();
      draft.header.partition = id;
      draft.header.first_offset = topic.partitions[id.second].next;
      draft.header.published_ms = now_ms;
    }
    auto& [draft, bytes] = open[id];
    drafts[draft].messages.push_back(&messages[i]);
    bytes += size;
    drafts[draft].bytes_reserved += size;
    ++topic.partitions[id.second].next;
  }
  return drafts;
}

void EmbeddedQueue::Core::Release(const std::vector<Draft>& drafts) {
  for (const Draft& draft : drafts) {
    Index::Topic& topic = index_.topic(draft.header.partition.first);
    topic.pending_messages -= draft.header.count;
    topic.pending_bytes -= draft.bytes_reserved;
  }
}

Status EmbeddedQueue::Core::ApplyDrafts(const std::vector<Draft>& drafts, wal::Lsn first) {
  for (const Draft& draft : drafts) {
    RETURN_IF_ERROR(index_.ApplyRun(draft.header, first, draft.bytes->size()));
    Remember(first++, draft.bytes);
  }
  return Status::Ok();
}

Status EmbeddedQueue::Core::Publish(std::span<const Outgoing> messages, const PublishOptions& options) {
  if (messages.empty()) return Status::Ok();
  for (const Outgoing& message : messages) RETURN_IF_ERROR(CheckOutgoing(message));
  ResumeIfRoom();
  std::future<Status> outcome;
  {
    const MutexLock order(order_mutex_);
    ASSIGN_OR_RETURN(std::vector<Draft> drafts, Plan(messages, options));
    std::vector<wal::LogEntry> entries;
    for (Draft& draft : drafts) {
      auto bytes = std::make_shared<std::string>();
      draft.header.count = static_cast<uint32_t>(draft.messages.size());
      PutRun(*bytes, draft.header, draft.messages);
      entries.push_back({kMessageStream, *bytes});
      draft.bytes = std::move(bytes);
      draft.messages.clear();  // the caller's: gone once its deadline is over
    }
    outcome = Begin(entries, [this, shared = std::make_shared<std::vector<Draft>>(std::move(drafts))](wal::Lsn first)
                                 REQUIRES(mutex_) {
                                   Release(*shared);
                                   return first == 0 ? Status::Ok() : ApplyDrafts(*shared, first);
                                 });
  }
  return Await(std::move(outcome), options.deadline_ms);
}

Status EmbeddedQueue::Core::DeclareGroup(const std::string& group, std::span<const std::string> topics) {
  RETURN_IF_ERROR(CheckName("group", group));
  const MutexLock control_lock(control_mutex_);
  Control control;
  Control::Positions& positions = control.groups[group];
  {
    const MutexLock lock(mutex_);
    const auto known = index_.groups().find(group);
    for (const std::string& topic : topics) {
      const auto number = index_.Find(topic);
      if (!number) return Status::NotFound("there is no topic " + topic);
      for (uint32_t p = 0; p < index_.topic(*number).partitions.size(); ++p) {
        const PartitionId id{*number, p};
        if (known == index_.groups().end() || !known->second.contains(id)) positions[id] = index_.Low(id);
      }
    }
  }
  return positions.empty() ? Status::Ok() : WriteControl(control);
}

Status EmbeddedQueue::Core::RemoveGroup(const std::string& group) {
  const MutexLock control_lock(control_mutex_);
  Control control;
  control.kind = Control::Kind::kRemoveGroup;
  control.groups[group] = {};
  {
    const MutexLock lock(mutex_);
    if (!index_.groups().contains(group)) return Status::NotFound("there is no group " + group);
    if (const auto found = members_.find(group); found != members_.end() && !found->second.members.empty()) {
      return Status::FailedPrecondition("group " + group + " has " + std::to_string(found->second.members.size()) +
                                        " members");
    }
  }
  return WriteControl(control);
}

Result<Control> EmbeddedQueue::Core::Resolve(std::span<const Position> positions, const std::string& group) {
  const auto known = index_.groups().find(group);
  Control control;
  Control::Positions& resolved = control.groups[group];
  for (const Position& position : positions) {
    const auto number = index_.Find(position.topic);
    const PartitionId id{number.value_or(0), position.partition};
    if (!number || !index_.Has(id)) {
      return Status::NotFound("there is no partition " + std::to_string(position.partition) + " of topic " +
                              position.topic);
    }
    if (known == index_.groups().end() || !known->second.contains(id)) {
      return Status::FailedPrecondition("group " + group + " does not read topic " + position.topic);
    }
    if (position.offset > index_.partition(id).end) {
      return Status::InvalidArgument("offset",
                                     std::to_string(position.offset) + " is behind the end of topic " + position.topic);
    }
    const uint64_t at = known->second.at(id);
    // At the same place only a note can be new.
    if (position.offset < at || (position.offset == at && position.note == index_.Note(group, id))) continue;
    if (position.offset < resolved[id]) continue;
    resolved[id] = position.offset;
    control.notes[group].erase(id);
    if (!position.note.empty()) control.notes[group][id] = position.note;
  }
  if (control.notes[group].empty()) control.notes.clear();
  return control;
}

Status EmbeddedQueue::Core::Commit(const std::string& group, std::span<const Position> positions) {
  RETURN_IF_ERROR(CheckNotes(positions));
  Control control;
  {
    const MutexLock lock(mutex_);
    ASSIGN_OR_RETURN(control, Resolve(positions, group));
  }
  if (!control.groups[group].empty()) RETURN_IF_ERROR(WriteControl(control));
  UpkeepIfDue();
  return Status::Ok();
}

std::vector<Position> EmbeddedQueue::Core::CommittedOf(const std::string& group,
                                                       std::span<const PartitionId> partitions) {
  std::vector<Position> positions;
  const Control::Positions& committed = index_.groups().at(group);
  for (const PartitionId& id : partitions) {
    positions.push_back({index_.topic(id.first).name, id.second, committed.at(id), index_.Note(group, id)});
  }
  return positions;
}

Result<std::vector<Lag>> EmbeddedQueue::Core::Lags(const std::string& group) {
  const MutexLock lock(mutex_);
  const auto found = index_.groups().find(group);
  if (found == index_.groups().end()) return Status::NotFound("there is no group " + group);
  std::vector<Lag> lags;
  for (const auto& [id, committed] : found->second) {
    lags.push_back({index_.topic(id.first).name, id.second, group, committed, index_.partition(id).end});
  }
  std::sort(lags.begin(), lags.end(),
            [](const Lag& a, const Lag& b) { return std::tie(a.topic, a.partition) < std::tie(b.topic, b.partition); });
  return lags;
}

Result<uint32_t> EmbeddedQueue::Core::Partitions(const std::string& topic) {
  const MutexLock lock(mutex_);
  const auto number = index_.Find(topic);
  if (!number) return Status::NotFound("there is no topic " + topic);
  return static_cast<uint32_t>(index_.topic(*number).partitions.size());
}

Status EmbeddedQueue::Core::Health() {
  if (!log_->damage().empty()) return Status::Corruption("the queue's log is damaged: " + damage());
  return log_->write_status();
}

EmbeddedQueueStats EmbeddedQueue::Core::stats() {
  const wal::LogStats log = log_->stats();
  const MutexLock lock(mutex_);
  return {log.bytes_on_disk, index_.live_bytes(), index_.by_lsn().size(), carried_runs_, log.groups};
}

}  // namespace rhizome::queue
