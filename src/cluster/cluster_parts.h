// What the source files of Cluster share. Internal to cluster.
#pragma once

#include <algorithm>
#include <map>
#include <utility>

#include "base/status.h"
#include "base/task.h"
#include "cluster/cluster.h"

namespace rhizome::cluster {

// A Task that has its value already.
template <typename T>
Task<T> AtOnce(T value) {
  co_return value;
}

template <typename T>
Task<Result<T>> AsResult(Task<T> task) {
  co_return co_await std::move(task);
}

// Of the lowest partition.
Status FirstFailure(const std::map<uint32_t, Status>& failed);

template <typename Q>
std::vector<typename Q::Reply> Cluster::Ask(Call& call, const Q& query, std::map<uint32_t, Status>& failed) {
  constexpr int kReshardingsMax = 3;
  for (int turn = 0;; ++turn) {
    std::map<uint32_t, Status> failures;
    std::vector<typename Q::Reply> replies = AskOnce(call, query, failures);
    const bool gone = std::any_of(failures.begin(), failures.end(),
                                  [](const auto& failure) { return failure.second.code() == Code::kNotFound; });
    if (gone && turn < kReshardingsMax && Renumbered(call)) continue;
    failed.merge(failures);
    return replies;
  }
}

template <typename Q>
std::vector<typename Q::Reply> Cluster::AskOnce(const Call& call, const Q& query, std::map<uint32_t, Status>& failed) {
  fabric::QueryCommand command{call.view.AllShards(), EncodeQuery(VectorQuery(query)), call.level, call.context};
  const auto answers = parts_.calls.One<Result<fabric::QueryAnswers>>(
      [this, command = std::move(command)] { return AsResult(parts_.member.coordinator().Query(command)); });
  std::vector<typename Q::Reply> replies;
  if (!answers.ok()) {
    for (uint32_t p = 0; p < call.view.record.partitions; ++p) failed.emplace(p, answers.status());
    return replies;
  }
  for (const auto& [shard, status] : answers->failed) {
    const uint32_t partition = shard - call.view.record.first_shard;
    failed.emplace(partition, status.Annotate(call.view.Name(partition)));
  }
  for (const fabric::QueryAnswers::Part& part : answers->parts) {
    typename Q::Reply reply;
    const Status decoded = DecodeReply(part.answer, reply);
    if (decoded.ok()) {
      replies.push_back(std::move(reply));
      continue;
    }
    for (const fabric::ShardNumber shard : part.shards) {
      failed.emplace(shard - call.view.record.first_shard, decoded.Annotate("member " + std::to_string(part.member)));
    }
  }
  return replies;
}

}  // namespace rhizome::cluster
