#include "replica_compare.h"

#include <fmt/format.h>

#include <boost/json/value.hpp>
#include <future>

#include "fabric/message.h"

namespace rhizome::chaos {
namespace {

constexpr uint32_t kBits = 8;
constexpr int64_t kDigestMs = 15'000;

}  // namespace

ReplicaCompare::ReplicaCompare(Fleet& fleet) : fleet_(fleet) {
  rpc::ClientOptions options;
  options.insecure = true;
  client_ = rpc::Client::Create(options).value();
}

Result<std::string> ReplicaCompare::Digest(size_t node, uint32_t shard, uint64_t epoch) {
  std::promise<Result<std::string>> promise;
  auto answer = promise.get_future();
  rpc::CallOptions options;
  options.timeout_ms = kDigestMs;
  options.peer = fleet_.name(node);
  client_->Call(fleet_.rpc_address(node),
                fabric::EncodeRequest(fabric::DigestRequest{{shard, epoch}, kBits, std::nullopt}), options,
                [&promise](Result<std::string> result) { promise.set_value(std::move(result)); });
  return answer.get();
}

Comparison ReplicaCompare::Compare() {
  Comparison comparison;
  const auto sharding = fleet_.Ask("GET", "/cluster/sharding");
  if (!sharding.ok()) return {false, sharding.status().ToString(), 0};
  if (sharding->at("moving").to_number<int64_t>() + sharding->at("waiting").to_number<int64_t>() > 0) {
    return {false, "shards are moving", 0};
  }
  for (const auto& collection : sharding->at("collections").as_array()) {
    for (const auto& shard : collection.at("shards").as_array()) {
      const auto number = shard.at("shard").to_number<uint32_t>();
      const auto epoch = shard.at("epoch").to_number<uint64_t>();
      std::string first;
      for (const auto& replica : shard.at("replicas").as_array()) {
        const std::string node(replica.at("node").as_string());
        const std::string where = fmt::format("shard {} on {}: ", number, node);
        if (replica.at("state").as_string() != "active") {
          return {false, where + std::string(replica.at("state").as_string()), comparison.replicas};
        }
        const auto bytes = Digest(fleet_.Find(node), number, epoch);
        if (!bytes.ok()) return {false, where + bytes.status().ToString(), comparison.replicas};
        if (first.empty()) first = *bytes;
        if (*bytes != first) return {false, where + "differs from its first owner's", comparison.replicas};
        ++comparison.replicas;
      }
    }
  }
  comparison.equal = true;
  return comparison;
}

Result<double> ReplicaCompare::AwaitEqual(int64_t timeout_ms) {
  const int64_t begin_ms = NowMs();
  Comparison comparison;
  while (!(comparison = Compare()).equal) {
    if (NowMs() - begin_ms > timeout_ms) return Status::DeadlineExceeded(comparison.difference);
    SleepMs(100);
  }
  return static_cast<double>(NowMs() - begin_ms) / 1e3;
}

}  // namespace rhizome::chaos
