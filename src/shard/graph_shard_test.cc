#include "shard/graph_shard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "format/derivation_builder.h"
#include "format/entity_name.h"
#include "format/graph_key.h"
#include "io/crash_enumeration.h"
#include "io/sim_disk.h"
#include "kv/rocks_file_system.h"

namespace rhizome::shard {
namespace {

using format::GraphOperation;
using format::GraphOrigin;
using format::PointId;

constexpr uint32_t kStream = 5;

PointId Named(std::string_view text) { return PointId::FromString(text).value(); }

GraphOperation Document(const std::string& id, const std::string& says, Version version = {}) {
  format::DerivationBuilder builder;
  const auto subject = builder.Mention(id, "document", 0).value();
  const auto object = builder.Mention(says, "thing", 0).value();
  builder.AddFact({subject, "says", object});
  return {version, format::PutDerivation{{GraphOrigin::Kind::kDocument, Named(id)}, builder.Build()}};
}
GraphOperation Removal(const std::string& id) {
  return {{}, format::DeleteRegister{format::GraphKeyOf({GraphOrigin::Kind::kDocument, Named(id)})}};
}

// A shard with its log and its database on one simulated disk.
class Node {
 public:
  static Result<std::unique_ptr<Node>> Open(io::SimDisk& disk) {
    auto node = std::make_unique<Node>();
    node->env_ = kv::NewDiskEnv(disk);
    kv::StoreOptions options;
    options.env = node->env_.get();
    options.memtable_bytes = 64 << 10;
    ASSIGN_OR_RETURN(node->store_, kv::Store::Open("/db", options));
    ASSIGN_OR_RETURN(node->log_, wal::Log::Open(disk, "/log"));
    ASSIGN_OR_RETURN(auto engine, graph::GraphEngine::Open(*node->store_, {.shard = kStream}));
    node->shard_ = std::make_unique<GraphShard>(kStream, std::move(engine), *node->log_, node->versions_);
    return node;
  }
  Status Replay() {
    return log_->Read(log_->stats().first_lsn, [this](const wal::LogRecord& r) { return shard_->Replay(r); });
  }
  ~Node() {
    shard_.reset();
    log_.reset();
    store_.reset();
  }

  GraphShard* operator->() { return shard_.get(); }
  wal::Log& log() { return *log_; }
  kv::Store& store() { return *store_; }
  SimClock& clock() { return clock_; }
  // "doc says thing", of all documents, ascending.
  Result<std::vector<std::string>> Said() {
    std::vector<std::string> said;
    ASSIGN_OR_RETURN(const auto names, shard_->engine().NamesFrom("doc", "", 1000));
    for (const auto& name : names.entries) {
      graph::FactQuery query{name.entity, graph::Direction::kOut};
      ASSIGN_OR_RETURN(const auto page, shard_->engine().Facts(query));
      for (const auto& fact : page.facts) said.push_back(fact.source.name + " says " + fact.target.name);
    }
    return said;
  }

 private:
  std::unique_ptr<rocksdb::Env> env_;
  SimClock clock_;
  HybridClock versions_{clock_, 1};
  std::unique_ptr<kv::Store> store_;
  std::unique_ptr<wal::Log> log_;
  std::unique_ptr<GraphShard> shard_;
};

class GraphShardTest : public testing::Test {
 protected:
  GraphShardTest() {
    EXPECT_TRUE(disk_.CreateDirectory("/db").ok());
    Open();
  }
  void Open() {
    node_.reset();
    node_ = Node::Open(disk_).value();
  }
  std::vector<std::string> Said() { return node_->Said().value(); }

  io::SimDisk disk_;
  std::unique_ptr<Node> node_;
};

TEST_F(GraphShardTest, AnAcknowledgedWriteIsInTheLogAndVisible) {
  ASSERT_TRUE((*node_)->Write({Document("doc 1", "a")}).ok());
  EXPECT_THAT(Said(), testing::ElementsAre("doc 1 says a"));
  EXPECT_EQ(node_->log().durable_lsn(), 1u);
  EXPECT_EQ((*node_)->engine().applied_lsn(), 1u);
}

TEST_F(GraphShardTest, ARefusedBatchLeavesNoRecord) {
  EXPECT_EQ((*node_)->Write({Removal("doc 1"), {{}, format::DeleteRegister{"?"}}}).field(), "operations[1].key");
  EXPECT_EQ(node_->log().durable_lsn(), 0u);
}

TEST_F(GraphShardTest, ReplayBringsBackWhatWasAcknowledged) {
  ASSERT_TRUE((*node_)->Write({Document("doc 1", "a")}).ok());
  ASSERT_TRUE((*node_)->Write({Document("doc 2", "b")}).ok());
  const io::SimState state = disk_.state();
  node_.reset();
  io::SimDisk crashed(state, {});
  auto again = Node::Open(crashed).value();
  EXPECT_THAT(again->Said().value(), testing::IsEmpty());
  ASSERT_TRUE(again->Replay().ok());
  EXPECT_THAT(again->Said().value(), testing::ElementsAre("doc 1 says a", "doc 2 says b"));
}

TEST_F(GraphShardTest, VersionsRiseAcrossARestartThoughTheClockWentBack) {
  ASSERT_TRUE((*node_)->Write({Document("doc 1", "a")}).ok());
  ASSERT_TRUE((*node_)->engine().Checkpoint().ok());
  Open();
  node_->clock().SetWallMs(1000);
  ASSERT_TRUE(node_->Replay().ok());
  ASSERT_TRUE((*node_)->Write({Document("doc 1", "b")}).ok());
  EXPECT_THAT(Said(), testing::ElementsAre("doc 1 says b"));
}

TEST_F(GraphShardTest, ACountIsNoVersionOfTheClock) {
  const format::EntityId id = format::EntityIdOf("a");
  ASSERT_TRUE((*node_)->Write({{{}, format::CountAccess{id, 9, uint64_t{1} << 63, 5}}}).ok());
  ASSERT_TRUE((*node_)->Write({Document("doc 1", "a")}).ok());
  EXPECT_LT((*node_)->engine().max_version().time, uint64_t{1} << 62);
  EXPECT_EQ((*node_)->engine().Entities(std::vector{id}).value()[0]->accesses[0].count, uint64_t{1} << 63);
}

TEST_F(GraphShardTest, AnIdleCheckpointedShardNeedsNothingOfTheLog) {
  ASSERT_TRUE((*node_)->Write({Document("doc 1", "a")}).ok());
  EXPECT_EQ((*node_)->UnneededLsn(), 0u);
  EXPECT_TRUE((*node_)->dirty());
  ASSERT_TRUE((*node_)->engine().Checkpoint().ok());
  EXPECT_FALSE((*node_)->dirty());
  EXPECT_EQ((*node_)->UnneededLsn(), 1u);
  ASSERT_TRUE(node_->log().Append(99, "another stream").ok());
  EXPECT_EQ((*node_)->UnneededLsn(), 2u);
}

TEST_F(GraphShardTest, AMergedOperationKeepsItsVersionAndOneWithoutIsRefused) {
  const Version version{uint64_t{4'000'000'000'000} << 16, 9};
  ASSERT_TRUE((*node_)->Merge({Document("doc 1", "a", version)}).ok());
  EXPECT_EQ((*node_)->engine().max_version(), version);
  EXPECT_EQ((*node_)->Merge({Document("doc 1", "b")}).field(), "operations[0].version");
  ASSERT_TRUE((*node_)->Write({Document("doc 1", "c")}).ok());
  EXPECT_THAT(Said(), testing::ElementsAre("doc 1 says c"));
}

TEST_F(GraphShardTest, TheBytesOfAMergedBatchAreThoseOfTheLog) {
  const std::string encoded = format::EncodeGraphBatch(std::vector{Document("doc 1", "a", {77 << 16, 1})});
  ASSERT_TRUE((*node_)->MergeEncoded(encoded).ok());
  std::string logged;
  const auto visit = [&logged](const wal::LogRecord& record) {
    logged = record.payload;
    return Status::Ok();
  };
  ASSERT_TRUE(node_->log().Read(1, visit).ok());
  EXPECT_EQ(logged, encoded);
  EXPECT_EQ((*node_)->MergeEncoded("no batch").code(), Code::kCorruption);
  EXPECT_EQ(node_->log().durable_lsn(), 1u);
}

TEST_F(GraphShardTest, ARecordThatIsNoBatchIsCorruption) {
  ASSERT_TRUE(node_->log().Append(kStream, "no batch").ok());
  EXPECT_EQ(node_->Replay().code(), Code::kCorruption);
}

TEST_F(GraphShardTest, AStoppedShardRefusesWritesWithTheReason) {
  (*node_)->Stop(Status::NotFound("dropped"));
  EXPECT_EQ((*node_)->Write({Document("doc 1", "a")}).code(), Code::kNotFound);
  EXPECT_EQ(node_->log().durable_lsn(), 0u);
}

TEST_F(GraphShardTest, AWriteTheDatabaseHasNoRoomForIsAppliedWhenThereIs) {
  ASSERT_TRUE((*node_)->Write({Document("doc 1", "a")}).ok());
  disk_.SetCapacity(disk_.used_bytes());  // the log has its space reserved
  EXPECT_EQ(node_->store().Flush().code(), Code::kNoSpace);
  EXPECT_EQ((*node_)->Write({Document("doc 1", "b")}).code(), Code::kIoError);  // durable: the outcome is unknown
  EXPECT_EQ((*node_)->Write({Document("doc 1", "c")}).code(), Code::kNoSpace);  // refused before the log
  EXPECT_THAT(Said(), testing::ElementsAre("doc 1 says a"));
  EXPECT_EQ((*node_)->TryResume().code(), Code::kNoSpace);
  EXPECT_EQ((*node_)->UnneededLsn(), 0u);
  disk_.SetCapacity(UINT64_MAX);
  ASSERT_TRUE(node_->store().TryResume().ok());
  ASSERT_TRUE((*node_)->TryResume().ok());
  EXPECT_THAT(Said(), testing::ElementsAre("doc 1 says b"));
  ASSERT_TRUE((*node_)->Write({Document("doc 1", "d")}).ok());
  EXPECT_THAT(Said(), testing::ElementsAre("doc 1 says d"));
}

TEST_F(GraphShardTest, ConcurrentWritersAndReadersSeeWholeBatches) {
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    graph::NeighbourQuery query;
    query.chunks = {{Named("doc 1"), 0}, {Named("doc 2"), 0}};
    const auto thing_of = [](const graph::ChunkNeighbours& chunk) {
      for (const auto& mentioned : chunk.entities) {
        if (mentioned.type == "thing") return mentioned.entity.name;
      }
      return std::string();
    };
    while (!stop) {
      const auto found = (*node_)->engine().FindNeighbours(query);
      ASSERT_TRUE(found.ok()) << found.status().ToString();
      ASSERT_EQ(thing_of(found->chunks[0]), thing_of(found->chunks[1]));  // as every batch says
    }
  });
  std::vector<std::thread> writers;
  for (int w = 0; w < 3; ++w) {
    writers.emplace_back([this, w] {
      for (int i = 0; i < 30; ++i) {
        const std::string says = "thing " + std::to_string(w * 100 + i);
        EXPECT_TRUE((*node_)->Write({Document("doc 1", says), Document("doc 2", says)}).ok());
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  stop = true;
  reader.join();
  const std::vector<std::string> said = Said();
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[0].substr(6), said[1].substr(6));
  EXPECT_EQ((*node_)->engine().counts().documents, 2u);
}

// A story of writes, deletions and checkpoints, each with what is said after it.
struct Step {
  std::function<Status(Node&)> act;
  std::vector<std::string> after;
};

std::vector<Step> Story() {
  const auto write = [](std::vector<GraphOperation> operations) {
    return [operations](Node& node) { return node->Write(operations); };
  };
  const auto checkpoint = [](Node& node) {
    RETURN_IF_ERROR(node->engine().Checkpoint());
    return node.log().TruncateBefore(node->UnneededLsn() + 1);
  };
  return {{write({Document("doc 1", "a")}), {"doc 1 says a"}},
          {write({Document("doc 1", "b"), Document("doc 2", "b")}), {"doc 1 says b", "doc 2 says b"}},
          {checkpoint, {"doc 1 says b", "doc 2 says b"}},
          {write({Removal("doc 1")}), {"doc 2 says b"}},
          {write({Document("doc 3", "c"), Document("doc 2", "c")}), {"doc 2 says c", "doc 3 says c"}},
          {checkpoint, {"doc 2 says c", "doc 3 says c"}},
          {write({Document("doc 1", "d")}), {"doc 1 says d", "doc 2 says c", "doc 3 says c"}},
          {write({Removal("doc 2"), Removal("doc 3")}), {"doc 1 says d"}}};
}

// The database relies on a file system that lengthens a file only once the new bytes are in it; the simulated disk may
// keep the length and lose a sector before it.
bool IsTornManifest(const Status& status) {
  return status.code() == Code::kCorruption && status.message().find("/db/MANIFEST") != std::string_view::npos;
}

TEST(GraphShardCrash, AnAcknowledgedWriteOutlivesPowerLossAtAnyMoment) {
  io::SimDisk disk;
  ASSERT_TRUE(disk.CreateDirectory("/db").ok());
  const std::vector<Step> story = Story();
  {
    auto node = Node::Open(disk).value();
    disk.StartTrace();
    for (size_t i = 0; i < story.size(); ++i) {
      const Status status = story[i].act(*node);
      ASSERT_TRUE(status.ok()) << "step " << i << ": " << status.ToString();
      disk.Mark(i + 1);
    }
  }
  const io::SimTrace trace = disk.trace();
  const io::CrashEnumerationOptions options = {
      .states_per_point_max = 4,
      .operations_per_point = std::max<size_t>(1, trace.operations.size() / 80),
      .directory_operations_in_order = true};  // the database needs it
  uint64_t states = 0, torn = 0;
  io::EnumerateCrashStates(trace, options, [&](io::SimDisk& crashed, const io::CrashPoint& point) {
    ++states;
    auto node = Node::Open(crashed);
    if (IsTornManifest(node.status())) {
      ++torn;
      return;
    }
    ASSERT_TRUE(node.ok()) << node.status().ToString() << " after " << point.after;
    ASSERT_TRUE((*node)->Replay().ok()) << "after " << point.after;
    const auto said = (*node)->Said();
    ASSERT_TRUE(said.ok()) << said.status().ToString();
    const std::vector<std::string> before = point.mark == 0 ? std::vector<std::string>() : story[point.mark - 1].after;
    const std::vector<std::string>& after = story[std::min<size_t>(point.mark, story.size() - 1)].after;
    EXPECT_TRUE(*said == before || *said == after) << testing::PrintToString(*said) << " after step " << point.mark;
    ASSERT_TRUE((**node)->Write({Document("doc 9", "e")}).ok());
    EXPECT_EQ((*node)->Said()->back(), "doc 9 says e");
  });
  EXPECT_GT(states, 100u);
  EXPECT_LT(torn, states / 10);
}

}  // namespace
}  // namespace rhizome::shard
