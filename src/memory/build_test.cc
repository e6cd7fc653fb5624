#include "memory/build.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/scratch_testing.h"
#include "format/entity_name.h"
#include "io/sim_disk.h"
#include "queue/embedded.h"
#include "shard/graph_shards.h"
#include "workers/intake.h"
#include "workers/worker.h"

namespace rhizome::memory {
namespace {

using format::PointId;
using testing::StartsWith;
using workers::TaskState;

// A node, a queue and a book on one simulated disk; both workers stepped by hand.
class BuildTest : public testing::Test {
 protected:
  BuildTest() {
    options_.data_dir = "/data";
    options_.memtable_bytes = 1 << 20;
    Open();
    cluster::CollectionSpec spec;
    spec.name = "notes";
    spec.shards = 2;
    CHECK(node_->CreateCollection(spec).ok());
  }
  ~BuildTest() override { Close(); }
  void Close() {
    raw_.reset();
    extract_.reset();
    builder_.reset();
    learner_.reset();
    book_.reset();
    queue_.reset();
    node_.reset();
  }
  void Open() {
    Close();
    node_ = cluster::Node::Open(disk_, options_).value();
    queue_ = queue::EmbeddedQueue::Open(disk_, "/queue").value();
    CHECK(workers::EnsureTopics(*queue_, settings_).ok());
    book_ = workers::TaskBook::Open(*queue_, settings_, folder_ + std::to_string(books_++)).value();
    const LearnerParts parts{*node_, *queue_, book_.get()};
    learner_ = std::make_unique<Learner>(parts, settings_);
    builder_ = std::make_unique<Builder>(parts, settings_);
    extract_ = workers::Worker::Create(*queue_, settings_, {.stage = std::string(workers::kExtract), .linger_ms = 0},
                                       [this](std::span<const workers::Job> jobs) { return learner_->Work(jobs); })
                   .value();
    raw_ = workers::Worker::Create(*queue_, settings_,
                                   {.stage = std::string(workers::kRaw), .batch_max = 1, .linger_ms = 0},
                                   [this](std::span<const workers::Job> jobs) { return builder_->Work(jobs); })
               .value();
  }
  void Put(int from, int to) {
    for (int i = from; i < to; ++i) {
      format::PutDocument put;
      put.record.id = PointId::FromString("d" + std::to_string(i)).value();
      put.record.chunk_count = 2;
      for (uint32_t n = 0; n < 2; ++n) {
        put.chunks.push_back({PointId::OfChunk(put.record.id, n), {}, "", "It was in Warsaw.", ""});
      }
      ASSERT_TRUE(node_->Write("notes", {{{}, std::move(put)}}).ok());
    }
  }
  size_t Work() {
    size_t done = 0;
    while (true) {
      const size_t now = raw_->Step(0).value() + extract_->Step(0).value();
      if (now == 0) return done;
      done += now;
    }
  }
  uint64_t DocumentsThatName(const std::string& name) {
    const auto id = format::EntityIdOf(name);
    return node_->Graph("notes").value()->Statistics(std::span(&id, 1)).value()[0].documents;
  }
  void TakeEvents() {
    while (book_->Step(0).value() > 0) {
    }
  }

  const ScratchFolder scratch_;
  const std::string folder_ = scratch_.path() + "/book";
  int books_ = 0;
  io::SimDisk disk_;
  cluster::NodeOptions options_;
  const workers::PipelineSettings settings_;
  std::unique_ptr<cluster::Node> node_;
  std::unique_ptr<queue::EmbeddedQueue> queue_;
  std::unique_ptr<workers::TaskBook> book_;
  std::unique_ptr<Learner> learner_;
  std::unique_ptr<Builder> builder_;
  std::unique_ptr<workers::Worker> extract_, raw_;
};

TEST_F(BuildTest, EveryDocumentIsTakenOnceAndCounted) {
  Put(0, 1'500);  // 3,000 points: more than a page
  ASSERT_TRUE(node_->MakeGraph("notes").ok());
  const std::string task = builder_->Begin("notes").value();
  EXPECT_THAT(task, StartsWith("learn-"));
  Work();
  TakeEvents();
  EXPECT_EQ(DocumentsThatName("warsaw"), 1'500u);
  const auto progress = builder_->Progress("notes").value();
  ASSERT_TRUE(progress.has_value());
  EXPECT_EQ(progress->state, TaskState::kDone);
  EXPECT_EQ(progress->documents_taken, 1'500u);
}

TEST_F(BuildTest, BeginningAgainIsTheSameTask) {
  Put(0, 3);
  ASSERT_TRUE(node_->MakeGraph("notes").ok());
  const std::string task = builder_->Begin("notes").value();
  EXPECT_EQ(builder_->Begin("notes").value(), task);
  EXPECT_EQ(Work(), 3u + 2);  // the documents, a page, the end
}

TEST_F(BuildTest, WhatIsWrittenMeanwhileIsNewer) {
  Put(0, 1);
  ASSERT_TRUE(node_->MakeGraph("notes").ok());
  ASSERT_TRUE(builder_->Begin("notes").ok());
  const PointId document = PointId::FromString("d0").value();
  ASSERT_TRUE(node_->Write("notes", {{{}, format::DeleteDocument{document}}}).ok());
  ASSERT_TRUE(learner_->Deleted("notes", document).ok());
  Work();
  EXPECT_EQ(DocumentsThatName("warsaw"), 0u);
}

TEST_F(BuildTest, ItGoesOnAfterACrash) {
  Put(0, 1'200);
  ASSERT_TRUE(node_->MakeGraph("notes").ok());
  ASSERT_TRUE(builder_->Begin("notes").ok());
  ASSERT_EQ(raw_->Step(0).value(), 1u);  // the first page
  disk_.Crash();
  Open();
  Work();
  EXPECT_EQ(DocumentsThatName("warsaw"), 1'200u);
}

TEST_F(BuildTest, ADroppedCollectionIsLeftAlone) {
  Put(0, 3);
  ASSERT_TRUE(node_->MakeGraph("notes").ok());
  const std::string task = builder_->Begin("notes").value();
  ASSERT_TRUE(node_->DropCollection("notes").ok());
  EXPECT_EQ(Work(), 1u);
  TakeEvents();
  EXPECT_EQ(book_->Get(task)->state(), TaskState::kDone);
  EXPECT_EQ(builder_->Begin("notes").status().code(), Code::kNotFound);
}

TEST_F(BuildTest, AnUnreadableJobIsADeadLetter) {
  const workers::Submission job{"torn", "notes:", {1, 1}, "no payload", std::string(workers::kRaw)};
  ASSERT_TRUE(workers::Accept(*queue_, settings_, {&job, 1}, book_.get()).ok());
  Work();
  TakeEvents();
  EXPECT_EQ(book_->Get("torn")->state(), TaskState::kDeadLettered);
}

}  // namespace
}  // namespace rhizome::memory
