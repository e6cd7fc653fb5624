#include "engines/vector/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <filesystem>
#include <random>
#include <thread>

#include "base/scratch_testing.h"

namespace rhizome::vector {
namespace {

using format::DeleteDocument;
using format::DeletePoint;
using format::Operation;
using format::Point;
using format::PointId;
using format::PutDocument;
using format::UpsertPoint;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr uint32_t kDimension = 8;

std::vector<float> Direction(int axis, float lean = 0) {
  std::vector<float> vector(kDimension, 0.0f);
  vector[static_cast<size_t>(axis)] = 1;
  vector[(static_cast<size_t>(axis) + 1) % kDimension] = lean;
  return vector;
}

class EngineTest : public testing::Test {
 protected:
  EngineTest() {
    std::filesystem::create_directories(root_ + "/shard");
    Open();
  }
  ~EngineTest() override { Close(); }

  void Open() {
    store_ = kv::Store::Open(root_ + "/database", {}).value();
    engine_ = VectorEngine::Open(io::RealDisk(), *store_, {7, root_ + "/shard", kDimension, Metric::kCosine, "english"})
                  .value();
  }
  void Close() {
    engine_.reset();
    store_.reset();
  }
  // As after a crash: memory is gone, the database keeps what was flushed, and the log is replayed past the snapshot.
  void CrashAndReplay() {
    Close();
    Open();
    for (const auto& [lsn, batch] : log_) {
      if (lsn > engine_->checkpoint_lsn()) {
        ASSERT_TRUE(engine_->Apply(lsn, batch).ok());
      }
    }
  }
  void Apply(std::vector<Operation> batch) {
    log_.emplace_back(log_.size() + 1, batch);
    const Status status = engine_->Apply(log_.size(), batch);
    ASSERT_TRUE(status.ok()) << status.ToString();
  }
  Operation Upsert(uint64_t id, std::vector<float> vector, std::string text = "", std::string payload = "") {
    return {{++time_, 1}, UpsertPoint{Point{PointId(id), std::move(vector), "", std::move(text), std::move(payload)}}};
  }
  Operation Delete(uint64_t id) { return {{++time_, 1}, DeletePoint{PointId(id)}}; }
  Operation Put(std::string_view id, std::vector<std::string> chunks, uint64_t content = 1) {
    PutDocument put;
    put.record.id = PointId::FromString(id).value();
    put.record.content_hash = {content, content};
    put.record.chunk_count = static_cast<uint32_t>(chunks.size());
    for (uint32_t i = 0; i < chunks.size(); ++i) {
      put.chunks.push_back({PointId::OfChunk(put.record.id, i), Direction(static_cast<int>(i)), "", chunks[i], ""});
    }
    return {{++time_, 1}, put};
  }

  std::vector<std::string> Nearest(const std::vector<float>& vector, uint32_t k, const char* filter_json = nullptr) {
    Query query;
    query.vector = vector;
    query.depth = k;
    std::optional<Filter> filter;
    if (filter_json != nullptr) {
      filter = ParseFilter(boost::json::parse(filter_json)).value();
      query.filter = &*filter;
    }
    return Ids(engine_->Search(query).value().dense);
  }
  std::vector<std::string> Mentions(std::string_view text) {
    Query query;
    query.text = text;
    return Ids(engine_->Search(query).value().text);
  }
  static std::vector<std::string> Ids(const std::vector<Candidate>& candidates) {
    std::vector<std::string> ids;
    for (const Candidate& candidate : candidates) ids.push_back(candidate.id.ToString());
    return ids;
  }
  std::vector<std::string> AllIds() {
    std::vector<std::string> ids;
    for (const FetchedPoint& point : engine_->Scroll({}, 10'000, nullptr, false).value().points) {
      ids.push_back(point.point.id.ToString());
    }
    return ids;
  }

  const ScratchFolder folder_;
  const std::string& root_ = folder_.path();
  std::unique_ptr<kv::Store> store_;
  std::unique_ptr<VectorEngine> engine_;
  std::vector<std::pair<uint64_t, std::vector<Operation>>> log_;
  uint64_t time_ = 0;
};

TEST_F(EngineTest, TheNearestVectorComesFirst) {
  Apply({Upsert(1, Direction(0)), Upsert(2, Direction(1)), Upsert(3, Direction(0, 0.5f))});
  EXPECT_THAT(Nearest(Direction(0), 2), ElementsAre("1", "3"));
}

TEST_F(EngineTest, TextIsFoundByItsStem) {
  Apply({Upsert(1, {}, "converting documents"), Upsert(2, {}, "a compiler")});
  EXPECT_THAT(Mentions("convert document"), ElementsAre("1"));
}

TEST_F(EngineTest, APointWithoutAVectorIsNoAnswerToADenseSearch) {
  Apply({Upsert(1, {}, "only text"), Upsert(2, Direction(3))});
  const auto check = [this] {
    EXPECT_THAT(Nearest(Direction(0), 10), ElementsAre("2"));
    EXPECT_TRUE(engine_->Get(std::vector{PointId(1)}, true).value()[0]->point.vector.empty());
  };
  check();
  ASSERT_TRUE(engine_->Checkpoint().ok());
  CrashAndReplay();
  check();
}

TEST_F(EngineTest, AnUpsertReplacesVectorTextAndPayload) {
  Apply({Upsert(1, Direction(0), "old words", R"({"n":1})")});
  Apply({Upsert(1, Direction(4), "new words", R"({"n":2})")});
  EXPECT_THAT(Mentions("old"), IsEmpty());
  EXPECT_THAT(Nearest(Direction(4), 10, R"({"field":"n","match":1})"), IsEmpty());
  EXPECT_THAT(Nearest(Direction(4), 10, R"({"field":"n","match":2})"), ElementsAre("1"));
  EXPECT_EQ(engine_->Get(std::vector{PointId(1)}, true).value()[0]->point.vector, Direction(4));
}

TEST_F(EngineTest, ADeletedPointIsFoundByNothing) {
  Apply({Upsert(1, Direction(0), "words"), Upsert(2, Direction(1), "others")});
  Apply({Delete(1)});
  EXPECT_THAT(Nearest(Direction(0), 10), ElementsAre("2"));
  EXPECT_THAT(Mentions("words"), IsEmpty());
  EXPECT_EQ(engine_->Get(std::vector{PointId(1)}, false).value()[0], std::nullopt);
  EXPECT_THAT(AllIds(), ElementsAre("2"));
  EXPECT_EQ(engine_->Count(nullptr).value(), 1u);
}

TEST_F(EngineTest, AnOlderWriteLosesWhateverTheOrder) {
  const Operation older = Upsert(1, Direction(0), "older");
  const Operation newer = Upsert(1, Direction(1), "newer");
  Apply({newer});
  Apply({older});
  EXPECT_THAT(Mentions("newer"), ElementsAre("1"));
  EXPECT_THAT(Mentions("older"), IsEmpty());
}

TEST_F(EngineTest, AWriteOlderThanTheDeleteStaysDeleted) {
  const Operation write = Upsert(1, Direction(0), "words");
  Apply({Delete(1)});
  Apply({write});
  EXPECT_EQ(engine_->points(), 0u);
  ASSERT_TRUE(engine_->Checkpoint().ok());
  CrashAndReplay();
  Apply({write});
  EXPECT_EQ(engine_->points(), 0u);
}

TEST_F(EngineTest, AShorterDocumentLosesItsOldChunks) {
  Apply({Put("doc", {"one", "two", "three"}, 1)});
  EXPECT_THAT(AllIds(), ElementsAre("doc#0", "doc#1", "doc#2"));
  Apply({Put("doc", {"uno"}, 2)});
  EXPECT_THAT(AllIds(), ElementsAre("doc#0"));
  EXPECT_THAT(Mentions("two"), IsEmpty());
  Apply({Put("doc", {"eins", "zwei", "drei", "vier"}, 3)});
  EXPECT_THAT(AllIds(), ElementsAre("doc#0", "doc#1", "doc#2", "doc#3"));
  EXPECT_EQ(engine_->documents(), 1u);
}

TEST_F(EngineTest, ContentIsFoundWhileItsDocumentHoldsIt) {
  Apply({Put("doc", {"one"}, 5)});
  EXPECT_EQ(engine_->FindContent({5, 5}).value(), PointId::FromString("doc").value());
  Apply({Put("doc", {"two"}, 6)});
  EXPECT_EQ(engine_->FindContent({5, 5}).value(), std::nullopt);
  Apply({{{++time_, 1}, DeleteDocument{PointId::FromString("doc").value()}}});
  EXPECT_EQ(engine_->FindContent({6, 6}).value(), std::nullopt);
  EXPECT_EQ(engine_->documents(), 0u);
  EXPECT_EQ(engine_->points(), 0u);
}

TEST_F(EngineTest, PagesOfAScrollJoinWithoutGapOrRepeat) {
  std::vector<Operation> batch;
  for (uint64_t id = 0; id < 25; ++id) batch.push_back(Upsert(id, Direction(static_cast<int>(id % 8))));
  Apply(batch);
  std::vector<PointId> seen;
  std::optional<PointId> after;
  do {
    const Page page = engine_->Scroll(after, 10, nullptr, false).value();
    for (const FetchedPoint& point : page.points) seen.push_back(point.point.id);
    after = page.next;
  } while (after);
  EXPECT_EQ(seen.size(), 25u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST_F(EngineTest, ARestartFromASnapshotReplaysOnlyTheTail) {
  Apply({Upsert(1, Direction(0), "one"), Upsert(2, Direction(1), "two")});
  ASSERT_TRUE(engine_->Checkpoint().ok());
  EXPECT_EQ(engine_->checkpoint_lsn(), 1u);
  Apply({Upsert(3, Direction(2), "three"), Delete(1)});
  CrashAndReplay();
  EXPECT_EQ(engine_->checkpoint_lsn(), 1u);
  EXPECT_THAT(AllIds(), ElementsAre("2", "3"));
  EXPECT_THAT(Nearest(Direction(2), 1), ElementsAre("3"));
  EXPECT_THAT(Mentions("two"), ElementsAre("2"));
  EXPECT_TRUE(engine_->VerifySnapshot().ok());
}

TEST_F(EngineTest, ReplayBehindTheDatabaseConverges) {
  Apply({Put("doc", {"one", "two"}, 1), Upsert(1, Direction(0), "first")});
  Apply({Put("doc", {"three"}, 2), Upsert(1, Direction(1), "second")});
  Apply({Delete(1)});
  ASSERT_TRUE(store_->Flush().ok());  // the database is ahead; there is no snapshot at all
  CrashAndReplay();
  EXPECT_THAT(AllIds(), ElementsAre("doc#0"));
  EXPECT_THAT(Mentions("three"), ElementsAre("doc#0"));
  EXPECT_THAT(Mentions("first second"), IsEmpty());
  EXPECT_EQ(engine_->documents(), 1u);
}

TEST_F(EngineTest, RandomHistoriesMatchAModelThroughCheckpointsAndCrashes) {
  std::mt19937_64 random(42);
  std::map<uint64_t, int> model;  // id → axis
  for (int step = 0; step < 400; ++step) {
    const uint64_t id = random() % 40;
    if (random() % 4 == 0) {
      Apply({Delete(id)});
      model.erase(id);
    } else {
      const int axis = static_cast<int>(random() % kDimension);
      Apply({Upsert(id, Direction(axis), "axis" + std::to_string(axis), R"({"axis":)" + std::to_string(axis) + "}")});
      model[id] = axis;
    }
    if (random() % 40 == 0) {
      ASSERT_TRUE(engine_->Checkpoint().ok());
    }
    if (random() % 60 == 0) CrashAndReplay();
    if (random() % 10 == 0) (void)engine_->ImproveIndex(100, 1);
  }
  EXPECT_EQ(engine_->points(), model.size());
  for (int axis = 0; axis < static_cast<int>(kDimension); ++axis) {
    std::vector<std::string> expected;
    for (const auto& [id, at] : model) {
      if (at == axis) expected.push_back(std::to_string(id));
    }
    const std::string filter = R"({"field":"axis","match":)" + std::to_string(axis) + "}";
    EXPECT_THAT(Nearest(Direction(axis), 100, filter.c_str()), testing::UnorderedElementsAreArray(expected));
    EXPECT_EQ(Mentions("axis" + std::to_string(axis)).size(), std::min<size_t>(expected.size(), 10));
  }
}

TEST_F(EngineTest, CompactionKeepsTheLivePointsAndNothingElse) {
  for (int round = 0; round < 5; ++round) {
    for (uint64_t id = 0; id < 20; ++id) {
      const std::string word = "round" + std::to_string(round);
      Apply({Upsert(id, Direction(static_cast<int>(id % 8)), word, R"({"round":)" + std::to_string(round) + "}")});
    }
  }
  Apply({Delete(3), Upsert(100, {}, "only text"), Put("doc", {"one", "two", "three"})});
  Apply({Put("doc", {"uno"}, 2)});
  const auto before = AllIds();
  EXPECT_GT(engine_->slots(), 100u);
  ASSERT_TRUE(engine_->Compact().ok());
  EXPECT_EQ(engine_->slots(), engine_->points());
  const auto check = [&] {
    EXPECT_EQ(AllIds(), before);
    EXPECT_EQ(Mentions("round4").size(), 10u);
    EXPECT_THAT(Mentions("round3"), IsEmpty());
    EXPECT_THAT(Nearest(Direction(3), 100, R"({"field":"round","match":4})"), testing::SizeIs(19));
    EXPECT_TRUE(engine_->Get(std::vector{PointId(100)}, true).value()[0]->point.vector.empty());
    EXPECT_TRUE(engine_->VerifySnapshot().ok());
  };
  check();
  CrashAndReplay();
  check();
  Apply({Upsert(5, Direction(1), "later"), Put("doc", {"a", "b"}, 3)});
  ASSERT_TRUE(engine_->Checkpoint().ok());
  CrashAndReplay();
  EXPECT_THAT(Mentions("later"), ElementsAre("5"));
  EXPECT_THAT(AllIds(), testing::SizeIs(before.size() + 1));
}

TEST_F(EngineTest, AfterCompactionAnOlderWriteStillLosesToADelete) {
  const Operation write = Upsert(1, Direction(0), "words");
  Apply({Upsert(2, Direction(0)), Delete(1)});
  ASSERT_TRUE(engine_->Compact().ok());
  Apply({write});
  EXPECT_THAT(AllIds(), ElementsAre("2"));
}

TEST_F(EngineTest, ReadersRunBesideCompaction) {
  for (uint64_t id = 0; id < 200; ++id) Apply({Upsert(id % 50, Direction(static_cast<int>(id % 8)), "word")});
  std::atomic<bool> done = false;
  std::thread reader([&] {
    const std::vector<float> direction = Direction(2);
    Query query;
    query.vector = direction;
    query.text = "word";
    query.depth = 60;
    while (!done) {
      const Candidates found = engine_->Search(query).value();
      EXPECT_EQ(found.dense.size(), 50u);
      EXPECT_EQ(found.text.size(), 50u);
    }
  });
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(engine_->Compact().ok());
  }
  done = true;
  reader.join();
}

TEST_F(EngineTest, BadOperationsAreNamedAndRefused) {
  const auto field_of = [&](Operation operation) {
    return std::string(engine_->Validate(std::vector{std::move(operation)}).field());
  };
  EXPECT_EQ(field_of(Upsert(1, {1, 2})), "operations[0].vector");
  EXPECT_EQ(field_of(Upsert(1, std::vector<float>(kDimension, 0.0f))), "operations[0].vector");
  std::vector<float> not_finite = Direction(0);
  not_finite[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(field_of(Upsert(1, not_finite)), "operations[0].vector[3]");
  not_finite[3] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(field_of(Upsert(1, not_finite)), "operations[0].vector[3]");
  EXPECT_EQ(field_of(Upsert(1, {})), "operations[0].vector");
  EXPECT_EQ(field_of(Upsert(1, Direction(0), "", "[1]")), "operations[0].payload");
  EXPECT_EQ(field_of(Upsert(1, Direction(0), "", "{")), "operations[0].payload");
  EXPECT_EQ(field_of({{1, 1}, DeletePoint{PointId::Reference("doc#0").value()}}), "operations[0].id");
  const std::vector<Operation> twice = {Upsert(1, Direction(0)), Delete(1)};
  EXPECT_EQ(engine_->Validate(twice).field(), "operations[1].id");
}

// Refused by the index alone, such a vector would be in the log already and stop every replay.
TEST_F(EngineTest, VectorsOutsideTheIndexsBoundsAreRefusedBeforeTheLog) {
  for (const float size : {1e-35f, 1e20f}) {
    std::vector<float> vector(kDimension, 0.0f);
    vector[0] = size;
    EXPECT_EQ(engine_->Validate(std::vector{Upsert(1, vector)}).field(), "operations[0].vector") << size;
    vector[0] = size > 1 ? 1e17f : 1e-29f;
    ASSERT_TRUE(engine_->Validate(std::vector{Upsert(1, vector)}).ok()) << size;
    Apply({Upsert(1, vector)});
  }
}

TEST_F(EngineTest, AQueryOfAnotherDimensionIsRefused) {
  Query query;
  const std::vector<float> vector = {1, 2};
  query.vector = vector;
  EXPECT_EQ(engine_->Search(query).status().field(), "vector");
}

TEST_F(EngineTest, ADamagedManifestIsCorruption) {
  Apply({Upsert(1, Direction(0))});
  ASSERT_TRUE(engine_->Checkpoint().ok());
  Close();
  {
    auto file = io::RealDisk().Open(root_ + "/shard/MANIFEST", io::OpenMode::kReadWrite).value();
    ASSERT_TRUE(file->WriteAt(10, "x").ok());
  }
  store_ = kv::Store::Open(root_ + "/database", {}).value();
  const auto opened =
      VectorEngine::Open(io::RealDisk(), *store_, {7, root_ + "/shard", kDimension, Metric::kCosine, "english"});
  EXPECT_EQ(opened.status().code(), Code::kCorruption);
}

}  // namespace
}  // namespace rhizome::vector
