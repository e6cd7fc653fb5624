// KafkaQueue: the queue on a Kafka cluster (or what speaks its protocol), by librdkafka.
//
// A published message is acknowledged by all in-sync replicas (acks=all) and written once however often the client has
// to send it (idempotent producer). How long messages stay is the broker's: `retention_ms` from when they were written,
// passed or not. So a backlog's bound is looked at by whoever publishes: the lag of the groups declared here, asked for
// at most once a second.
//
// Consumers hold their place in the group by a thread of librdkafka, so a handler may take long; one that does not poll
// for `poll_interval_max_ms` is taken for dead.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "queue/queue.h"

namespace rhizome::queue {

struct KafkaQueueOptions {
  std::string brokers;                          // "host:port,host:port"
  int replication_factor = -1;                  // of topics made here; -1: the cluster's default
  int64_t retention_ms = 7LL * 24 * 3'600'000;  // likewise
  int64_t request_timeout_ms = 30'000;
  int64_t session_timeout_ms = 10'000;  // after which a silent member's partitions go to others
  int64_t poll_interval_max_ms = 3'600'000;
  // More of librdkafka's settings, "name=value": security, say.
  std::vector<std::string> more;
};

class KafkaQueue final : public Queue {
 public:
  // InvalidArgument: a setting that librdkafka does not take. Brokers need not be there yet.
  static Result<std::unique_ptr<KafkaQueue>> Open(const KafkaQueueOptions& options);
  ~KafkaQueue() override;

  using Queue::Publish;
  Status EnsureTopic(const std::string& topic, const TopicOptions& options) override;
  Status Publish(std::span<const Outgoing> messages, const PublishOptions& options) override;
  Status DeclareGroup(const std::string& group, std::span<const std::string> topics) override;
  Result<std::unique_ptr<Consumer>> Subscribe(const std::string& group, std::span<const std::string> topics) override;
  Status RemoveGroup(const std::string& group) override;
  // Of the topics that this process has declared for the group.
  Result<std::vector<Lag>> Lags(const std::string& group) override;
  Result<std::vector<Message>> Browse(const Position& from, uint32_t messages_max) override;
  Result<uint32_t> Partitions(const std::string& topic) override;
  Status Health() override;

 private:
  class Core;
  explicit KafkaQueue(std::unique_ptr<Core> core);
  const std::unique_ptr<Core> core_;
};

}  // namespace rhizome::queue
