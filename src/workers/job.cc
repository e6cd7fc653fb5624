#include "workers/job.h"

#include <charconv>

namespace rhizome::workers {
namespace {

constexpr std::string_view kTask = "task", kName = "job", kVersionTime = "version", kVersionNode = "node",
                           kAccepted = "accepted_ms", kAttempt = "attempt", kRound = "round";

template <typename T>
bool ReadNumber(const queue::Message& message, std::string_view header, T& value) {
  const std::string_view text = message.header(header);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

bool IsPermanent(const Status& status) {
  switch (status.code()) {
    case Code::kInvalidArgument:
    case Code::kTooLarge:
    case Code::kNotFound:
    case Code::kCorruption: return true;
    default: return false;
  }
}

queue::Outgoing ToMessage(const Job& job, std::string topic, std::vector<queue::Header> more) {
  queue::Outgoing out;
  out.topic = std::move(topic);
  out.key = job.key;
  out.value = job.payload;
  out.headers = {{std::string(kTask), job.task},
                 {std::string(kName), job.name},
                 {std::string(kVersionTime), std::to_string(job.version.time)},
                 {std::string(kVersionNode), std::to_string(job.version.node)},
                 {std::string(kAccepted), std::to_string(job.accepted_ms)},
                 {std::string(kAttempt), std::to_string(job.attempt)},
                 {std::string(kRound), std::to_string(job.round)}};
  for (queue::Header& header : more) out.headers.push_back(std::move(header));
  return out;
}

Result<Job> FromMessage(const queue::Message& message) {
  Job job;
  job.task = message.header(kTask);
  job.name = message.header(kName);
  job.key = message.key;
  job.payload = message.value;
  if (job.task.empty() || job.stage().empty() || !ReadNumber(message, kVersionTime, job.version.time) ||
      !ReadNumber(message, kVersionNode, job.version.node) || !ReadNumber(message, kAccepted, job.accepted_ms) ||
      !ReadNumber(message, kAttempt, job.attempt) || !ReadNumber(message, kRound, job.round)) {
    return Status::Corruption("message " + std::to_string(message.offset) + " of partition " +
                              std::to_string(message.partition) + " of topic " + message.topic + " is no job");
  }
  return job;
}

}  // namespace rhizome::workers
