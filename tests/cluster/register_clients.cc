#include "register_clients.h"

#include <fmt/format.h>

#include <map>

#include "base/clock.h"
#include "fleet.h"
#include "history/random.h"
#include "history/register_checker.h"
#include "points.h"

namespace rhizome::chaos {

using history::History;
using history::Observation;
using history::Outcome;
using history::Verdict;

namespace {

// Contents are the client's own: client * this + a count.
constexpr uint64_t kContentsPerClient = 1'000'000;

int64_t NowNs() { return SystemClock().MonotonicNs(); }

}  // namespace

RegisterClients::RegisterClients(std::vector<Endpoint> gateways, RegisterOptions options)
    : gateways_(std::move(gateways)), options_(std::move(options)), seen_(options_.clients) {
  for (uint32_t client = 0; client < options_.clients; ++client) {
    threads_.emplace_back([this, client] { Run(client); });
  }
}

RegisterClients::~RegisterClients() { Stop(); }

void RegisterClients::Stop() {
  over_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void RegisterClients::Run(uint32_t client) {
  HttpSession session(gateways_, client, options_.timeout_ms);
  history::Random random = history::Random::Of(options_.seed, client);
  uint64_t next = (client + 1) * kContentsPerClient;
  while (!over_) {
    const uint64_t key = 1 + random.Below(options_.keys);
    Observation seen{.called_ns = NowNs(), .client = client};
    Answer answer;
    if (random.Chance(0.5)) {
      answer = session.Call("POST", "/vectors/get", IdsBody(options_.collection, {key}, "quorum"));
      const auto found = ContentsIn(answer.body);
      seen.content = found.contains(key) ? found.at(key) : 0;
    } else {
      seen.kind = Observation::Kind::kWrite;
      seen.content = random.Chance(0.15) ? 0 : ++next;
      answer =
          seen.content == 0
              ? session.Call("POST", "/vectors/delete", IdsBody(options_.collection, {key}, "quorum"))
              : session.Call("POST", "/vectors",
                             UpsertBody(options_.collection, PointJson(key, seen.content, VectorOf(key)), "quorum"));
    }
    seen.outcome = answer.outcome;
    if (answer.outcome != Outcome::kUnknown) seen.returned_ns = NowNs();
    seen_[client].push_back({key, seen});
    SleepMs(random.Between(0, 2 * options_.think_ms));
  }
}

RegisterReport RegisterClients::Check() const {
  RegisterReport report;
  std::map<uint64_t, History> histories;
  for (const auto& seen : seen_) {
    for (const Seen& one : seen) {
      histories[one.key].push_back(one.observation);
      ++report.operations;
      report.acknowledged += one.observation.outcome == Outcome::kOk;
      report.failed += one.observation.outcome == Outcome::kFailed;
      report.unknown += one.observation.outcome == Outcome::kUnknown;
    }
  }
  for (const auto& [key, history] : histories) {
    const Verdict verdict = history::CheckRegister(history, 2'000'000);
    report.undecided += verdict.kind == Verdict::Kind::kUndecided;
    if (verdict.kind != Verdict::Kind::kViolated || !report.violation.empty()) continue;
    report.violation = fmt::format("point {}: {}", key, verdict.reason);
  }
  return report;
}

}  // namespace rhizome::chaos
