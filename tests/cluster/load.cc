#include "load.h"

#include <fmt/format.h>

#include <boost/json/value.hpp>

#include "base/clock.h"
#include "fleet.h"
#include "points.h"

namespace rhizome::chaos {

using history::Element;
using history::Outcome;
using history::Random;

namespace {

constexpr uint64_t kIdsPerWriter = 1'000'000'000;
constexpr uint64_t kRepeatersId = 1'000 * kIdsPerWriter;  // theirs are above
constexpr uint64_t kRemovedEvery = 4;                     // of so many points one is taken out again
constexpr size_t kGetMax = 500;

int64_t NowNs() { return SystemClock().MonotonicNs(); }

}  // namespace

Load::Load(std::vector<Endpoint> gateways, LoadOptions options)
    : gateways_(std::move(gateways)), options_(std::move(options)) {
  size_t client = 0;
  const auto start = [&](size_t count, void (Load::*work)(size_t)) {
    for (size_t n = 0; n < count; ++n, ++client) threads_.emplace_back([this, work, client] { (this->*work)(client); });
  };
  start(options_.writers, &Load::Write);
  start(options_.readers, &Load::Read);
  start(options_.searchers, &Load::Search);
  start(options_.repeaters, &Load::Repeat);
}

Load::~Load() { Stop(); }

void Load::Stop() {
  over_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

Answer Load::Call(HttpSession& session, std::string_view target, const std::string& body, const std::string& headers) {
  const int64_t begun_ns = NowNs();
  Answer answer = session.CallTwice("POST", target, body, headers);
  const int64_t taken_ns = NowNs() - begun_ns;
  {
    const MutexLock lock(mutex_);
    samples_.push_back({begun_ns, taken_ns});
    if (!answer.good())
      failed_.push_back(fmt::format("{} after {} ms: {}", target, taken_ns / 1'000'000, answer.ToString()));
  }
  SleepMs(options_.think_ms);
  return answer;
}

void Load::Wrong(const std::string& what) {
  const MutexLock lock(mutex_);
  wrong_.push_back(what);
}

uint64_t Load::Pick(const std::vector<uint64_t>& from, Random& random) const {
  return from.empty() ? 0 : from[random.Below(from.size())];
}

void Load::SetOutcome(uint64_t id, Outcome outcome, bool removed) {
  const MutexLock lock(mutex_);
  Element& element = elements_[id];
  element.content = id;
  (removed ? element.removed.emplace() : element.added) = outcome;
  if (outcome != Outcome::kOk) return;
  if (removed) gone_.push_back(id);
  if (!removed && id % kRemovedEvery != 0) there_.push_back(id);
}

void Load::Add(HttpSession& session, uint64_t id, Own& own) {
  const std::string key = fmt::format("Idempotency-Key: add-{}-{}\r\n", options_.seed, id);
  const Answer answer =
      Call(session, "/vectors", UpsertBody(options_.collection, PointJson(id, id, VectorOf(id))), key);
  SetOutcome(id, answer.outcome, false);
  if (answer.good() && id % kRemovedEvery == 0) own.to_remove.push_back(id);
}

void Load::Remove(HttpSession& session, Own& own) {
  const uint64_t id = own.to_remove.back();
  own.to_remove.pop_back();
  const std::string key = fmt::format("Idempotency-Key: remove-{}-{}\r\n", options_.seed, id);
  SetOutcome(id, Call(session, "/vectors/delete", IdsBody(options_.collection, {id}), key).outcome, true);
}

void Load::Write(size_t client) {
  HttpSession session(gateways_, client);
  Random random = Random::Of(options_.seed, client);
  Own own;
  uint64_t id = (client + 1) * kIdsPerWriter;
  while (!over_) {
    if (own.to_remove.size() > 8 || (!own.to_remove.empty() && random.Chance(0.2))) {
      Remove(session, own);
    } else {
      Add(session, ++id, own);
    }
  }
}

void Load::Read(size_t client) {
  HttpSession session(gateways_, client);
  Random random = Random::Of(options_.seed, client);
  while (!over_) {
    std::vector<uint64_t> ids;
    {
      const MutexLock lock(mutex_);
      ids = {Pick(there_, random), Pick(gone_, random)};
    }
    if (ids[0] == 0 || ids[1] == 0) {
      SleepMs(options_.think_ms);
      continue;
    }
    const Answer answer = Call(session, "/vectors/get", IdsBody(options_.collection, ids));
    if (!answer.good()) continue;
    const auto found = ContentsIn(answer.body);
    if (!found.contains(ids[0])) Wrong(fmt::format("a read at quorum does not see {}, acknowledged before", ids[0]));
    if (found.contains(ids[1])) Wrong(fmt::format("a read at quorum sees {}, deleted before", ids[1]));
  }
}

void Load::Search(size_t client) {
  HttpSession session(gateways_, client);
  Random random = Random::Of(options_.seed, client);
  while (!over_) {
    const bool exact = random.Chance(0.5);
    const bool for_gone = random.Chance(0.5);
    uint64_t id = 0;
    {
      const MutexLock lock(mutex_);
      id = Pick(for_gone ? gone_ : there_, random);
    }
    if (id == 0) {
      SleepMs(options_.think_ms);
      continue;
    }
    const std::string body =
        fmt::format(R"({{"collection":"{}","vector":{},"top_k":5{}}})", options_.collection, VectorJson(VectorOf(id)),
                    exact ? R"(,"exact":true,"consistency":"quorum","all_or_error":true)" : "");
    const Answer answer = Call(session, "/search", body);
    if (!answer.good()) continue;
    if (answer.body.at("partial").as_bool()) {
      const MutexLock lock(mutex_);
      failed_.push_back("/search: partial: " + answer.ToString());
    }
    if (!exact) continue;
    const bool found = ContentsIn(answer.body, "hits").contains(id);
    if (found && for_gone) Wrong(fmt::format("a search at quorum finds {}, deleted before", id));
    if (!found && !for_gone) Wrong(fmt::format("an exact search at quorum does not find {}, acknowledged before", id));
  }
}

void Load::Repeat(size_t client) {
  HttpSession session(gateways_, client);
  uint64_t id = kRepeatersId + client * kIdsPerWriter;
  while (!over_) {
    ++id;
    const auto write = [&](uint64_t content) {
      const std::string key = fmt::format("Idempotency-Key: {}-{}-{}\r\n", options_.seed, id, content);
      const std::string body = UpsertBody(options_.collection, PointJson(id, content, VectorOf(id)));
      return Call(session, "/vectors", body, key).good();
    };
    if (!write(1) || !write(2)) continue;
    {
      const MutexLock lock(mutex_);
      elements_[id] = {.content = 2, .added = Outcome::kOk};
    }
    (void)write(1);  // whatever is answered, it was done before and is not done again
    const Answer answer = Call(session, "/vectors/get", IdsBody(options_.collection, {id}));
    const auto found = ContentsIn(answer.body);
    if (answer.good() && (!found.contains(id) || found.at(id) != 2)) {
      Wrong(fmt::format("{} was overwritten, and a repeated request undid that", id));
    }
  }
}

uint64_t Load::acknowledged() const {
  const MutexLock lock(mutex_);
  uint64_t count = 0;
  for (const auto& [id, element] : elements_) count += element.added == Outcome::kOk;
  return count;
}

bool Load::Wrote(uint64_t id) const {
  const MutexLock lock(mutex_);
  return id > kRepeatersId || elements_.contains(id);
}

std::vector<int64_t> Load::Taken(int64_t from_ns, int64_t to_ns) const {
  const MutexLock lock(mutex_);
  std::vector<int64_t> taken;
  for (const Sample& sample : samples_) {
    if (sample.begun_ns >= from_ns && sample.begun_ns < to_ns) taken.push_back(sample.taken_ns);
  }
  return taken;
}

history::SetVerdict Load::Check(HttpSession& session, std::string& why) const {
  const MutexLock lock(mutex_);
  std::map<std::string, Element> elements;
  std::map<std::string, uint64_t> present;
  std::vector<uint64_t> ids;
  const auto ask = [&] {
    const Answer answer = session.CallTwice("POST", "/vectors/get", IdsBody(options_.collection, ids));
    if (!answer.good()) why = answer.ToString();
    for (const auto& [id, content] : ContentsIn(answer.body)) present[std::to_string(id)] = content;
    ids.clear();
  };
  for (const auto& [id, element] : elements_) {
    elements[std::to_string(id)] = element;
    ids.push_back(id);
    if (ids.size() == kGetMax) ask();
  }
  if (!ids.empty()) ask();
  return history::CheckSet(elements, present);
}

}  // namespace rhizome::chaos
