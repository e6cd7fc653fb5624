#include "workload.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>

#include "base/hash.h"
#include "fabric/planted.h"
#include "format/routing.h"

namespace rhizome::sim {

using fabric::Bug;
using fabric::Level;
using fabric::OneShot;
using fabric::Planted;
using fabric::ShardNumber;
using format::Operation;

namespace {

constexpr int64_t kPatienceNs = 1'500 * kMillisecond;  // of one attempt
constexpr int kAttempts = 4;
// Within a tombstone's grace with all attempts, as requests are remembered for less than that.
constexpr int64_t kLaterNsMax = 2 * kSecond;

// What a process that takes a request does first (cluster::Cluster::Begin): the collection as it knows it.
Result<fabric::CollectionRecord> CollectionAt(Process& process) {
  const auto topology = process.member().directory().Now();
  const auto known = topology->collections.find(Cluster::kCollection);
  if (known == topology->collections.end()) return Status::NotFound("the collection is not known here yet");
  return known->second.value;
}

ShardNumber ShardOf(const fabric::CollectionRecord& collection, const std::string& register_key) {
  return collection.first_shard + format::PartitionOfKey(register_key, collection.partitions).value();
}

// One outcome of several shards, as cluster::Cluster::Write joins them.
Status Joined(const std::vector<Status>& outcomes) {
  Status failure;
  size_t taken = 0;
  for (const Status& outcome : outcomes) {
    if (outcome.code() == Code::kDeadlineExceeded) return outcome;
    taken += outcome.ok() ? 1 : 0;
    if (!outcome.ok()) failure = outcome;
  }
  if (failure.ok() || taken == 0) return failure;
  return Status::DeadlineExceeded("only some shards took the write: " + failure.ToString());
}

format::PointId IdOf(const std::string& key) { return format::PointId::FromString(key).value(); }

std::string RegisterOf(const std::string& key) { return Operation{{}, format::DeletePoint{IdOf(key)}}.Key(); }

Operation Put(const std::string& key, uint64_t content) {
  if (content == 0) return {{}, format::DeletePoint{IdOf(key)}};
  return {{}, format::UpsertPoint{{.id = IdOf(key), .text = std::to_string(content)}}};
}

uint64_t ContentOf(const std::optional<Operation>& operation) {
  if (!operation) return 0;
  const auto* upsert = std::get_if<format::UpsertPoint>(&operation->body);
  if (upsert == nullptr) return 0;
  uint64_t content = 0;
  const std::string& text = upsert->point.text;
  (void)std::from_chars(text.data(), text.data() + text.size(), content);
  return content;
}

}  // namespace

// One of: a write (keys, contents), a read (one key), a search (keys empty).
struct Workload::Request {
  enum class What { kWrite, kRead, kSearch };
  What what = What::kRead;
  Kind kind = Kind::kHot;
  std::vector<std::string> keys;
  std::vector<uint64_t> contents;
  Level level = Level::kQuorum;
  std::optional<format::RequestStamp> stamp;
  int64_t settled_ns = kNever;  // of a write: from then on it has taken effect, and must not again
};

struct Workload::Reply {
  Outcome outcome = Outcome::kUnknown;
  Status status;
  std::vector<Version> versions;   // of each key
  uint64_t content = 0;            // of a read
  std::vector<std::string> found;  // of a search, register keys
};

Workload::Workload(Cluster& cluster, const WorkloadShape& shape)
    : cluster_(cluster),
      world_(cluster.world()),
      shape_(shape),
      loop_(world_, wall_, Random::Of(world_.seed(), 0x636c69656e74)) {
  for (uint32_t i = 0; i < shape.clients; ++i) {
    clients_.push_back(std::make_unique<Client>());
    clients_.back()->number = i;
    clients_.back()->random = Random::Of(world_.seed(), 0x10000 + i);
  }
}

Workload::~Workload() {
  finishing_ = true;
  loop_.BeginStop();
  loop_.Stop();
  CHECK(busy_ == 0 || world_.failed());
}

std::map<std::string, History>& Workload::HistoriesOf(Kind kind) {
  return kind == Kind::kAll ? all_ : kind == Kind::kOne ? one_ : quorum_;
}

Level Workload::LevelOf(Kind kind, bool reading) const {
  if (kind == Kind::kAll) return reading ? Level::kOne : Level::kAll;
  return kind == Kind::kOne ? Level::kOne : Level::kQuorum;
}

void Workload::Start() {
  for (const auto& client : clients_) {
    ++busy_;
    Spawn(RunClient(*client));
  }
}

Task<void> Workload::RunClient(Client& client) {
  Random& random = client.random;
  while (!finishing_ && tally_.operations < shape_.operations_max) {
    if (!co_await fabric::Sleep(loop_, random.Between(1, shape_.think_ms_max) * kMillisecond)) break;
    if (finishing_ || tally_.operations >= shape_.operations_max) break;
    ++tally_.operations;
    const uint64_t dice = random.Below(100);
    if (dice < 55) {
      const std::string key = fmt::format("hot{}", random.Below(shape_.hot_keys));
      if (random.Chance(0.5)) {
        co_await ReadSome(client, Kind::kHot, key);
      } else {
        co_await WriteSome(client, Kind::kHot, {key}, random.Chance(0.25));
      }
    } else if (dice < 82) {
      co_await OneColdStep(client);
    } else if (dice < 92) {
      const std::string key = fmt::format("all{}", random.Below(shape_.all_keys));
      if (random.Chance(0.6)) {
        co_await ReadSome(client, Kind::kAll, key);
      } else {
        co_await WriteSome(client, Kind::kAll, {key}, random.Chance(0.2));
      }
    } else if (dice < 96) {
      co_await WriteSome(client, Kind::kOne, {fmt::format("one{}", random.Below(shape_.one_keys))}, false);
    } else {
      co_await SearchAll(client);
    }
  }
  --busy_;
}

// New keys in a batch; a delete or a read of an earlier one.
Task<void> Workload::OneColdStep(Client& client) {
  Random& random = client.random;
  const uint64_t dice = random.Below(100);
  if (client.cold.empty() || dice < 55) {
    std::vector<std::string> keys{fmt::format("cold{}", next_cold_++)};
    const uint64_t more = random.Below(3);
    while (keys.size() <= more) keys.push_back(fmt::format("cold{}", next_cold_++));
    co_return co_await WriteSome(client, Kind::kCold, std::move(keys), false);
  }
  const size_t at = random.Below(client.cold.size());
  const std::string key = client.cold[at];
  if (dice >= 85) co_return co_await ReadSome(client, Kind::kCold, key);
  client.cold.erase(client.cold.begin() + static_cast<ptrdiff_t>(at));
  co_await WriteSome(client, Kind::kCold, {key}, true);
}

Task<void> Workload::WriteSome(Client& client, Kind kind, std::vector<std::string> keys, bool remove) {
  ++tally_.writes;
  auto request = std::make_shared<Request>();
  request->what = Request::What::kWrite;
  request->kind = kind;
  request->level = LevelOf(kind, false);
  for (size_t i = 0; i < keys.size(); ++i) request->contents.push_back(remove ? 0 : next_content_++);
  request->keys = std::move(keys);
  format::RequestStamp stamp;
  const uint64_t number = next_request_++;
  std::memcpy(stamp.key.data(), &number, sizeof number);
  stamp.content_hash = Checksum(std::string_view(reinterpret_cast<const char*>(request->contents.data()),
                                                 request->contents.size() * sizeof(uint64_t)));
  // Who repeats without a key may write twice; so only writes with one are repeated.
  const bool repeatable = client.random.Chance(0.7);
  if (repeatable) request->stamp = stamp;
  const int64_t called_ns = world_.NowNs();
  if (kind == Kind::kCold) {
    for (size_t i = 0; i < request->keys.size(); ++i) {
      Element& element = elements_[request->keys[i]];
      if (remove) {
        element.removed = Outcome::kUnknown;
      } else {
        element.content = request->contents[i];
      }
    }
  }
  for (const uint64_t content : request->contents) {
    if (content != 0) writers_[content] = request;
  }
  const Reply reply = co_await Insist(client, request, repeatable ? kAttempts : 1);
  Record(*request, reply, called_ns, client.number);
  if (repeatable && reply.outcome == Outcome::kOk && kind != Kind::kOne && client.random.Chance(0.1)) {
    ++busy_;
    Spawn(RepeatLater(request, reply.versions, number));
  }
  if (kind != Kind::kCold) co_return;
  for (const std::string& key : request->keys) {
    Element& element = elements_[key];
    (remove ? *element.removed : element.added) = reply.outcome;
    if (!remove && reply.outcome == Outcome::kOk) client.cold.push_back(key);
  }
}

Task<void> Workload::ReadSome(Client& client, Kind kind, std::string key) {
  ++tally_.reads;
  auto request = std::make_shared<Request>();
  request->kind = kind;
  request->level = LevelOf(kind, true);
  request->keys = {std::move(key)};
  const int64_t called_ns = world_.NowNs();
  const Reply reply = co_await Insist(client, request, 2);
  Record(*request, reply, called_ns, client.number);
}

Task<void> Workload::SearchAll(Client& client) {
  ++tally_.searches;
  auto request = std::make_shared<Request>();
  request->what = Request::What::kSearch;
  std::vector<std::string> must;
  std::vector<std::string> must_not;
  for (const auto& [key, element] : elements_) {
    if (element.removed && *element.removed == Outcome::kOk) must_not.push_back(RegisterOf(key));
    if (element.added == Outcome::kOk && !element.removed) must.push_back(RegisterOf(key));
  }
  const int64_t called_ns = world_.NowNs();
  const Reply reply = co_await Attempt(client, request);
  if (reply.outcome != Outcome::kOk) co_return;
  // What others began to delete meanwhile may be gone.
  std::erase_if(must, [this](const std::string& key) {
    const auto element = elements_.find(std::string(key.substr(key.find("cold"))));
    return element == elements_.end() || element->second.removed.has_value();
  });
  CheckSearch(reply, called_ns, must, must_not);
}

void Workload::CheckSearch(const Reply& reply, int64_t called_ns, const std::vector<std::string>& must,
                           const std::vector<std::string>& must_not) {
  const std::set<std::string> found(reply.found.begin(), reply.found.end());
  for (const std::string& key : must) {
    if (!found.contains(key)) {
      return world_.Fail(fmt::format("a search at quorum, begun at {:.6f} s, does not find {}, acknowledged before",
                                     static_cast<double>(called_ns) / kSecond, key.substr(key.find("cold"))));
    }
  }
  for (const std::string& key : must_not) {
    if (found.contains(key)) {
      return world_.Fail(fmt::format("a search at quorum, begun at {:.6f} s, finds {}, deleted before",
                                     static_cast<double>(called_ns) / kSecond, key.substr(key.find("cold"))));
    }
  }
}

// Exactly as the first time, through whatever member: the answer is the same, and nothing is done again.
Task<void> Workload::RepeatLater(std::shared_ptr<Request> request, std::vector<Version> acknowledged, uint64_t label) {
  Client again;
  again.number = 2000;
  again.random = Random::Of(world_.seed(), 0x20000 + label);
  const int64_t due_ns = world_.NowNs() + again.random.Between(kMillisecond, kLaterNsMax);
  while (!finishing_ && world_.NowNs() < due_ns) {
    if (!co_await fabric::Sleep(loop_, std::min(due_ns - world_.NowNs(), 250 * kMillisecond))) break;
  }
  if (!finishing_ && !loop_.stopping()) {
    ++tally_.repeats_of_settled;
    const Reply reply = co_await Attempt(again, request);
    if (reply.status.code() == Code::kInvalidArgument) {
      world_.Fail("a request that came again is taken for another: " + reply.status.ToString());
    }
    for (size_t i = 0; reply.outcome == Outcome::kOk && i < acknowledged.size(); ++i) {
      if (reply.versions.at(i) >= acknowledged[i]) continue;
      world_.Fail(request->keys[i] + ": a request that came again is answered with a lower version");
    }
  }
  --busy_;
}

void Workload::Settle(uint64_t content) {
  const auto writer = writers_.find(content);
  // Of a batch over several shards one key tells nothing about the others.
  if (writer != writers_.end() && writer->second->keys.size() == 1)
    writer->second->settled_ns = std::min(writer->second->settled_ns, world_.NowNs());
}

Task<Workload::Reply> Workload::Insist(Client& client, std::shared_ptr<Request> request, int attempts) {
  bool perhaps = false;
  int effects = 0;  // that there may have been so far
  Reply reply;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    if (attempt > 0) {
      ++tally_.retries;
      if (!co_await fabric::Sleep(loop_, client.random.Between(1, 50 << attempt) * kMillisecond)) break;
    }
    const int64_t called_ns = world_.NowNs();
    const bool settled = request->settled_ns < called_ns;
    reply = co_await Attempt(client, request);
    if (reply.outcome == Outcome::kFailed) continue;
    // The first effect is the one that Record tells of.
    if (settled) {
      ++tally_.repeats_of_settled;
    } else if (++effects > 1) {
      RecordAttempt(*request, called_ns, client.number);
    }
    if (reply.outcome == Outcome::kOk) co_return reply;
    perhaps = true;
  }
  if (perhaps) reply.outcome = Outcome::kUnknown;
  co_return reply;
}

Task<Workload::Reply> Workload::Attempt(Client& client, std::shared_ptr<Request> request) {
  const auto process = cluster_.AnyServing(client.random);
  Reply reply;
  if (process == nullptr) {
    reply.outcome = Outcome::kFailed;
    reply.status = Status::Unavailable("nobody serves");
    co_return reply;
  }
  const auto answer = loop_.Expect<Reply>();
  // To the member and back: the client is a machine of its own, which faults leave alone.
  world_.In(client.random.Between(50'000, kMillisecond), [this, process, request, answer] {
    if (!process->alive()) return;
    process->loop().Post([this, process, request, answer] {
      if (process->alive()) process->Run(Carry(process, request, answer));
    });
  });
  world_.In(2 * kPatienceNs, [answer] { answer.Set(Result<Reply>(Status::DeadlineExceeded("the client gave up"))); });
  Result<Reply> result = co_await answer;
  if (result.ok()) co_return std::move(result).value();
  reply.status = result.status();
  co_return reply;
}

Task<void> Workload::Carry(std::shared_ptr<Process> process, std::shared_ptr<Request> request,
                           OneShot<Result<Reply>> answer) {
  Reply reply;
  switch (request->what) {
    case Request::What::kWrite: co_await CarryWrite(*process, *request, reply); break;
    case Request::What::kRead: co_await CarryRead(*process, *request, reply); break;
    case Request::What::kSearch: co_await CarrySearch(*process, reply); break;
  }
  if (!process->alive()) co_return;  // it died with the answer on its lips
  if (!reply.status.ok()) {
    const bool unknown = reply.status.code() == Code::kDeadlineExceeded;
    reply.outcome = unknown ? Outcome::kUnknown : Outcome::kFailed;
  } else {
    reply.outcome = Outcome::kOk;
  }
  answer.Set(Result<Reply>(reply));
}

Task<void> Workload::CarryWrite(Process& process, Request& request, Reply& reply) {
  const auto collection = CollectionAt(process);
  reply.status = collection.status();
  if (!collection.ok()) co_return;
  std::map<ShardNumber, std::vector<size_t>> parts;  // positions of the keys
  for (size_t i = 0; i < request.keys.size(); ++i) {
    parts[ShardOf(*collection, RegisterOf(request.keys[i]))].push_back(i);
  }
  const int64_t deadline_ns = process.loop().NowNs() + kPatienceNs;
  reply.versions.resize(request.keys.size());
  std::vector<Status> outcomes;
  for (const auto& [shard, positions] : parts) {
    fabric::WriteCommand command;
    command.shard = shard;
    for (const size_t i : positions) command.operations.push_back(Put(request.keys[i], request.contents[i]));
    command.level = request.level;
    command.request = request.stamp;
    command.context.deadline_ns = deadline_ns;
    const auto receipt = co_await process.member().coordinator().Write(std::move(command));
    outcomes.push_back(receipt.status());
    for (size_t i = 0; receipt.ok() && i < positions.size(); ++i) {
      reply.versions[positions[i]] = receipt->versions[i];
    }
  }
  reply.status = Joined(outcomes);
  // Whether or not the client hears of it. What one owner acknowledged, others need not know.
  const bool settled = reply.status.ok() && request.level != Level::kOne;
  if (settled) request.settled_ns = std::min(request.settled_ns, world_.NowNs());
}

Task<void> Workload::CarryRead(Process& process, const Request& request, Reply& reply) {
  const auto collection = CollectionAt(process);
  reply.status = collection.status();
  if (!collection.ok()) co_return;
  fabric::ReadCommand command;
  command.keys = {RegisterOf(request.keys.front())};
  command.shard = ShardOf(*collection, command.keys.front());
  command.level = request.level;
  command.context.deadline_ns = process.loop().NowNs() + kPatienceNs;
  const auto registers = co_await process.member().coordinator().Read(std::move(command));
  reply.status = registers.status();
  if (!registers.ok()) co_return;
  const std::optional<Operation>& found = registers->front();
  reply.content = ContentOf(found);
  reply.versions = {found ? found->version : Version{}};
}

// As cluster::Cluster asks: when a shard is not there any more, once more with the shards that are.
Task<void> Workload::CarrySearch(Process& process, Reply& reply) {
  fabric::CallContext context;
  context.deadline_ns = process.loop().NowNs() + kPatienceNs;
  ShardNumber asked = 0;
  do {
    const auto collection = CollectionAt(process);
    reply = {};
    reply.status = collection.status();
    if (!collection.ok()) co_return;
    asked = collection->first_shard;
    co_await SearchOnce(process, *collection, context, reply);
  } while (process.alive() && reply.status.code() == Code::kNotFound && CollectionAt(process).ok() &&
           CollectionAt(process)->first_shard != asked);
}

// The search protocol at quorum (docs/consistency.md): candidates from a majority of every shard, then the newest
// version of each candidate; what has been deleted since drops out.
Task<void> Workload::SearchOnce(Process& process, fabric::CollectionRecord collection, fabric::CallContext context,
                                Reply& reply) {
  fabric::QueryCommand command;
  for (uint32_t p = 0; p < collection.partitions; ++p) command.shards.push_back(collection.first_shard + p);
  command.level = Planted(Bug::kSearchIgnoresTombstones) ? Level::kOne : Level::kQuorum;
  command.context = context;
  const fabric::QueryAnswers answers = co_await process.member().coordinator().Query(std::move(command));
  for (const auto& [shard, failure] : answers.failed) {
    if (reply.status.code() != Code::kNotFound) reply.status = failure;
  }
  if (!reply.status.ok()) co_return;
  std::map<ShardNumber, std::map<std::string, Version>> candidates;
  for (const auto& part : answers.parts) {
    // A part answers for several shards at once; whose a key is, routing tells.
    const auto entries = format::DecodeRegisterVersions(part.answer);
    reply.status = entries.status();
    if (!entries.ok()) co_return;
    for (const format::RegisterVersion& entry : *entries) {
      Version& version = candidates[ShardOf(collection, entry.key)][entry.key];
      version = std::max(version, entry.version);
    }
  }
  for (const auto& [shard, entries] : candidates) {
    fabric::ReadCommand read{shard, {}, Level::kQuorum, context};
    for (const auto& [key, version] : entries) read.keys.push_back(key);
    if (Planted(Bug::kSearchIgnoresTombstones)) {
      for (const auto& [key, version] : entries) reply.found.push_back(key);
      continue;
    }
    const std::vector<std::string> keys = read.keys;
    const auto newest = co_await process.member().coordinator().Versions(std::move(read));
    reply.status = newest.status();
    if (!newest.ok()) co_return;
    for (size_t i = 0; i < keys.size(); ++i) {
      if (!newest->tombstones[i]) reply.found.push_back(keys[i]);
    }
  }
}

void Workload::RecordAttempt(const Request& request, int64_t called_ns, uint32_t client) {
  if (request.what != Request::What::kWrite) return;
  ++tally_.repeats_of_open;
  for (size_t i = 0; i < request.keys.size(); ++i) {
    Observation seen;
    seen.kind = Observation::Kind::kWrite;
    seen.outcome = Outcome::kUnknown;
    seen.called_ns = called_ns;
    seen.content = request.contents[i];
    seen.client = client;
    HistoriesOf(request.kind)[request.keys[i]].push_back(seen);
  }
}

void Workload::Record(const Request& request, const Reply& reply, int64_t called_ns, uint32_t client) {
  tally_.failed += reply.outcome == Outcome::kFailed;
  tally_.unknown += reply.outcome == Outcome::kUnknown;
  const bool writing = request.what == Request::What::kWrite;
  for (size_t i = 0; i < request.keys.size(); ++i) {
    Observation seen;
    seen.kind = writing ? Observation::Kind::kWrite : Observation::Kind::kRead;
    seen.outcome = reply.outcome;
    seen.called_ns = called_ns;
    seen.returned_ns = reply.outcome == Outcome::kUnknown ? kNever : world_.NowNs();
    seen.content = writing ? request.contents[i] : reply.content;
    seen.client = client;
    if (reply.outcome == Outcome::kOk) seen.version = reply.versions.at(i);
    if (!writing && seen.outcome == Outcome::kOk && request.level == Level::kQuorum) Settle(seen.content);
    world_.Note("client", request.keys[i] + ": " + seen.ToString());
    if (!reply.status.ok()) world_.Say("  because " + reply.status.ToString());
    HistoriesOf(request.kind)[request.keys[i]].push_back(std::move(seen));
  }
}

void Workload::ReadEverything() {
  std::vector<std::pair<std::string, Kind>> keys;
  for (const auto& [key, history] : quorum_) keys.emplace_back(key, elements_.contains(key) ? Kind::kCold : Kind::kHot);
  for (const auto& [key, history] : all_) keys.emplace_back(key, Kind::kAll);
  for (const auto& [key, history] : one_) keys.emplace_back(key, Kind::kOne);
  final_reads_left_ = keys.size();
  for (const auto& [key, kind] : keys) Spawn(ReadFinally(key, kind));
}

Task<void> Workload::ReadFinally(std::string key, Kind kind) {
  Client reader;
  reader.number = 1000;
  reader.random = Random::Of(world_.seed(), Checksum(key));
  auto request = std::make_shared<Request>();
  request->kind = kind;
  request->keys = {key};
  const int64_t called_ns = world_.NowNs();
  const Reply reply = co_await Insist(reader, request, kAttempts);
  if (reply.outcome == Outcome::kOk) {
    Record(*request, reply, called_ns, reader.number);
    if (reply.content != 0) present_[key] = reply.content;
    --final_reads_left_;
  } else if (!loop_.stopping()) {
    world_.Fail("after everything has healed, a read fails: " + reply.status.ToString());
  }
}

}  // namespace rhizome::sim
