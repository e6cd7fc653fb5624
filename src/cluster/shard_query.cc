#include "cluster/shard_query.h"

#include <algorithm>
#include <atomic>
#include <unordered_map>

#include "base/clock.h"
#include "base/mutex.h"
#include "cluster/merge.h"
#include "format/register.h"

namespace rhizome::cluster {

using format::PointId;
using vector::Candidates;

namespace {

// A thread that is woken costs tens of microseconds of processor time, here and there.
constexpr int64_t kWorthHelpNs = 300'000;

// Work numbered 0 to count - 1, done by whoever comes: the caller and what threads of the pool are free.
class Shared {
 public:
  Shared(size_t count, std::function<void(size_t)> work) : count_(count), work_(std::move(work)) {}

  void Run() EXCLUDES(mutex_) {
    for (size_t i = next_.fetch_add(1); i < count_; i = next_.fetch_add(1)) {
      work_(i);
      const MutexLock lock(mutex_);
      if (++done_ == count_) all_done_.NotifyAll();
    }
  }
  void Wait() EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    while (done_ < count_) all_done_.Wait(mutex_);
  }

 private:
  const size_t count_;
  const std::function<void(size_t)> work_;
  std::atomic<size_t> next_{0};
  Mutex mutex_;
  CondVar all_done_;
  size_t done_ GUARDED_BY(mutex_) = 0;
};

// Alone as long as what is left takes less than waking others is worth. How much has been done.
size_t Alone(size_t count, const std::function<void(size_t)>& work) {
  int64_t longest_ns = 0;
  size_t done = 0;
  int64_t now_ns = SystemClock().MonotonicNs();
  while (done < count && static_cast<int64_t>(count - done) * longest_ns < kWorthHelpNs) {
    work(done++);
    const int64_t began_ns = std::exchange(now_ns, SystemClock().MonotonicNs());
    longest_ns = std::max(longest_ns, now_ns - began_ns);
  }
  return done;
}

// Nothing waits for a thread that never comes: what nobody else has begun the caller does itself.
void InParallel(WorkerPool& pool, size_t count, const std::function<void(size_t)>& work) {
  const size_t done = Alone(count, work);
  if (done == count) return;
  const auto shared = std::make_shared<Shared>(count - done, [&work, done](size_t i) { work(done + i); });
  for (size_t i = done + 1; i < count; ++i) {
    std::function<void()> task = [shared] { shared->Run(); };
    if (pool.load().queued > 0 || !pool.TrySubmit(task)) break;
  }
  shared->Run();
  shared->Wait();
}

// `ask` of each shard; the first failure, naming its shard.
template <typename T>
Result<std::vector<T>> AskAll(const std::vector<AskedShard>& shards, WorkerPool& pool,
                              const std::function<Result<T>(const vector::VectorEngine&)>& ask) {
  std::vector<std::optional<Result<T>>> answers(shards.size());
  InParallel(pool, shards.size(), [&](size_t i) { answers[i].emplace(ask(shards[i].shard->engine())); });
  std::vector<T> all;
  for (size_t i = 0; i < shards.size(); ++i) {
    if (!answers[i]->ok()) return answers[i]->status().Annotate("shard " + std::to_string(shards[i].number));
    all.push_back(std::move(*answers[i]).value());
  }
  return all;
}

// Which of the shards each id was found in.
using Homes = std::unordered_map<std::string, size_t>;

Homes HomesOf(const std::vector<Candidates>& found) {
  Homes homes;
  for (size_t i = 0; i < found.size(); ++i) {
    for (const auto* leg : {&found[i].dense, &found[i].text}) {
      for (const vector::Candidate& candidate : *leg) homes.emplace(candidate.id.Encode(), i);
    }
  }
  return homes;
}

// The best `depth` of each leg over all shards.
Candidates MergeLegs(std::vector<Candidates> found, uint32_t depth) {
  std::vector<std::vector<vector::Candidate>> dense, text;
  for (Candidates& of_shard : found) {
    dense.push_back(std::move(of_shard.dense));
    text.push_back(std::move(of_shard.text));
  }
  return {MergeByScore(std::move(dense), depth), MergeByScore(std::move(text), depth)};
}

void Strip(StoredPointView& stored, bool with_payload) {
  if (with_payload) return;
  stored.point.title.clear();
  stored.point.text.clear();
  stored.point.payload.clear();
}

Status FillVersions(const std::vector<AskedShard>& shards, const Homes& homes,
                    std::vector<SearchQuery::Candidate>& leg) {
  std::vector<std::vector<std::string>> keys(shards.size());
  std::vector<std::vector<size_t>> places(shards.size());
  for (size_t i = 0; i < leg.size(); ++i) {
    const size_t home = homes.at(leg[i].id.Encode());
    keys[home].push_back(format::RegisterOf(leg[i].id));
    places[home].push_back(i);
  }
  for (size_t s = 0; s < shards.size(); ++s) {
    if (keys[s].empty()) continue;
    ASSIGN_OR_RETURN(const auto versions, shards[s].shard->engine().Versions(keys[s]));
    for (size_t i = 0; i < versions.size(); ++i) leg[places[s][i]].version = versions[i].version;
  }
  return Status::Ok();
}

std::vector<SearchQuery::Candidate> Unversioned(const std::vector<vector::Candidate>& leg) {
  std::vector<SearchQuery::Candidate> out;
  out.reserve(leg.size());
  for (const vector::Candidate& candidate : leg) out.push_back({candidate.id, candidate.score, {}});
  return out;
}

// What the best of this member alone would show; most of what the whole answer shows is among it.
Status FillPoints(const std::vector<AskedShard>& shards, const Homes& homes, const SearchRequest& request,
                  const Candidates& merged, std::vector<StoredPointView>& points) {
  if (!request.with_payload && !request.with_vector) return Status::Ok();
  std::vector<std::vector<PointId>> ids(shards.size());
  for (vector::Candidate& best : Rank(request, {merged})) {
    ids[homes.at(best.id.Encode())].push_back(std::move(best.id));
  }
  for (size_t s = 0; s < shards.size(); ++s) {
    if (ids[s].empty()) continue;
    ASSIGN_OR_RETURN(auto found, shards[s].shard->engine().Get(ids[s], request.with_vector));
    for (auto& point : found) {
      if (!point) continue;  // deleted since it was found
      points.push_back({std::move(point->point), point->version});
      Strip(points.back(), request.with_payload);
    }
  }
  return Status::Ok();
}

Result<std::string> Answer(const std::vector<AskedShard>& shards, const SearchQuery& asked, WorkerPool& pool) {
  const SearchRequest& request = asked.request;
  vector::Query query;
  if (request.mode != SearchMode::kText) query.vector = request.vector;
  if (request.mode != SearchMode::kDense) query.text = request.text;
  query.depth = asked.depth;
  query.filter = request.filter.get();
  query.exact = request.exact;
  query.ef = request.ef;
  ASSIGN_OR_RETURN(std::vector<Candidates> found,
                   AskAll<Candidates>(shards, pool, [&](const auto& engine) { return engine.Search(query); }));
  const Homes homes = HomesOf(found);
  const Candidates merged = MergeLegs(std::move(found), asked.depth);
  SearchQuery::Reply reply{Unversioned(merged.dense), Unversioned(merged.text), {}};
  if (asked.with_versions) {
    RETURN_IF_ERROR(FillVersions(shards, homes, reply.dense));
    RETURN_IF_ERROR(FillVersions(shards, homes, reply.text));
  }
  RETURN_IF_ERROR(FillPoints(shards, homes, request, merged, reply.points));
  return EncodeReply(reply);
}

Result<std::string> Answer(const std::vector<AskedShard>& shards, const FetchQuery& asked, WorkerPool& pool) {
  using Points = std::vector<std::optional<vector::FetchedPoint>>;
  ASSIGN_OR_RETURN(std::vector<Points> found, AskAll<Points>(shards, pool, [&](const auto& engine) {
                     return engine.Get(asked.ids, asked.with_vector);
                   }));
  FetchQuery::Reply reply;
  for (Points& of_shard : found) {
    for (auto& point : of_shard) {
      if (!point) continue;
      reply.points.push_back({std::move(point->point), point->version});
      Strip(reply.points.back(), asked.with_payload);
    }
  }
  return EncodeReply(reply);
}

Result<std::string> Answer(const std::vector<AskedShard>& shards, const ScrollQuery& asked, WorkerPool& pool) {
  const ScrollRequest& request = asked.request;
  ASSIGN_OR_RETURN(std::vector<vector::Page> pages, AskAll<vector::Page>(shards, pool, [&](const auto& engine) {
                     return engine.Scroll(request.after, request.limit, request.filter.get(),
                                          request.with_vector && !asked.ids_only);
                   }));
  ScrollQuery::Reply reply;
  std::vector<std::pair<std::string, StoredPointView>> sorted;
  for (vector::Page& page : pages) {
    reply.more = reply.more || page.next.has_value();
    for (vector::FetchedPoint& point : page.points) {
      std::string key = point.point.id.Encode();
      sorted.emplace_back(std::move(key), StoredPointView{std::move(point.point), point.version});
    }
  }
  // Each shard gave its first `limit`; the first of all of them are among these.
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  if (sorted.size() > request.limit) {
    sorted.resize(request.limit);
    reply.more = true;
  }
  for (auto& [key, stored] : sorted) {
    reply.points.push_back(std::move(stored));
    Strip(reply.points.back(), !asked.ids_only);
  }
  return EncodeReply(reply);
}

Result<std::string> Answer(const std::vector<AskedShard>& shards, const CountQuery& asked, WorkerPool& pool) {
  ASSIGN_OR_RETURN(const std::vector<uint64_t> counts, AskAll<uint64_t>(shards, pool, [&](const auto& engine) {
                     return engine.Count(asked.filter.get());
                   }));
  CountQuery::Reply reply;
  for (size_t i = 0; i < shards.size(); ++i) {
    reply.shards.push_back({shards[i].number, counts[i], shards[i].shard->engine().documents()});
  }
  return EncodeReply(reply);
}

Result<std::string> Answer(const std::vector<AskedShard>& shards, const ContentQuery& asked, WorkerPool& pool) {
  using Holder = std::optional<PointId>;
  ASSIGN_OR_RETURN(std::vector<Holder> found, AskAll<Holder>(shards, pool, [&](const auto& engine) {
                     return engine.FindContent(asked.content_hash);
                   }));
  ContentQuery::Reply reply;
  for (Holder& holder : found) {
    if (holder) reply.holders.push_back(std::move(*holder));
  }
  return EncodeReply(reply);
}

}  // namespace

Result<std::string> AnswerQuery(const std::vector<AskedShard>& shards, const VectorQuery& query, WorkerPool& pool) {
  return std::visit([&](const auto& asked) { return Answer(shards, asked, pool); }, query);
}

}  // namespace rhizome::cluster
