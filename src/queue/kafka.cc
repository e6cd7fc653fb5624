#include "queue/kafka.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/mutex.h"
#include "queue/kafka_client.h"

namespace rhizome::queue {
namespace {

constexpr uint32_t kPartitionsMax = 256;
constexpr int64_t kLagFreshNs = 1'000'000'000;

// Waits for the answer to an administrator's request.
Result<KafkaEvent> AwaitEvent(rd_kafka_queue_t* events, int64_t timeout_ms, const std::string& what) {
  KafkaEvent event(rd_kafka_queue_poll(events, static_cast<int>(timeout_ms)));
  if (event == nullptr) return Status::DeadlineExceeded(what + ": no answer");
  RETURN_IF_ERROR(KafkaStatus(rd_kafka_event_error(event.get()), what));
  return event;
}

using Offsets = std::map<std::pair<std::string, uint32_t>, int64_t>;

}  // namespace

class KafkaQueue::Core {
 public:
  explicit Core(const KafkaQueueOptions& options) : options_(options) {}

  Status Open() EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    ASSIGN_OR_RETURN(producer_, KafkaProducer::Make(options_));
    return Status::Ok();
  }
  const KafkaQueueOptions& options() const { return options_; }

  Status EnsureTopic(const std::string& topic, const TopicOptions& options) EXCLUDES(mutex_);
  Status Publish(std::span<const Outgoing> messages, const PublishOptions& options) EXCLUDES(mutex_);
  Status Declare(const std::string& group, std::span<const std::string> topics) EXCLUDES(mutex_);
  Status RemoveGroup(const std::string& group) EXCLUDES(mutex_);
  Result<std::vector<Lag>> Lags(const std::string& group) EXCLUDES(mutex_);
  Result<uint32_t> Partitions(const std::string& topic) EXCLUDES(mutex_);
  Status Health() EXCLUDES(mutex_) { return Producer()->Fatal(); }

 private:
  struct Topic {
    uint32_t partitions = 0;
    uint64_t backlog_messages_max = UINT64_MAX;
    uint64_t backlog = 0;  // of its slowest group when last asked, and what was published since
    std::string slowest;
    int64_t asked_ns = 0;  // 0: never
  };

  // A new one in place of one that a broker shut out for good.
  std::shared_ptr<KafkaProducer> Producer() EXCLUDES(mutex_);
  Status CreateTopic(const std::string& topic, uint32_t partitions) EXCLUDES(mutex_);
  Status CheckBacklog(const std::string& topic, size_t more) EXCLUDES(mutex_);
  // Of the group, but no member of it: it asks where the group is. (librdkafka 2.0.2 dies of the administrator's
  // request for that, ListConsumerGroupOffsets, when the group's coordinator is away.)
  Result<std::shared_ptr<rd_kafka_t>> Observer(const std::string& group) EXCLUDES(mutex_);
  Result<Offsets> Committed(const std::string& group, const std::set<std::string>& topics) EXCLUDES(mutex_);

  const KafkaQueueOptions options_;
  Mutex mutex_;
  std::shared_ptr<KafkaProducer> producer_ GUARDED_BY(mutex_);
  std::map<std::string, Topic> topics_ GUARDED_BY(mutex_);  // known to exist
  std::map<std::string, std::shared_ptr<rd_kafka_t>> observers_ GUARDED_BY(mutex_);
  std::map<std::string, std::set<std::string>> groups_ GUARDED_BY(mutex_);  // declared here, with their topics
};

std::shared_ptr<KafkaProducer> KafkaQueue::Core::Producer() {
  const MutexLock lock(mutex_);
  if (!producer_->Fatal().ok()) {
    if (auto another = KafkaProducer::Make(options_); another.ok()) producer_ = std::move(another).value();
  }
  return producer_;
}

Status KafkaQueue::Core::CreateTopic(const std::string& topic, uint32_t partitions) {
  const auto producer = Producer();
  char error[512];
  const std::unique_ptr<rd_kafka_NewTopic_t, Freed<rd_kafka_NewTopic_destroy>> wanted(rd_kafka_NewTopic_new(
      topic.c_str(), static_cast<int>(partitions), options_.replication_factor, error, sizeof(error)));
  if (wanted == nullptr) return Status::InvalidArgument("topic", error);
  const KafkaSettings settings = {{"max.message.bytes", std::to_string(kValueBytesMax + (2u << 20))},
                                  {"retention.ms", std::to_string(options_.retention_ms)}};
  for (const auto& [name, value] : settings) {
    RETURN_IF_ERROR(KafkaStatus(rd_kafka_NewTopic_set_config(wanted.get(), name.c_str(), value.c_str()), name));
  }
  const KafkaEvents events(rd_kafka_queue_new(producer->handle()));
  const KafkaRequest request(rd_kafka_AdminOptions_new(producer->handle(), RD_KAFKA_ADMIN_OP_CREATETOPICS));
  rd_kafka_NewTopic_t* list = wanted.get();
  rd_kafka_CreateTopics(producer->handle(), &list, 1, request.get(), events.get());
  const std::string what = "making topic " + topic;
  ASSIGN_OR_RETURN(const KafkaEvent event, AwaitEvent(events.get(), options_.request_timeout_ms, what));
  size_t count = 0;
  const rd_kafka_topic_result_t** results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  for (size_t i = 0; i < count; ++i) {
    const rd_kafka_resp_err_t made = rd_kafka_topic_result_error(results[i]);
    if (made != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) RETURN_IF_ERROR(KafkaStatus(made, what));
  }
  return Status::Ok();
}

Status KafkaQueue::Core::EnsureTopic(const std::string& topic, const TopicOptions& options) {
  RETURN_IF_ERROR(CheckName("topic", topic));
  if (options.partitions < 1 || options.partitions > kPartitionsMax) {
    return Status::InvalidArgument("partitions", "a topic has 1 to " + std::to_string(kPartitionsMax) + " partitions");
  }
  auto partitions = Partitions(topic);
  if (partitions.status().code() == Code::kNotFound) {
    RETURN_IF_ERROR(CreateTopic(topic, options.partitions));
    // A topic that was made is known to every broker a moment later.
    const int64_t until_ns = SystemClock().MonotonicNs() + options_.request_timeout_ms * 1'000'000;
    do {
      partitions = Partitions(topic);
    } while (partitions.status().code() == Code::kNotFound && SystemClock().MonotonicNs() < until_ns);
  }
  RETURN_IF_ERROR(partitions.status());
  const MutexLock lock(mutex_);
  topics_[topic].backlog_messages_max = options.backlog_messages_max;
  return Status::Ok();
}

Result<uint32_t> KafkaQueue::Core::Partitions(const std::string& topic) {
  {
    const MutexLock lock(mutex_);
    const auto known = topics_.find(topic);
    if (known != topics_.end() && known->second.partitions > 0) return known->second.partitions;
  }
  // Of all topics: asking for one by name may make it.
  const auto producer = Producer();
  const rd_kafka_metadata_t* metadata = nullptr;
  RETURN_IF_ERROR(KafkaStatus(
      rd_kafka_metadata(producer->handle(), 1, nullptr, &metadata, static_cast<int>(options_.request_timeout_ms)),
      "listing topics"));
  const std::unique_ptr<const rd_kafka_metadata_t, Freed<rd_kafka_metadata_destroy>> owned(metadata);
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    const rd_kafka_metadata_topic_t& found = metadata->topics[i];
    if (topic != found.topic || found.partition_cnt == 0) continue;
    const MutexLock lock(mutex_);
    return topics_[topic].partitions = static_cast<uint32_t>(found.partition_cnt);
  }
  return Status::NotFound("there is no topic " + topic);
}

Result<Offsets> KafkaQueue::Core::Committed(const std::string& group, const std::set<std::string>& topics) {
  ASSIGN_OR_RETURN(const std::shared_ptr<rd_kafka_t> observer, Observer(group));
  const KafkaList places(rd_kafka_topic_partition_list_new(8));
  for (const std::string& topic : topics) {
    ASSIGN_OR_RETURN(const uint32_t partitions, Partitions(topic));
    rd_kafka_topic_partition_list_add_range(places.get(), topic.c_str(), 0, static_cast<int32_t>(partitions) - 1);
  }
  RETURN_IF_ERROR(KafkaPatiently(options_, "offsets of group " + group, [&] {
    return rd_kafka_committed(observer.get(), places.get(), static_cast<int>(options_.request_timeout_ms));
  }));
  Offsets committed;
  for (int i = 0; i < places->cnt; ++i) {
    const rd_kafka_topic_partition_t& each = places->elems[i];
    RETURN_IF_ERROR(KafkaStatus(each.err, "offsets of group " + group));
    // Negative: never committed.
    if (each.offset >= 0) committed[{each.topic, static_cast<uint32_t>(each.partition)}] = each.offset;
  }
  return committed;
}

Result<std::shared_ptr<rd_kafka_t>> KafkaQueue::Core::Observer(const std::string& group) {
  const MutexLock lock(mutex_);
  std::shared_ptr<rd_kafka_t>& observer = observers_[group];
  if (observer == nullptr) {
    ASSIGN_OR_RETURN(rd_kafka_t * handle,
                     NewKafkaHandle(RD_KAFKA_CONSUMER, options_, ConsumerSettings(options_, group)));
    observer.reset(handle, &rd_kafka_destroy);
  }
  return observer;
}

Result<std::vector<Lag>> KafkaQueue::Core::Lags(const std::string& group) {
  std::set<std::string> topics;
  {
    const MutexLock lock(mutex_);
    if (const auto declared = groups_.find(group); declared != groups_.end()) topics = declared->second;
  }
  if (topics.empty()) return Status::NotFound("nobody has declared group " + group + " here");
  ASSIGN_OR_RETURN(const auto committed, Committed(group, topics));
  const auto producer = Producer();
  std::vector<Lag> lags;
  for (const std::string& topic : topics) {
    ASSIGN_OR_RETURN(const uint32_t partitions, Partitions(topic));
    for (uint32_t p = 0; p < partitions; ++p) {
      int64_t low = 0, high = 0;
      RETURN_IF_ERROR(KafkaPatiently(options_, "the end of topic " + topic, [&] {
        return rd_kafka_query_watermark_offsets(producer->handle(), topic.c_str(), static_cast<int32_t>(p), &low, &high,
                                                static_cast<int>(options_.request_timeout_ms));
      }));
      const auto at = committed.find({topic, p});
      const int64_t position = at == committed.end() || at->second < low ? low : at->second;
      lags.push_back({topic, p, group, static_cast<uint64_t>(position), static_cast<uint64_t>(high)});
    }
  }
  return lags;
}

Status KafkaQueue::Core::CheckBacklog(const std::string& topic, size_t more) {
  std::vector<std::string> groups;
  {
    const MutexLock lock(mutex_);
    Topic& known = topics_[topic];
    if (known.backlog_messages_max == UINT64_MAX) return Status::Ok();
    const bool fits = known.backlog + more <= known.backlog_messages_max;
    const int64_t age_ns = SystemClock().MonotonicNs() - known.asked_ns;
    if (known.asked_ns != 0 && age_ns < kLagFreshNs) {
      if (fits) return Status::Ok();
      return Status::ResourceExhausted("topic " + topic + " holds " + std::to_string(known.backlog) +
                                       " messages that group " + known.slowest + " has not passed; at most " +
                                       std::to_string(known.backlog_messages_max) + " may wait");
    }
    known.asked_ns = SystemClock().MonotonicNs();
    for (const auto& [group, topics] : groups_) {
      if (topics.contains(topic)) groups.push_back(group);
    }
  }
  uint64_t most = 0;
  std::string slowest;
  for (const std::string& group : groups) {
    ASSIGN_OR_RETURN(const std::vector<Lag> lags, Lags(group));
    uint64_t behind = 0;
    for (const Lag& lag : lags) behind += lag.topic == topic ? lag.messages() : 0;
    if (slowest.empty() || behind > most) most = behind, slowest = group;
  }
  {
    const MutexLock lock(mutex_);
    topics_[topic].backlog = most;
    topics_[topic].slowest = slowest;
    topics_[topic].asked_ns = SystemClock().MonotonicNs();
  }
  return groups.empty() ? Status::Ok() : CheckBacklog(topic, more);
}

Status KafkaQueue::Core::Publish(std::span<const Outgoing> messages, const PublishOptions& options) {
  std::map<std::string, size_t> counts;
  for (const Outgoing& message : messages) {
    RETURN_IF_ERROR(CheckOutgoing(message));
    ++counts[message.topic];
  }
  for (const auto& [topic, count] : counts) {
    RETURN_IF_ERROR(Partitions(topic).status());
    if (!options.beyond_backlog) RETURN_IF_ERROR(CheckBacklog(topic, count));
  }
  RETURN_IF_ERROR(Producer()->Publish(messages, options.deadline_ms));
  const MutexLock lock(mutex_);
  for (const auto& [topic, count] : counts) topics_[topic].backlog += count;
  return Status::Ok();
}

Status KafkaQueue::Core::Declare(const std::string& group, std::span<const std::string> topics) {
  RETURN_IF_ERROR(CheckName("group", group));
  for (const std::string& topic : topics) RETURN_IF_ERROR(Partitions(topic).status());
  const MutexLock lock(mutex_);
  groups_[group].insert(topics.begin(), topics.end());
  return Status::Ok();
}

Status KafkaQueue::Core::RemoveGroup(const std::string& group) {
  const auto producer = Producer();
  const KafkaEvents events(rd_kafka_queue_new(producer->handle()));
  const KafkaRequest request(rd_kafka_AdminOptions_new(producer->handle(), RD_KAFKA_ADMIN_OP_DELETEGROUPS));
  const std::unique_ptr<rd_kafka_DeleteGroup_t, Freed<rd_kafka_DeleteGroup_destroy>> wanted(
      rd_kafka_DeleteGroup_new(group.c_str()));
  rd_kafka_DeleteGroup_t* list = wanted.get();
  rd_kafka_DeleteGroups(producer->handle(), &list, 1, request.get(), events.get());
  const std::string what = "removing group " + group;
  ASSIGN_OR_RETURN(const KafkaEvent event, AwaitEvent(events.get(), options_.request_timeout_ms, what));
  size_t count = 0;
  const rd_kafka_group_result_t** results =
      rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(event.get()), &count);
  for (size_t i = 0; i < count; ++i) {
    const rd_kafka_error_t* error = rd_kafka_group_result_error(results[i]);
    if (error != nullptr) RETURN_IF_ERROR(KafkaStatus(rd_kafka_error_code(error), what));
  }
  const MutexLock lock(mutex_);
  groups_.erase(group);
  return Status::Ok();
}

Result<std::unique_ptr<KafkaQueue>> KafkaQueue::Open(const KafkaQueueOptions& options) {
  auto core = std::make_unique<Core>(options);
  RETURN_IF_ERROR(core->Open());
  return std::unique_ptr<KafkaQueue>(new KafkaQueue(std::move(core)));
}

KafkaQueue::KafkaQueue(std::unique_ptr<Core> core) : core_(std::move(core)) {}
KafkaQueue::~KafkaQueue() = default;

Status KafkaQueue::EnsureTopic(const std::string& topic, const TopicOptions& options) {
  return core_->EnsureTopic(topic, options);
}
Status KafkaQueue::Publish(std::span<const Outgoing> messages, const PublishOptions& options) {
  return core_->Publish(messages, options);
}
Status KafkaQueue::DeclareGroup(const std::string& group, std::span<const std::string> topics) {
  return core_->Declare(group, topics);
}
Result<std::unique_ptr<Consumer>> KafkaQueue::Subscribe(const std::string& group, std::span<const std::string> topics) {
  if (topics.empty()) return Status::InvalidArgument("topics", "a reader needs at least one topic");
  RETURN_IF_ERROR(core_->Declare(group, topics));
  return NewKafkaConsumer(core_->options(), group, topics);
}
Status KafkaQueue::RemoveGroup(const std::string& group) { return core_->RemoveGroup(group); }
Result<std::vector<Lag>> KafkaQueue::Lags(const std::string& group) { return core_->Lags(group); }
Result<std::vector<Message>> KafkaQueue::Browse(const Position& from, uint32_t messages_max) {
  ASSIGN_OR_RETURN(const uint32_t partitions, core_->Partitions(from.topic));
  if (from.partition >= partitions) return Status::NotFound("there is no such partition of topic " + from.topic);
  return BrowseKafka(core_->options(), from, messages_max);
}
Result<uint32_t> KafkaQueue::Partitions(const std::string& topic) { return core_->Partitions(topic); }
Status KafkaQueue::Health() { return core_->Health(); }

}  // namespace rhizome::queue
