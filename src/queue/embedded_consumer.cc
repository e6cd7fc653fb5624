// Reading: who is given which partitions, and how runs come from memory or from the log.
#include <algorithm>
#include <chrono>

#include "queue/embedded_core.h"
#include "queue/record.h"

namespace rhizome::queue {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

int64_t NowNs() { return SystemClock().MonotonicNs(); }

}  // namespace

class EmbeddedQueue::Core::Member final : public Consumer {
 public:
  Member(Core& core, std::string group, uint64_t number)
      : core_(core), group_(std::move(group)), number_(number), generation_(UINT64_MAX) {}
  ~Member() override EXCLUDES(core_.mutex_) {
    const MutexLock lock(core_.mutex_);
    Group& group = core_.members_[group_];
    group.members.erase(number_);
    ++group.generation;
    core_.changed_.NotifyAll();
  }

  Result<std::vector<Message>> Poll(const PollLimits& limits) override;
  Status Commit(std::span<const Position> positions) override { return core_.Commit(group_, positions); }
  Result<std::vector<Position>> Committed() override EXCLUDES(core_.mutex_) {
    const MutexLock lock(core_.mutex_);
    Reassign();
    std::vector<PartitionId> mine;
    for (const auto& [id, offset] : positions_) mine.push_back(id);
    return core_.CommittedOf(group_, mine);
  }
  void Wake() override EXCLUDES(core_.mutex_) {
    const MutexLock lock(core_.mutex_);
    woken_ = true;
    core_.changed_.NotifyAll();
  }

 private:
  // Which partitions are this member's now, and from where it reads those it did not have.
  void Reassign() REQUIRES(core_.mutex_);
  bool HasMore() REQUIRES(core_.mutex_);
  std::vector<Piece> NextPieces(uint32_t messages_max, uint64_t bytes_max) EXCLUDES(core_.mutex_);
  Status Fill(const PollLimits& limits, std::vector<Message>& to) EXCLUDES(core_.mutex_);
  // False when the wait is over.
  bool AwaitMore(int64_t until_ns) EXCLUDES(core_.mutex_);

  Core& core_;
  const std::string group_;
  const uint64_t number_;
  uint64_t generation_;                        // of the group, as positions_ knows it
  std::map<PartitionId, uint64_t> positions_;  // of this member's partitions: the next offset to be read
  PartitionId first_{0, 0};                    // where the next poll begins, so that all have their turn
  bool woken_ = false;                         // under core_.mutex_
};

void EmbeddedQueue::Core::Member::Reassign() {
  const Group& group = core_.members_[group_];
  if (group.generation == generation_) return;
  generation_ = group.generation;
  std::map<PartitionId, uint64_t> now;
  const Control::Positions& committed = core_.index_.groups().at(group_);
  for (const uint32_t topic : group.members.at(number_)) {
    std::vector<uint64_t> sharers;
    for (const auto& [number, topics] : group.members) {
      if (topics.contains(topic)) sharers.push_back(number);
    }
    for (uint32_t p = 0; p < core_.index_.topic(topic).partitions.size(); ++p) {
      const PartitionId id{topic, p};
      if (sharers[p % sharers.size()] != number_) continue;
      const auto had = positions_.find(id);
      now[id] = std::max(committed.at(id), had == positions_.end() ? 0 : had->second);
    }
  }
  positions_ = std::move(now);
}

bool EmbeddedQueue::Core::Member::HasMore() {
  Reassign();
  return std::any_of(positions_.begin(), positions_.end(), [&](const auto& each) REQUIRES(core_.mutex_) {
    return core_.index_.partition(each.first).end > each.second;
  });
}

std::vector<EmbeddedQueue::Core::Piece> EmbeddedQueue::Core::Member::NextPieces(uint32_t messages_max,
                                                                                uint64_t bytes_max) {
  const MutexLock lock(core_.mutex_);
  Reassign();
  std::vector<Piece> pieces;
  if (positions_.empty()) return pieces;
  auto at = positions_.upper_bound(first_);
  uint32_t left = messages_max;
  uint64_t bytes = 0;
  for (size_t i = 0; i < positions_.size() && left > 0 && bytes < bytes_max; ++i, ++at) {
    if (at == positions_.end()) at = positions_.begin();
    const size_t before = pieces.size();
    core_.Gather(at->first, at->second, left, pieces);
    for (size_t n = before; n < pieces.size(); ++n) {
      left -= std::min(left, pieces[n].count);
      bytes += pieces[n].bytes == nullptr ? 0 : pieces[n].bytes->size();
    }
    if (pieces.size() > before) first_ = at->first;
    // Behind a gap with nothing yet: the end is as good a place.
    if (pieces.size() == before) at->second = std::max(at->second, core_.index_.partition(at->first).end);
  }
  return pieces;
}

Status EmbeddedQueue::Core::Member::Fill(const PollLimits& limits, std::vector<Message>& to) {
  uint64_t taken = 0;
  for (const Message& message : to) taken += message.value.size();
  uint64_t bytes_left = limits.bytes_max - std::min(limits.bytes_max, taken);
  for (Piece& piece : NextPieces(limits.messages_max - static_cast<uint32_t>(to.size()), bytes_left)) {
    if (bytes_left == 0 && !to.empty()) break;
    const size_t before = to.size();
    const Status decoded = core_.Decode(piece, bytes_left, to);
    if (decoded.code() == Code::kFailedPrecondition) break;  // it was carried elsewhere meanwhile: next time
    RETURN_IF_ERROR(decoded);
    const uint64_t got = to.size() - before;
    if (got > 0) positions_[piece.partition] = to.back().offset + 1;
    if (got < piece.count) break;
  }
  return Status::Ok();
}

bool EmbeddedQueue::Core::Member::AwaitMore(int64_t until_ns) {
  const MutexLock lock(core_.mutex_);
  while (!woken_ && !HasMore()) {
    const int64_t left_ms = (until_ns - NowNs() + kNsPerMs - 1) / kNsPerMs;
    if (left_ms <= 0) return false;
    (void)core_.changed_.WaitFor(core_.mutex_, std::chrono::milliseconds(left_ms));
  }
  if (!woken_) return true;
  woken_ = false;
  return false;
}

Result<std::vector<Message>> EmbeddedQueue::Core::Member::Poll(const PollLimits& limits) {
  std::vector<Message> messages;
  const uint32_t messages_max = std::max(limits.messages_max, 1u);
  int64_t until_ns = NowNs() + limits.wait_ms * kNsPerMs;
  while (true) {
    const size_t before = messages.size();
    RETURN_IF_ERROR(Fill(limits, messages));
    uint64_t bytes = 0;
    for (const Message& message : messages) bytes += message.value.size();
    if (messages.size() >= messages_max || (bytes >= limits.bytes_max && !messages.empty())) return messages;
    if (before == 0 && !messages.empty()) until_ns = NowNs() + limits.linger_ms * kNsPerMs;
    // What does not fit is not waited for.
    if (!messages.empty() && (limits.linger_ms == 0 || messages.size() == before)) return messages;
    if (!AwaitMore(until_ns)) return messages;
  }
}

Result<std::unique_ptr<Consumer>> EmbeddedQueue::Core::Subscribe(const std::string& group,
                                                                 std::span<const std::string> topics) {
  if (topics.empty()) return Status::InvalidArgument("topics", "a reader needs at least one topic");
  RETURN_IF_ERROR(DeclareGroup(group, topics));
  const MutexLock lock(mutex_);
  if (!index_.groups().contains(group)) return Status::Unavailable("group " + group + " was removed meanwhile");
  const uint64_t number = next_member_++;
  Group& members = members_[group];
  for (const std::string& topic : topics) members.members[number].insert(*index_.Find(topic));
  ++members.generation;
  changed_.NotifyAll();
  return std::unique_ptr<Consumer>(new Member(*this, group, number));
}

void EmbeddedQueue::Core::Gather(PartitionId partition, uint64_t from, uint32_t count, std::vector<Piece>& to) {
  const auto& runs = index_.partition(partition).runs;
  auto run = runs.upper_bound(from);
  if (run != runs.begin()) --run;
  for (; run != runs.end() && count > 0; ++run) {
    const uint64_t end = run->first + run->second.count;
    if (end <= from) continue;
    Piece piece;
    piece.partition = partition;
    piece.from = std::max(from, run->first);
    piece.count = static_cast<uint32_t>(std::min<uint64_t>(count, end - piece.from));
    piece.lsn = run->second.lsn;
    if (const auto cached = cache_.find(piece.lsn); cached != cache_.end()) piece.bytes = cached->second;
    count -= piece.count;
    to.push_back(std::move(piece));
  }
}

Status EmbeddedQueue::Core::Decode(const Piece& piece, uint64_t& bytes_left, std::vector<Message>& to) {
  Bytes bytes = piece.bytes;
  if (bytes == nullptr) {
    ASSIGN_OR_RETURN(bytes, Load(piece.lsn));
  }
  const size_t before = to.size();
  Status decoded = DecodeRun(*bytes, piece.from, piece.count, bytes_left, to);
  if (!decoded.ok()) return decoded.Annotate("log record " + std::to_string(piece.lsn));
  const MutexLock lock(mutex_);
  const std::string& topic = index_.topic(piece.partition.first).name;
  for (size_t i = before; i < to.size(); ++i) to[i].topic = topic;
  return Status::Ok();
}

Result<EmbeddedQueue::Core::Bytes> EmbeddedQueue::Core::Load(wal::Lsn lsn) {
  {
    const MutexLock lock(mutex_);
    if (const auto cached = cache_.find(lsn); cached != cache_.end()) return cached->second;
  }
  Bytes wanted;
  uint64_t loaded = 0;
  // Those behind it will be wanted next.
  const Status read = log_->Read(
      lsn,
      [&](const wal::LogRecord& record) {
        if (loaded >= options_.chunk_bytes) return Status::Cancelled("enough");
        auto bytes = std::make_shared<const std::string>(record.payload);
        loaded += bytes->size();
        if (record.lsn == lsn) wanted = bytes;
        const MutexLock lock(mutex_);
        if (index_.by_lsn().contains(record.lsn)) Remember(record.lsn, std::move(bytes));
        return Status::Ok();
      },
      kMessageStream);
  if (wanted != nullptr) return wanted;
  RETURN_IF_ERROR(read);
  return Status::Corruption("the queue's log has no record " + std::to_string(lsn));
}

void EmbeddedQueue::Core::Remember(wal::Lsn lsn, Bytes bytes) {
  const uint64_t size = bytes->size();
  if (!cache_.emplace(lsn, std::move(bytes)).second) return;
  cache_order_.push_back(lsn);
  cache_bytes_ += size;
  while (cache_bytes_ > options_.cache_bytes && cache_order_.size() > 1) {
    const auto oldest = cache_.find(cache_order_.front());
    cache_order_.pop_front();
    cache_bytes_ -= oldest->second->size();
    cache_.erase(oldest);
  }
}

Result<std::vector<Message>> EmbeddedQueue::Core::Browse(const Position& from, uint32_t messages_max) {
  std::vector<Piece> pieces;
  {
    const MutexLock lock(mutex_);
    const auto number = index_.Find(from.topic);
    const PartitionId id{number.value_or(0), from.partition};
    if (!number || !index_.Has(id)) return Status::NotFound("there is no such partition of topic " + from.topic);
    Gather(id, from.offset, messages_max, pieces);
  }
  std::vector<Message> messages;
  uint64_t bytes_left = UINT64_MAX;
  for (const Piece& piece : pieces) {
    const Status decoded = Decode(piece, bytes_left, messages);
    if (decoded.code() == Code::kFailedPrecondition) break;  // carried elsewhere meanwhile: the caller asks again
    RETURN_IF_ERROR(decoded);
  }
  return messages;
}

}  // namespace rhizome::queue
