// Publishing: a batch's messages are handed to librdkafka, which groups them by partition and sends again what a broker
// did not confirm; the caller waits until each has been confirmed.
#include <atomic>
#include <chrono>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"
#include "queue/kafka_client.h"

namespace rhizome::queue {
namespace {

// One Publish. Shared by its caller and its messages, since the caller may give up first.
struct Batch {
  Mutex mutex;
  CondVar done;
  size_t left GUARDED_BY(mutex) = 0;
  size_t written GUARDED_BY(mutex) = 0;
  bool unknown GUARDED_BY(mutex) = false;
  rd_kafka_resp_err_t error GUARDED_BY(mutex) = RD_KAFKA_RESP_ERR_NO_ERROR;
};

void Delivered(rd_kafka_t* /*handle*/, const rd_kafka_message_t* message, void* /*opaque*/) {
  const std::unique_ptr<std::shared_ptr<Batch>> held(static_cast<std::shared_ptr<Batch>*>(message->_private));
  Batch& batch = **held;
  const MutexLock lock(batch.mutex);
  --batch.left;
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    ++batch.written;
  } else {
    batch.error = message->err;
    batch.unknown |= rd_kafka_message_status(message) != RD_KAFKA_MSG_STATUS_NOT_PERSISTED;
  }
  batch.done.NotifyAll();
}

rd_kafka_resp_err_t Produce(rd_kafka_t* handle, const Outgoing& message, const std::shared_ptr<Batch>& batch) {
  rd_kafka_headers_t* headers = rd_kafka_headers_new(message.headers.size());
  for (const Header& header : message.headers) {
    (void)rd_kafka_header_add(headers, header.name.data(), static_cast<ssize_t>(header.name.size()),
                              header.value.data(), static_cast<ssize_t>(header.value.size()));
  }
  auto held = std::make_unique<std::shared_ptr<Batch>>(batch);
  // Null and empty are different keys to Kafka; here an empty one means any partition.
  const void* key = message.key.empty() ? nullptr : message.key.data();
  const rd_kafka_resp_err_t error =
      rd_kafka_producev(handle, RD_KAFKA_V_TOPIC(message.topic.c_str()), RD_KAFKA_V_KEY(key, message.key.size()),
                        RD_KAFKA_V_VALUE(const_cast<char*>(message.value.data()), message.value.size()),
                        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADERS(headers),
                        RD_KAFKA_V_OPAQUE(held.get()), RD_KAFKA_V_END);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
    (void)held.release();  // Delivered frees it
  } else {
    rd_kafka_headers_destroy(headers);
  }
  return error;
}

}  // namespace

struct KafkaProducer::Loop {
  explicit Loop(rd_kafka_t* handle)
      : thread([this, handle] {
          while (!stopping) rd_kafka_poll(handle, 50);
        }) {}
  ~Loop() {
    stopping = true;
    thread.join();
  }
  std::atomic<bool> stopping{false};
  std::thread thread;
};

Result<std::shared_ptr<KafkaProducer>> KafkaProducer::Make(const KafkaQueueOptions& options) {
  const KafkaSettings settings = {
      {"enable.idempotence", "true"},
      {"acks", "all"},
      {"linger.ms", "2"},
      {"compression.codec", "lz4"},
      {"partitioner", "murmur2_random"},
      // Longer than callers wait as a rule: they are told "unknown", and librdkafka goes on.
      {"message.timeout.ms", std::to_string(4 * options.request_timeout_ms)},
      {"queue.buffering.max.messages", "1000000"},
      {"queue.buffering.max.kbytes", std::to_string(256u << 10)}};
  ASSIGN_OR_RETURN(rd_kafka_t * handle, NewKafkaHandle(RD_KAFKA_PRODUCER, options, settings, &Delivered));
  return std::shared_ptr<KafkaProducer>(new KafkaProducer(handle));
}

KafkaProducer::KafkaProducer(rd_kafka_t* handle) : handle_(handle), loop_(std::make_unique<Loop>(handle)) {}

KafkaProducer::~KafkaProducer() {
  loop_.reset();
  // Nobody waits any more for what is on its way; its callbacks free what it holds.
  (void)rd_kafka_purge(handle_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  (void)rd_kafka_flush(handle_, 1000);
  rd_kafka_destroy(handle_);
}

Status KafkaProducer::Fatal() const {
  char text[256];
  const rd_kafka_resp_err_t error = rd_kafka_fatal_error(handle_, text, sizeof(text));
  return error == RD_KAFKA_RESP_ERR_NO_ERROR ? Status::Ok() : Status::IoError(std::string("kafka: ") + text);
}

Status KafkaProducer::Publish(std::span<const Outgoing> messages, int64_t deadline_ms) {
  const auto batch = std::make_shared<Batch>();
  const int64_t until_ns = SystemClock().MonotonicNs() + deadline_ms * 1'000'000;
  Status refused;
  for (const Outgoing& message : messages) {
    {
      const MutexLock lock(batch->mutex);
      ++batch->left;
    }
    rd_kafka_resp_err_t error = Produce(handle_, message, batch);
    while (error == RD_KAFKA_RESP_ERR__QUEUE_FULL && SystemClock().MonotonicNs() < until_ns) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      error = Produce(handle_, message, batch);
    }
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    const MutexLock lock(batch->mutex);
    --batch->left;
    refused = KafkaStatus(error, "publishing to " + message.topic);
    break;
  }
  const MutexLock lock(batch->mutex);
  while (batch->left > 0) {
    const int64_t left_ms = (until_ns - SystemClock().MonotonicNs()) / 1'000'000;
    if (left_ms <= 0) return Status::DeadlineExceeded("kafka has not confirmed in time; unknown whether it will");
    (void)batch->done.WaitFor(batch->mutex, std::chrono::milliseconds(left_ms));
  }
  if (refused.ok() && batch->error != RD_KAFKA_RESP_ERR_NO_ERROR) refused = KafkaStatus(batch->error, "publishing");
  if (refused.ok()) return refused;
  if (batch->written == 0 && !batch->unknown) {
    return refused.code() == Code::kDeadlineExceeded ? Status::Unavailable(std::string(refused.message())) : refused;
  }
  return Status::IoError("of " + std::to_string(messages.size()) + " messages " + std::to_string(batch->written) +
                         " are known to be written: " + std::string(refused.message()));
}

}  // namespace rhizome::queue
