#include "queue/kafka_client.h"

#include <array>
#include <chrono>
#include <thread>

#include "base/clock.h"

namespace rhizome::queue {

Status KafkaStatus(rd_kafka_resp_err_t error, const std::string& what) {
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return Status::Ok();
  std::string text = what + ": " + rd_kafka_err2str(error);
  switch (error) {
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
    case RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED: return Status::ResourceExhausted(std::move(text));
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT: return Status::DeadlineExceeded(std::move(text));
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND: return Status::NotFound(std::move(text));
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE: return Status::TooLarge("value", std::move(text));
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS: return Status::AlreadyExists(std::move(text));
    case RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP: return Status::FailedPrecondition(std::move(text));
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR__INVALID_ARG: return Status::InvalidArgument("kafka", std::move(text));
    case RD_KAFKA_RESP_ERR_INVALID_MSG: return Status::Corruption(std::move(text));
    default: return Status::Unavailable(std::move(text));
  }
}

Status KafkaPatiently(const KafkaQueueOptions& options, const std::string& what,
                      const std::function<rd_kafka_resp_err_t()>& attempt) {
  const int64_t until_ns = SystemClock().MonotonicNs() + options.request_timeout_ms * 1'000'000;
  while (true) {
    const rd_kafka_resp_err_t error = attempt();
    switch (error) {
      case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
      case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
      case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
      case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
      case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
      case RD_KAFKA_RESP_ERR__WAIT_COORD:
      case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
      case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
      case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID: break;
      default: return KafkaStatus(error, what);
    }
    if (SystemClock().MonotonicNs() >= until_ns) return KafkaStatus(error, what);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

Result<rd_kafka_t*> NewKafkaHandle(rd_kafka_type_t type, const KafkaQueueOptions& options,
                                   const KafkaSettings& settings, DeliveryCallback delivered) {
  std::array<char, 512> error{};
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  KafkaSettings all = {{"bootstrap.servers", options.brokers},
                       {"client.id", "rhizome"},
                       {"socket.keepalive.enable", "true"},
                       {"reconnect.backoff.max.ms", "2000"},
                       {"message.max.bytes", std::to_string(kValueBytesMax + (2u << 20))},
                       {"log_level", "2"}};
  all.insert(all.end(), settings.begin(), settings.end());
  for (const std::string& setting : options.more) {
    const size_t equals = setting.find('=');
    all.emplace_back(setting.substr(0, equals), equals == std::string::npos ? "" : setting.substr(equals + 1));
  }
  for (const auto& [name, value] : all) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error.data(), error.size()) != RD_KAFKA_CONF_OK) {
      rd_kafka_conf_destroy(conf);
      return Status::InvalidArgument("kafka", error.data());
    }
  }
  if (delivered != nullptr) rd_kafka_conf_set_dr_msg_cb(conf, delivered);
  rd_kafka_t* handle = rd_kafka_new(type, conf, error.data(), error.size());
  if (handle == nullptr) {
    rd_kafka_conf_destroy(conf);
    return Status::InvalidArgument("kafka", error.data());
  }
  return handle;
}

KafkaSettings ConsumerSettings(const KafkaQueueOptions& options, const std::string& group) {
  return {{"group.id", group},
          {"enable.auto.commit", "false"},
          {"enable.auto.offset.store", "false"},
          {"auto.offset.reset", "earliest"},
          // Who keeps a partition through a change of members goes on where it is.
          {"partition.assignment.strategy", "range,roundrobin"},
          {"session.timeout.ms", std::to_string(options.session_timeout_ms)},
          {"heartbeat.interval.ms", std::to_string(options.session_timeout_ms / 4)},
          {"max.poll.interval.ms", std::to_string(options.poll_interval_max_ms)},
          {"fetch.wait.max.ms", "100"},
          {"fetch.message.max.bytes", std::to_string(kValueBytesMax + (2u << 20))},
          {"fetch.max.bytes", std::to_string(64u << 20)},
          {"receive.message.max.bytes", std::to_string(80u << 20)},
          {"queued.max.messages.kbytes", std::to_string(64u << 10)}};
}

Message FromKafka(const rd_kafka_message_t& from) {
  Message message;
  message.topic = rd_kafka_topic_name(from.rkt);
  message.partition = static_cast<uint32_t>(from.partition);
  message.offset = static_cast<uint64_t>(from.offset);
  rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  message.published_ms = rd_kafka_message_timestamp(&from, &type);
  message.key.assign(static_cast<const char*>(from.key), from.key_len);
  message.value.assign(static_cast<const char*>(from.payload), from.len);
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&from, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return message;
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) {
    message.headers.push_back({name, std::string(static_cast<const char*>(value), size)});
  }
  return message;
}

}  // namespace rhizome::queue
