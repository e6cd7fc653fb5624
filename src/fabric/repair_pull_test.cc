#include <gtest/gtest.h>

#include "fabric/repair.h"
#include "fabric/test_world.h"

namespace rhizome::fabric {
namespace {

using format::Operation;
using format::Point;
using format::PointId;
using format::RegisterVersion;
using format::UpsertPoint;

constexpr ShardNumber kShard = 5;
constexpr MemberNumber kSelf = 1;
constexpr MemberNumber kOther = 2;

using Registers = std::map<std::string, Operation>;

format::RangeDigest DigestOf(const Registers& registers, uint32_t bits) {
  format::RangeDigest digest(bits);
  for (const auto& [key, operation] : registers) AddToDigest(digest, {key, operation.version, false});
  return digest;
}

Registers Some(uint64_t count, uint64_t version) {
  Registers registers;
  for (uint64_t id = 0; id < count; ++id) {
    Operation operation{Version{version, 1}, UpsertPoint{Point{PointId(id), {}, "", "text", ""}}};
    registers[operation.Key()] = std::move(operation);
  }
  return registers;
}

// The replica of the member that pulls: what a pull asks of it, at no cost of time.
class PullingStore : public ReplicaStore {
 public:
  Task<Status> Apply(ShardNumber, std::string batch) override {
    const format::OperationBatch decoded = format::DecodeOperationBatch(batch).value();
    for (const Operation& operation : decoded.operations) held[operation.Key()] = operation;
    co_return Status::Ok();
  }
  Task<Result<VersionsRequest::Reply>> Versions(ShardNumber, std::vector<std::string> keys, std::string) override {
    VersionsRequest::Reply reply;
    for (const std::string& key : keys) {
      const auto found = held.find(key);
      reply.versions.push_back(found == held.end() ? Version{} : found->second.version);
      reply.tombstones.push_back(false);
    }
    co_return reply;
  }
  Task<Result<format::RangeDigest>> Digest(ShardNumber, uint32_t bits, std::optional<Version>) override {
    co_return DigestOf(held, bits);
  }
  Task<Result<ReadRequest::Reply>> Read(ShardNumber, std::vector<std::string>) override { co_return Never(); }
  Task<Result<std::string>> Query(std::vector<ShardNumber>, std::string) override { co_return Never(); }
  Task<Result<format::InventoryPage>> Inventory(InventoryRequest) override { co_return Never(); }
  Task<Status> Collect(ShardNumber, Version) override { co_return Never(); }
  Task<Result<format::RequestPage>> Requests(ShardNumber, std::string, uint32_t) override { co_return Never(); }
  Task<Result<ScanRequest::Reply>> Scan(ScanRequest) override { co_return Never(); }
  Task<Result<std::vector<std::string>>> Join(ShardNumber, std::vector<std::string>) override { co_return Never(); }
  Task<Status> Probe() override { co_return Never(); }
  Task<Status> Open(ShardSpec) override { co_return Never(); }
  Task<Status> MarkComplete(ShardNumber, uint64_t) override { co_return Never(); }
  Task<Status> Drop(ShardNumber) override { co_return Never(); }
  std::vector<Held> List() override { return {}; }

  Registers held;

 private:
  static Status Never() { return Status::Internal("a pull does not ask for this"); }
};

class RepairPull : public testing::Test {
 protected:
  RepairPull() {
    network_.answers[kOther] = [this](const Request& request) { return Answer(request); };
  }

  // The member pulled from.
  Result<std::string> Answer(const Request& request) {
    ++answered_;
    if (const auto* digest = std::get_if<DigestRequest>(&request)) {
      return EncodeReply(DigestRequest::Reply{DigestOf(theirs_, digest->bits)});
    }
    if (const auto* inventory = std::get_if<InventoryRequest>(&request)) {
      pages_ms_.push_back(loop_.NowNs() / kTestMs);
      return EncodeReply(InventoryRequest::Reply{PageOf(circles_ ? "" : inventory->after, inventory->limit)});
    }
    ReadRequest::Reply reply;
    for (const std::string& key : std::get<ReadRequest>(request).keys) reply.registers.emplace_back(theirs_.at(key));
    return EncodeReply(reply);
  }
  Result<PullReport> Pull() { return loop_.Run(repair_.Pull({kShard, 1}, kOther)); }
  format::InventoryPage PageOf(const std::string& after, uint32_t limit) const {
    format::InventoryPage page;
    for (auto it = theirs_.upper_bound(after); it != theirs_.end(); ++it) {
      if (page.entries.size() == limit) {
        page.next = page.entries.back().key;
        break;
      }
      page.entries.push_back({it->first, it->second.version, false});
    }
    return page;
  }

  TestLoop loop_;
  TestNetwork network_{loop_};
  TestTruth truth_{loop_};
  Settings settings_;
  Peers peers_{loop_, settings_, kSelf};
  Caller caller_{loop_, network_, peers_, settings_};
  Directory directory_{loop_, truth_, settings_};
  PullingStore store_;
  Splitter splitter_{loop_, directory_, store_, settings_};
  Repair repair_{caller_, directory_, {store_, splitter_}, settings_, kSelf};
  Registers theirs_;
  int answered_ = 0;
  std::vector<int64_t> pages_ms_;  // when each was answered
  bool circles_ = false;           // the other member gives its first page for ever
};

TEST_F(RepairPull, APullBringsWhatIsNewerThere) {
  theirs_ = Some(450, 7);
  store_.held = Some(500, 6);
  const PullReport report = Pull().value();
  EXPECT_EQ(report.copied, 450U);
  EXPECT_EQ(store_.held.size(), 500U);
  EXPECT_EQ(store_.held.at(theirs_.begin()->first).version, (Version{7, 1}));
}

TEST_F(RepairPull, APullOfEqualReplicasAsksForOneDigest) {
  theirs_ = store_.held = Some(50, 7);
  EXPECT_EQ(Pull()->compared, 0U);
  EXPECT_EQ(answered_, 1);
}

TEST_F(RepairPull, APullPausesBetweenPages) {
  theirs_ = Some(50, 7);
  settings_.repair_page_keys = 20;
  settings_.repair_pause_ms = 90;
  ASSERT_EQ(Pull()->copied, 50U);
  ASSERT_EQ(pages_ms_.size(), 3U);
  for (size_t i = 1; i < pages_ms_.size(); ++i) EXPECT_GE(pages_ms_[i] - pages_ms_[i - 1], 90) << i;
}

TEST_F(RepairPull, PagesThatGoInCirclesEndThePull) {
  theirs_ = Some(50, 7);
  settings_.repair_page_keys = 20;
  circles_ = true;
  EXPECT_EQ(Pull().status().code(), Code::kCorruption);
}

}  // namespace
}  // namespace rhizome::fabric
