#include "sample_load.h"

#include <fmt/format.h>

#include <utility>

#include "samples.h"

namespace rhizome::sim {
namespace {

constexpr int64_t kPatienceNs = 1'500 * kMillisecond;
constexpr int64_t kThinkMsMax = 60;

}  // namespace

SampleLoad::SampleLoad(Cluster& cluster, uint32_t clients)
    : cluster_(cluster), world_(cluster.world()), loop_(world_, wall_, Random::Of(world_.seed(), 0x73616d706c6573)) {
  for (uint32_t i = 0; i < clients; ++i) clients_.push_back(Random::Of(world_.seed(), 0x20000 + i));
}

SampleLoad::~SampleLoad() {
  finishing_ = true;
  loop_.BeginStop();
  loop_.Stop();
  CHECK(busy_ == 0 || world_.failed());
}

void SampleLoad::Start() {
  for (const Random& random : clients_) {
    ++busy_;
    Spawn(RunClient(random));
  }
}

Task<void> SampleLoad::RunClient(Random random) {
  while (!finishing_) {
    if (!co_await fabric::Sleep(loop_, random.Between(1, kThinkMsMax) * kMillisecond) || finishing_) break;
    const int64_t called_ns = world_.NowNs();
    if (random.Chance(0.8)) {
      const uint64_t value = ++tally_.sent;
      // Some are late, and none as many minutes as would tell what was under way from what was not.
      const int64_t time_ms = loop_.WallMs() - random.Between(0, random.Chance(0.2) ? 4'000'000 : 1'000);
      const Answer answer = co_await Attempt(random, RecordOf(value, time_ms));
      if (!answer.status.ok()) continue;
      acknowledged_[value] = world_.NowNs();
      ++tally_.acknowledged;
      continue;
    }
    const Answer answer = co_await Attempt(random, "");
    if (!answer.status.ok()) continue;
    ++tally_.answers;
    for (const auto& [value, when_ns] : acknowledged_) {
      if (when_ns >= called_ns || answer.values.contains(value)) continue;
      world_.Fail(fmt::format("sample {}, acknowledged {} ms before, is not in a quorum's answer", value,
                              (called_ns - when_ns) / kMillisecond));
    }
  }
  --busy_;
}

Task<SampleLoad::Answer> SampleLoad::Attempt(Random& random, std::string record) {
  const auto process = cluster_.AnyServing(random);
  if (process == nullptr) co_return Answer{Status::Unavailable("nobody serves"), {}};
  const auto answer = loop_.Expect<Answer>();
  const uint64_t partition = random.Next();
  world_.In(random.Between(50'000, kMillisecond), [process, record = std::move(record), partition, answer] {
    if (!process->alive()) return;
    process->loop().Post([process, record, partition, answer] {
      if (process->alive()) process->Run(Carry(process, record, partition, answer));
    });
  });
  world_.In(2 * kPatienceNs, [answer] { answer.Set(Result<Answer>(Status::DeadlineExceeded("gave up"))); });
  Result<Answer> result = co_await answer;
  if (result.ok()) co_return std::move(result).value();
  co_return Answer{result.status(), {}};
}

Task<void> SampleLoad::Carry(std::shared_ptr<Process> process, std::string record, uint64_t partition,
                             fabric::OneShot<Result<Answer>> answer) {
  Answer found = co_await Ask(process, std::move(record), partition);
  if (process->alive()) answer.Set(Result<Answer>(std::move(found)));
}

// An append of the record, or without one a question to all partitions.
Task<SampleLoad::Answer> SampleLoad::Ask(std::shared_ptr<Process> process, std::string record, uint64_t partition) {
  const auto topology = process->member().directory().Now();
  const auto known = topology->collections.find(kCollection);
  if (known == topology->collections.end()) co_return Answer{Status::NotFound("not known here yet"), {}};
  const fabric::CollectionRecord collection = known->second.value;
  fabric::CallContext context;
  context.deadline_ns = process->loop().NowNs() + kPatienceNs;
  if (!record.empty()) {
    const auto shard = static_cast<fabric::ShardNumber>(collection.first_shard + partition % collection.partitions);
    const auto done = co_await process->member().coordinator().Append(
        {shard, std::move(record), false, fabric::Level::kQuorum, context});
    co_return Answer{done.status(), {}};
  }
  fabric::QueryCommand command;
  for (uint32_t p = 0; p < collection.partitions; ++p) command.shards.push_back(collection.first_shard + p);
  command.level = fabric::Level::kQuorum;
  command.context = context;
  const fabric::QueryAnswers answers = co_await process->member().coordinator().Query(std::move(command));
  if (!answers.failed.empty()) co_return Answer{answers.failed.begin()->second, {}};
  Answer all;
  for (const auto& part : answers.parts) all.values.merge(DecodeValues(part.answer));
  co_return all;
}

std::string SampleLoad::Check() {
  const fabric::Topology truth = cluster_.Truth();
  std::set<uint64_t> everywhere;
  for (const auto& [shard, kept] : truth.placements) {
    if (truth.KindOf(shard) != fabric::ShardKind::kSeries) continue;
    const Samples* const replica = cluster_.SamplesOf(kept.value.replicas.front(), shard);
    if (replica == nullptr) return fmt::format("shard {} has no usable replica", shard);
    everywhere.merge(replica->Values());
  }
  for (const auto& [value, when_ns] : acknowledged_) {
    if (!everywhere.contains(value)) return fmt::format("sample {}, which was acknowledged, is lost", value);
  }
  if (!everywhere.empty() && *everywhere.rbegin() > tally_.sent) return "a sample is there that nobody sent";
  return "";
}

}  // namespace rhizome::sim
