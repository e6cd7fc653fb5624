#include "workers/dead_letters.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <tuple>

#include "workers/task_events.h"

namespace rhizome::workers {
namespace {

constexpr uint32_t kBatch = 256;
// How long an empty poll is waited for while messages are known to be there: a group's new member is given its
// partitions within seconds.
constexpr int64_t kJoinMs = 30'000;

DeadLetter FromDead(const queue::Message& message) {
  DeadLetter letter;
  letter.reason = message.header(kReasonHeader);
  const std::string_view died = message.header(kDiedHeader);
  (void)std::from_chars(died.data(), died.data() + died.size(), letter.died_ms);
  auto job = FromMessage(message);
  if (job.ok()) {
    letter.job = std::move(job).value();
  } else {
    letter.job.key = message.key;
    letter.job.payload = message.value;
  }
  return letter;
}

using Identity = std::tuple<std::string, std::string, uint32_t>;
Identity IdentityOf(const Job& job) { return {job.task, job.name, job.round}; }

bool IsChosen(const DeadLetterChoice& choice, const Job& job, std::string_view reason) {
  if (!reason.starts_with(choice.reason)) return false;
  if (!choice.stage.empty() && job.stage() != choice.stage) return false;
  return choice.tasks.empty() || std::find(choice.tasks.begin(), choice.tasks.end(), job.task) != choice.tasks.end();
}

enum class Action { kRedrive, kDiscard };

// What becomes of one dead letter.
class Sorting {
 public:
  Sorting(const PipelineSettings& settings, const DeadLetterChoice& choice, Action action, int64_t now_ms)
      : settings_(settings), choice_(choice), action_(action), now_ms_(now_ms) {}

  void Take(const queue::Message& message) {
    const auto job = FromMessage(message);
    const bool known = job.ok();
    const bool chosen = known ? IsChosen(choice_, *job, message.header(kReasonHeader))
                              : action_ == Action::kDiscard && IsChosen(choice_, Job(), message.header(kReasonHeader));
    if (!chosen) {
      out_.push_back({DeadTopic(settings_), message.key, message.value, message.headers});
      return;
    }
    if (known && !seen_.insert(IdentityOf(*job)).second) return;
    ++count_;
    if (!known) return;
    Job next = *job;
    if (action_ == Action::kRedrive) {
      next.attempt = 0;
      ++next.round;
      out_.push_back(ToMessage(next, StageTopic(settings_, next.stage())));
    }
    events_.push_back({next.task,
                       next.key,
                       next.name,
                       action_ == Action::kRedrive ? JobState::kWaiting : JobState::kDropped,
                       next.round,
                       next.attempt,
                       now_ms_,
                       next.accepted_ms,
                       action_ == Action::kRedrive ? "" : std::string(message.header(kReasonHeader)),
                       {}});
  }
  Status Publish(queue::Queue& queue) {
    if (!events_.empty()) out_.push_back({TaskTopic(settings_), {}, EncodeEvents(events_), {}});
    RETURN_IF_ERROR(queue.Publish(out_, {.beyond_backlog = true}));
    out_.clear();
    events_.clear();
    return Status::Ok();
  }
  uint64_t count() const { return count_; }

 private:
  const PipelineSettings& settings_;
  const DeadLetterChoice& choice_;
  const Action action_;
  const int64_t now_ms_;
  std::set<Identity> seen_;
  std::vector<queue::Outgoing> out_;
  std::vector<TaskEvent> events_;
  uint64_t count_ = 0;
};

Result<uint64_t> TakeOut(queue::Queue& queue, const PipelineSettings& settings, const DeadLetterChoice& choice,
                         Action action, Clock& clock) {
  const std::string topic = DeadTopic(settings);
  ASSIGN_OR_RETURN(const auto consumer, queue.Subscribe(DeadGroup(settings), {&topic, 1}));
  ASSIGN_OR_RETURN(const std::vector<queue::Lag> lags, queue.Lags(DeadGroup(settings)));
  // What is written behind this is what stays.
  std::map<uint32_t, uint64_t> ends;
  uint64_t left = 0;
  for (const queue::Lag& lag : lags) {
    ends[lag.partition] = lag.end;
    left += lag.messages();
  }
  Sorting sorting(settings, choice, action, clock.WallMs());
  while (left > 0) {
    ASSIGN_OR_RETURN(std::vector<queue::Message> messages,
                     consumer->Poll({.messages_max = kBatch, .wait_ms = kJoinMs}));
    const bool none = messages.empty();
    std::erase_if(messages, [&](const queue::Message& m) { return m.offset >= ends[m.partition]; });
    if (messages.empty()) {
      if (none) return Status::Unavailable("somebody else is at the dead letters; try again");
      break;
    }
    for (const queue::Message& message : messages) sorting.Take(message);
    RETURN_IF_ERROR(sorting.Publish(queue));
    RETURN_IF_ERROR(consumer->Commit(queue::PositionsAfter(messages)));
    left -= std::min<uint64_t>(left, messages.size());
  }
  return sorting.count();
}

}  // namespace

Result<std::vector<DeadLetter>> ListDeadLetters(queue::Queue& queue, const PipelineSettings& settings, size_t most,
                                                const DeadLetterChoice& choice) {
  ASSIGN_OR_RETURN(const std::vector<queue::Lag> lags, queue.Lags(DeadGroup(settings)));
  std::vector<DeadLetter> letters;
  std::set<Identity> seen;
  for (const queue::Lag& lag : lags) {
    uint64_t from = lag.committed;
    while (from < lag.end && letters.size() < most) {
      ASSIGN_OR_RETURN(const auto messages, queue.Browse({lag.topic, lag.partition, from}, kBatch));
      if (messages.empty()) break;
      from = messages.back().offset + 1;
      for (const queue::Message& message : messages) {
        DeadLetter letter = FromDead(message);
        if (!IsChosen(choice, letter.job, letter.reason)) continue;
        const bool known = !letter.job.task.empty();
        if (letters.size() < most && (!known || seen.insert(IdentityOf(letter.job)).second)) {
          letters.push_back(std::move(letter));
        }
      }
    }
  }
  return letters;
}

Result<uint64_t> CountDeadLetters(queue::Queue& queue, const PipelineSettings& settings) {
  ASSIGN_OR_RETURN(const std::vector<queue::Lag> lags, queue.Lags(DeadGroup(settings)));
  uint64_t count = 0;
  for (const queue::Lag& lag : lags) count += lag.messages();
  return count;
}

Result<uint64_t> Redrive(queue::Queue& queue, const PipelineSettings& settings, const DeadLetterChoice& choice,
                         Clock& clock) {
  return TakeOut(queue, settings, choice, Action::kRedrive, clock);
}

Result<uint64_t> Discard(queue::Queue& queue, const PipelineSettings& settings, const DeadLetterChoice& choice,
                         Clock& clock) {
  return TakeOut(queue, settings, choice, Action::kDiscard, clock);
}

}  // namespace rhizome::workers
