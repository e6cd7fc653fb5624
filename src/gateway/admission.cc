#include "gateway/admission.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace rhizome::gateway {
namespace {

constexpr double kNsPerMs = 1e6;
// A queue may hold so many times what runs at once takes: a fast kind's bound is in milliseconds, a slow kind's in
// this.
constexpr double kBurstServices = 16;
constexpr double kStandingServices = 4;

}  // namespace

Admission::Admission(const AdmissionOptions& options)
    : options_(options), limit_(options.limit_min, options.limit_max) {}

int64_t Admission::AllowedNs(int64_t now_ns) const {
  const double burst_ms = std::max<double>(options_.burst_ms, kBurstServices * limit_.latency_ms());
  const double standing_ms = std::max<double>(options_.standing_ms, kStandingServices * limit_.latency_ms());
  const bool standing = static_cast<double>(now_ns - empty_ns_) > burst_ms * kNsPerMs;
  return static_cast<int64_t>((standing ? std::min(standing_ms, burst_ms) : burst_ms) * kNsPerMs);
}

double Admission::ExpectedWaitMs(size_t ahead) const {
  return static_cast<double>(ahead) * limit_.latency_ms() / limit_.limit();
}

// "" when it may wait for `wait_ns`, since its arrival.
std::string_view Admission::WhyNot(const Waiting& request, int64_t wait_ns, int64_t now_ns) const {
  if (wait_ns > AllowedNs(now_ns)) return "overloaded: the queue is too long";
  const auto service_ns = static_cast<int64_t>(limit_.latency_ms() * kNsPerMs);
  if (request.arrived_ns + wait_ns + service_ns > request.deadline_ns) {
    return "overloaded: it could not be done by its deadline";
  }
  return {};
}

Admission::Todo Admission::Arrive(Waiting request, int64_t now_ns) {
  Todo todo;
  Advance(now_ns, todo);
  if (queue_.empty() && running_ < limit_.limit()) {
    Start(std::move(request), todo);
    return todo;
  }
  const auto wait_ns = static_cast<int64_t>(ExpectedWaitMs(queue_.size() + 1) * kNsPerMs);
  std::string_view reason = WhyNot(request, wait_ns, now_ns);
  if (queue_.size() >= options_.queue_len_max) reason = "overloaded: the queue is full";
  if (!reason.empty()) {
    Refuse(std::move(request), reason, todo);
  } else {
    queue_.push_back(std::move(request));
  }
  return todo;
}

Admission::Todo Admission::Ended(uint32_t beside, int64_t latency_ns, int64_t now_ns) {
  limit_.Ended(beside, latency_ns, now_ns);
  return Abandoned(now_ns);
}

Admission::Todo Admission::Abandoned(int64_t now_ns) {
  CHECK(running_ > 0);
  --running_;
  return Expire(now_ns);
}

Admission::Todo Admission::Expire(int64_t now_ns) {
  Todo todo;
  Advance(now_ns, todo);
  return todo;
}

void Admission::Advance(int64_t now_ns, Todo& todo) {
  while (!queue_.empty()) {
    Waiting& first = queue_.front();
    const std::string_view reason = WhyNot(first, now_ns - first.arrived_ns, now_ns);
    if (reason.empty() && running_ >= limit_.limit()) return;
    Waiting request = std::move(first);
    queue_.pop_front();
    if (reason.empty()) {
      Start(std::move(request), todo);
    } else {
      Refuse(std::move(request), reason, todo);
    }
  }
  empty_ns_ = now_ns;
}

void Admission::Start(Waiting request, Todo& todo) {
  ++running_;
  todo.push_back([start = std::move(request.start), beside = running_] { start(beside); });
}

void Admission::Refuse(Waiting request, std::string_view reason, Todo& todo) const {
  const Refusal refusal{reason, ExpectedWaitMs(queue_.size() + 1)};
  todo.push_back([refuse = std::move(request.refuse), refusal] { refuse(refusal); });
}

}  // namespace rhizome::gateway
