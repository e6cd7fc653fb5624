// What the parts of KafkaQueue share: librdkafka's objects owned, its errors as Status. rdkafka.h is included by
// src/queue/kafka*.cc only.
#pragma once

#include <librdkafka/rdkafka.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "queue/kafka.h"

namespace rhizome::queue {

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using KafkaList = std::unique_ptr<rd_kafka_topic_partition_list_t, Freed<rd_kafka_topic_partition_list_destroy>>;
using KafkaEvent = std::unique_ptr<rd_kafka_event_t, Freed<rd_kafka_event_destroy>>;
using KafkaEvents = std::unique_ptr<rd_kafka_queue_t, Freed<rd_kafka_queue_destroy>>;
using KafkaRequest = std::unique_ptr<rd_kafka_AdminOptions_t, Freed<rd_kafka_AdminOptions_destroy>>;
using KafkaMessage = std::unique_ptr<rd_kafka_message_t, Freed<rd_kafka_message_destroy>>;

Status KafkaStatus(rd_kafka_resp_err_t error, const std::string& what);

// Tries again, as long as a request may take, what fails only while a partition's leader or a group's members change.
Status KafkaPatiently(const KafkaQueueOptions& options, const std::string& what,
                      const std::function<rd_kafka_resp_err_t()>& attempt);

using KafkaSettings = std::vector<std::pair<std::string, std::string>>;
using DeliveryCallback = void (*)(rd_kafka_t*, const rd_kafka_message_t*, void*);
// A producer or consumer with the options' common settings and these. InvalidArgument names the setting.
Result<rd_kafka_t*> NewKafkaHandle(rd_kafka_type_t type, const KafkaQueueOptions& options,
                                   const KafkaSettings& settings, DeliveryCallback delivered = nullptr);
KafkaSettings ConsumerSettings(const KafkaQueueOptions& options, const std::string& group);

Message FromKafka(const rd_kafka_message_t& message);

// A member of a group over topics that exist.
Result<std::unique_ptr<Consumer>> NewKafkaConsumer(const KafkaQueueOptions& options, const std::string& group,
                                                   std::span<const std::string> topics);
// Messages of one partition from an offset on, up to what was its end.
Result<std::vector<Message>> BrowseKafka(const KafkaQueueOptions& options, const Position& from, uint32_t messages_max);

// A producer that takes publishing threads' batches and waits for their acknowledgement.
class KafkaProducer {
 public:
  static Result<std::shared_ptr<KafkaProducer>> Make(const KafkaQueueOptions& options);
  ~KafkaProducer();
  Status Publish(std::span<const Outgoing> messages, int64_t deadline_ms);
  // OK, or why it takes nothing any more: make another one.
  Status Fatal() const;
  rd_kafka_t* handle() const { return handle_; }

 private:
  explicit KafkaProducer(rd_kafka_t* handle);
  rd_kafka_t* const handle_;
  struct Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace rhizome::queue
