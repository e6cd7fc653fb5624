#include "ruler/leadership.h"

#include <utility>

#include "base/clock.h"
#include "base/task.h"
#include "cluster/cluster_parts.h"

namespace rhizome::ruler {
namespace {

constexpr uint32_t kQuestionsMax = 64;  // that wait for an answer

}  // namespace

Leadership::Leadership(cluster::LoopCalls& calls, cluster::ThreadLoop& loop, fabric::Member& member)
    : calls_(calls), loop_(loop), member_(member), gate_(loop), outstanding_(loop), pool_("desk", 1, kQuestionsMax) {}

// Once the loop has ended nobody asks any more.
Leadership::~Leadership() {
  (void)calls_.One<Status>([this] { return End(); });
}

Task<Status> Leadership::End() {
  member_.replica().SetDesk({});
  outstanding_.CancelAll();
  co_await gate_.Drained();
  co_return Status::Ok();
}

Result<Leadership::Now> Leadership::Known() const {
  const fabric::TopologyPointer topology = member_.directory().Now();
  const fabric::Identity& identity = member_.identity();
  return Now{identity.holds_data && topology->leader != 0 && topology->leader == identity.record.number,
             topology->leader == 0 ? 0 : topology->leader_epoch};
}

Task<Result<Leadership::Now>> Leadership::Refreshed() {
  const Status status = co_await member_.directory().Refresh();
  if (!status.ok()) co_return status;
  co_return Known();
}

Result<Leadership::Now> Leadership::Look() {
  return calls_.One<Result<Now>>([this] { return cluster::AtOnce(Known()); });
}

Result<Leadership::Now> Leadership::Confirm() {
  return calls_.One<Result<Now>>([this] { return Refreshed(); });
}

Task<Result<std::string>> Leadership::AnswerOnPool(std::string question) {
  const fabric::Gate::Hold hold(gate_);
  co_return co_await outstanding_.Call<Result<std::string>>(
      [this, &question](std::function<void(Result<std::string>)> done) {
        std::function<void()> task = [this, question, done] { done(answer_(question)); };
        if (!pool_.TrySubmit(task)) done(Status::ResourceExhausted("too many questions wait already"));
      });
}

void Leadership::Serve(std::function<Result<std::string>(const std::string& question)> answer) {
  answer_ = std::move(answer);
  (void)calls_.One<Status>([this] {
    member_.replica().SetDesk([this](std::string question) { return AnswerOnPool(std::move(question)); });
    return cluster::AtOnce(Status::Ok());
  });
}

Result<std::string> Leadership::Ask(const std::string& question, int64_t timeout_ms) {
  fabric::CallContext context;
  context.deadline_ns = SystemClock().MonotonicNs() + timeout_ms * 1'000'000;
  const auto ask = [this, question, context] { return member_.AskLeader(question, context); };
  auto answer = calls_.One<Result<std::string>>(ask);
  // Who cannot be reached now may be followed by somebody else soon.
  if (answer.status().code() != Code::kDeadlineExceeded) return answer;
  return Status::Unavailable("the leader does not answer: " + answer.status().ToString());
}

}  // namespace rhizome::ruler
