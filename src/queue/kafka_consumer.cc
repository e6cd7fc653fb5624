// Reading: members of groups, and browsing without one.
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <deque>

#include "base/clock.h"
#include "queue/kafka_client.h"

namespace rhizome::queue {
namespace {

constexpr int kSliceMs = 100;  // how soon a woken poll returns

int64_t NowMs() { return SystemClock().MonotonicNs() / 1'000'000; }

class KafkaConsumer final : public Consumer {
 public:
  KafkaConsumer(const KafkaQueueOptions& options, rd_kafka_t* handle) : options_(options), handle_(handle) {
    (void)rd_kafka_poll_set_consumer(handle_);
  }
  ~KafkaConsumer() override {
    spare_.clear();
    (void)rd_kafka_consumer_close(handle_);
    rd_kafka_destroy(handle_);
  }

  Result<std::vector<Message>> Poll(const PollLimits& limits) override {
    std::vector<Message> messages;
    uint64_t bytes = 0;
    int64_t until_ms = NowMs() + limits.wait_ms;
    while (messages.size() < std::max(limits.messages_max, 1u)) {
      if (spare_.empty()) {
        const int64_t left_ms = std::max<int64_t>(0, until_ms - NowMs());
        ASSIGN_OR_RETURN(const bool got,
                         Take(static_cast<int>(std::min<int64_t>(left_ms, kSliceMs)), !messages.empty()));
        if (!got && (woken_.exchange(false) || NowMs() >= until_ms)) break;
        if (!got) continue;
      }
      if (!messages.empty() && bytes + spare_.front().value.size() > limits.bytes_max) break;
      if (messages.empty()) until_ms = NowMs() + limits.linger_ms;
      bytes += spare_.front().value.size();
      messages.push_back(std::move(spare_.front()));
      spare_.pop_front();
    }
    return messages;
  }

  Status Commit(std::span<const Position> positions) override {
    if (positions.empty()) return Status::Ok();
    RETURN_IF_ERROR(CheckNotes(positions));
    const KafkaList list(rd_kafka_topic_partition_list_new(static_cast<int>(positions.size())));
    for (const Position& position : positions) {
      rd_kafka_topic_partition_t* const each = rd_kafka_topic_partition_list_add(
          list.get(), position.topic.c_str(), static_cast<int32_t>(position.partition));
      each->offset = static_cast<int64_t>(position.offset);
      if (position.note.empty()) continue;
      // Freed with the list, by librdkafka, which uses free().
      each->metadata = std::malloc(position.note.size());
      CHECK(each->metadata != nullptr);
      std::memcpy(each->metadata, position.note.data(), position.note.size());
      each->metadata_size = position.note.size();
    }
    return KafkaPatiently(options_, "committing", [&] { return rd_kafka_commit(handle_, list.get(), 0); });
  }

  Result<std::vector<Position>> Committed() override {
    rd_kafka_topic_partition_list_t* assigned = nullptr;
    RETURN_IF_ERROR(KafkaStatus(rd_kafka_assignment(handle_, &assigned), "looking at the assignment"));
    const KafkaList list(assigned);
    if (list->cnt > 0) {
      RETURN_IF_ERROR(KafkaPatiently(options_, "looking at commits", [&] {
        return rd_kafka_committed(handle_, list.get(), static_cast<int>(options_.request_timeout_ms));
      }));
    }
    std::vector<Position> positions;
    for (int i = 0; i < list->cnt; ++i) {
      const rd_kafka_topic_partition_t& each = list->elems[i];
      if (each.err != RD_KAFKA_RESP_ERR_NO_ERROR) return KafkaStatus(each.err, "looking at commits");
      if (each.offset < 0) continue;  // nothing was ever committed
      positions.push_back({each.topic, static_cast<uint32_t>(each.partition), static_cast<uint64_t>(each.offset),
                           std::string(static_cast<const char*>(each.metadata), each.metadata_size)});
    }
    return positions;
  }

  void Wake() override { woken_ = true; }

 private:
  // Whether a message is in spare_ now. A failure is told only when nothing is in hand; else the next poll meets it.
  Result<bool> Take(int wait_ms, bool in_hand) {
    const KafkaMessage message(rd_kafka_consumer_poll(handle_, wait_ms));
    if (message == nullptr) return false;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      spare_.push_back(FromKafka(*message));
      return true;
    }
    const char* text = rd_kafka_message_errstr(message.get());
    const bool passes =
        message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF || message->err == RD_KAFKA_RESP_ERR__TRANSPORT ||
        message->err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || message->err == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED;
    // librdkafka connects and joins again by itself.
    if (passes || in_hand) return false;
    return KafkaStatus(message->err, std::string("reading: ") + (text == nullptr ? "" : text));
  }

  const KafkaQueueOptions options_;
  rd_kafka_t* const handle_;
  std::deque<Message> spare_;  // read, and too much for the last batch
  std::atomic<bool> woken_{false};
};

}  // namespace

Result<std::unique_ptr<Consumer>> NewKafkaConsumer(const KafkaQueueOptions& options, const std::string& group,
                                                   std::span<const std::string> topics) {
  ASSIGN_OR_RETURN(rd_kafka_t * handle, NewKafkaHandle(RD_KAFKA_CONSUMER, options, ConsumerSettings(options, group)));
  auto consumer = std::make_unique<KafkaConsumer>(options, handle);
  const KafkaList list(rd_kafka_topic_partition_list_new(static_cast<int>(topics.size())));
  for (const std::string& topic : topics) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  }
  RETURN_IF_ERROR(KafkaStatus(rd_kafka_subscribe(handle, list.get()), "joining group " + group));
  return std::unique_ptr<Consumer>(std::move(consumer));
}

Result<std::vector<Message>> BrowseKafka(const KafkaQueueOptions& options, const Position& from,
                                         uint32_t messages_max) {
  KafkaSettings settings = ConsumerSettings(options, "rhizome.browse");
  settings.emplace_back("enable.partition.eof", "true");
  ASSIGN_OR_RETURN(rd_kafka_t * handle, NewKafkaHandle(RD_KAFKA_CONSUMER, options, settings));
  const std::unique_ptr<rd_kafka_t, Freed<rd_kafka_destroy>> owned(handle);
  const KafkaList list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), from.topic.c_str(), static_cast<int32_t>(from.partition))->offset =
      static_cast<int64_t>(from.offset);
  RETURN_IF_ERROR(KafkaStatus(rd_kafka_assign(handle, list.get()), "browsing " + from.topic));
  std::vector<Message> messages;
  const int64_t until_ms = NowMs() + options.request_timeout_ms;
  while (messages.size() < messages_max) {
    if (NowMs() >= until_ms) return Status::DeadlineExceeded("browsing " + from.topic + " took too long");
    const KafkaMessage message(rd_kafka_consumer_poll(handle, kSliceMs));
    if (message == nullptr || message->err == RD_KAFKA_RESP_ERR__TRANSPORT) continue;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) break;
    RETURN_IF_ERROR(KafkaStatus(message->err, "browsing " + from.topic));
    messages.push_back(FromKafka(*message));
  }
  return messages;
}

}  // namespace rhizome::queue
