#include "fabric/repair.h"

#include <gtest/gtest.h>

#include "fabric/test_world.h"

namespace rhizome::fabric {
namespace {

using format::RequestFate;

constexpr Target kTarget{5, 1};
constexpr MemberNumber kSource = 2;

// A replica that takes batches and knows nothing else.
class TakingStore final : public ReplicaStore {
 public:
  Task<Status> Apply(ShardNumber, std::string batch) override {
    if (refuses.ok()) taken.push_back(format::DecodeOperationBatch(batch).value());
    co_return refuses;
  }
  Task<Result<VersionsRequest::Reply>> Versions(ShardNumber, std::vector<std::string> keys, std::string) override {
    co_return VersionsRequest::Reply{std::vector<Version>(keys.size()), std::vector<bool>(keys.size()), {}, 0};
  }
  Task<Result<ReadRequest::Reply>> Read(ShardNumber, std::vector<std::string>) override { co_return Absent(); }
  Task<Result<std::string>> Query(std::vector<ShardNumber>, std::string) override { co_return Absent(); }
  Task<Result<format::RangeDigest>> Digest(ShardNumber, uint32_t bits, std::optional<Version>) override {
    co_return format::RangeDigest(bits);
  }
  Task<Result<format::InventoryPage>> Inventory(InventoryRequest) override { co_return Absent(); }
  Task<Status> Collect(ShardNumber, Version) override { co_return Absent(); }
  Task<Result<format::RequestPage>> Requests(ShardNumber, std::string, uint32_t) override { co_return Absent(); }
  Task<Result<ScanRequest::Reply>> Scan(ScanRequest) override { co_return Absent(); }
  Task<Result<std::vector<std::string>>> Join(ShardNumber, std::vector<std::string>) override { co_return Absent(); }
  Task<Status> Probe() override { co_return Absent(); }
  Task<Status> Open(ShardSpec) override { co_return Absent(); }
  Task<Status> MarkComplete(ShardNumber, uint64_t) override { co_return Absent(); }
  Task<Status> Drop(ShardNumber) override { co_return Absent(); }
  std::vector<Held> List() override { return {}; }

  std::vector<format::OperationBatch> taken;
  Status refuses;

 private:
  static Status Absent() { return Status::NotFound("not asked for in these tests"); }
};

class RepairTest : public testing::Test {
 protected:
  ~RepairTest() override { loop_.Stop(); }

  // The source answers with these pages, one after the other.
  void Answer(std::vector<Result<format::RequestPage>> pages) {
    network_.answers[kSource] = [pages, next = size_t{0}](const Request& request) mutable -> Result<std::string> {
      CHECK(std::holds_alternative<RequestsRequest>(request) && next < pages.size());
      const auto& page = pages[next++];
      if (!page.ok()) return page.status();
      return EncodeReply(RequestsRequest::Reply{*page});
    };
  }
  Status PullRequests() { return loop_.Run(repair_.PullRequests(kTarget, kSource)); }
  static RequestFate Fate(uint8_t key) { return {{key}, {{5, 1}, key}}; }

  TestLoop loop_;
  Settings settings_;
  TestTruth truth_{loop_};
  TestNetwork network_{loop_};
  Peers peers_{loop_, settings_, 1};
  Caller caller_{loop_, network_, peers_, settings_};
  Directory directory_{loop_, truth_, settings_};
  TakingStore store_;
  Splitter splitter_{loop_, directory_, store_, settings_};
  Repair repair_{caller_, directory_, {store_, splitter_}, settings_, 1};
};

TEST_F(RepairTest, RequestsArePulledPageByPage) {
  Answer({format::RequestPage{{Fate(1), Fate(2)}, format::ToBytes({2})}, format::RequestPage{{Fate(3)}, ""}});
  ASSERT_TRUE(PullRequests().ok());
  ASSERT_EQ(store_.taken.size(), 2u);
  EXPECT_EQ(store_.taken[0].fates, (std::vector{Fate(1), Fate(2)}));
  EXPECT_EQ(store_.taken[1].fates, std::vector{Fate(3)});
  EXPECT_EQ(network_.Asked<RequestsRequest>()[1].second.after, format::ToBytes({2}));
}

TEST_F(RepairTest, WhereNothingIsRememberedNothingIsWritten) {
  Answer({format::RequestPage{}});
  ASSERT_TRUE(PullRequests().ok());
  EXPECT_TRUE(store_.taken.empty());
}

TEST_F(RepairTest, PagesOfRequestsThatTurnInCirclesAreRefused) {
  Answer({format::RequestPage{{Fate(2)}, format::ToBytes({2})}, format::RequestPage{{Fate(1)}, format::ToBytes({1})}});
  EXPECT_EQ(PullRequests().code(), Code::kCorruption);
  EXPECT_EQ(store_.taken.size(), 1u);
}

TEST_F(RepairTest, ASourceThatRefusesItsRequestsIsNotCopied) {
  Answer({format::RequestPage{{Fate(1)}, format::ToBytes({1})}, StaleEpoch(2)});
  EXPECT_TRUE(IsStaleEpoch(PullRequests()));
}

TEST_F(RepairTest, RequestsThatCannotBeWrittenHereFailThePull) {
  Answer({format::RequestPage{{Fate(1)}, ""}});
  store_.refuses = Status::NoSpace("full");
  EXPECT_EQ(PullRequests().code(), Code::kNoSpace);
}

// Registers come with the requests they are of.
TEST_F(RepairTest, APulledRegisterKeepsItsStamp) {
  const format::Operation there{{9, 1}, format::DeletePoint{format::PointId(7)}, {{{1}, 77}}};
  network_.answers[kSource] = [&there](const Request& request) -> Result<std::string> {
    const format::RegisterVersion entry{there.Key(), there.version, true};
    if (const auto* digest = std::get_if<DigestRequest>(&request)) {
      DigestRequest::Reply reply{format::RangeDigest(digest->bits)};
      format::AddToDigest(reply.digest, entry);
      return EncodeReply(reply);
    }
    if (std::holds_alternative<InventoryRequest>(request)) return EncodeReply(InventoryRequest::Reply{{{entry}, ""}});
    return EncodeReply(ReadRequest::Reply{{there}});
  };
  ASSERT_TRUE(loop_.Run(repair_.Pull(kTarget, kSource)).ok());
  ASSERT_EQ(store_.taken.size(), 1u);
  EXPECT_EQ(store_.taken[0].operations, std::vector{there});
}

}  // namespace
}  // namespace rhizome::fabric
