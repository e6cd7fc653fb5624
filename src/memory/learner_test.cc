#include "memory/learner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "format/entity_name.h"
#include "io/sim_disk.h"
#include "queue/embedded.h"
#include "shard/graph_shards.h"
#include "workers/worker.h"

namespace rhizome::memory {
namespace {

using format::PointId;
using testing::ElementsAre;
using testing::IsEmpty;
using workers::TaskState;

// A node, a queue and a book on one simulated disk, the worker stepped by hand.
class LearnerTest : public testing::Test {
 protected:
  LearnerTest() {
    options_.data_dir = "/data";
    options_.memtable_bytes = 1 << 20;
    Open();
    Create("notes", true);
  }
  ~LearnerTest() override { Close(); }

  void Close() {
    worker_.reset();
    learner_.reset();
    queue_.reset();
    node_.reset();
  }
  void Open() {
    Close();
    auto node = cluster::Node::Open(disk_, options_);
    ASSERT_TRUE(node.ok()) << node.status().ToString();
    node_ = std::move(node).value();
    queue_ = queue::EmbeddedQueue::Open(disk_, "/queue").value();
    ASSERT_TRUE(workers::EnsureTopics(*queue_, settings_).ok());
    learner_ = std::make_unique<Learner>(LearnerParts{*node_, *queue_}, settings_);
    worker_ = workers::Worker::Create(*queue_, settings_, {.stage = std::string(workers::kExtract), .linger_ms = 0},
                                      [this](std::span<const workers::Job> jobs) { return learner_->Work(jobs); })
                  .value();
  }
  void Crash() {
    disk_.Crash();
    Open();
  }
  void Create(const std::string& name, bool with_graph) {
    cluster::CollectionSpec spec;
    spec.name = name;
    spec.shards = 2;
    ASSERT_TRUE(node_->CreateCollection(spec).ok());
    if (with_graph) ASSERT_TRUE(node_->MakeGraph(name).ok());
  }
  // As the ingestor does: the document with its chunks, one for each text.
  Status Put(const std::string& collection, const std::string& id, const std::string& title,
             const std::vector<std::string>& texts) {
    format::PutDocument put;
    put.record.id = PointId::FromString(id).value();
    put.record.title = title;
    put.record.chunk_count = static_cast<uint32_t>(texts.size());
    for (uint32_t n = 0; n < texts.size(); ++n) {
      put.chunks.push_back({PointId::OfChunk(put.record.id, n), {}, title, texts[n], ""});
    }
    return node_->Write(collection, {{{}, std::move(put)}});
  }
  void Delete(const std::string& collection, const std::string& id) {
    const PointId document = PointId::FromString(id).value();
    ASSERT_TRUE(node_->Write(collection, {{{}, format::DeleteDocument{document}}}).ok());
  }
  Result<std::vector<std::string>> Changed(const std::string& collection, const std::string& id) {
    const PointId document = PointId::FromString(id).value();
    return learner_->Changed(collection, std::span(&document, 1));
  }
  std::vector<workers::Job> Waiting() {
    std::vector<workers::Job> jobs;
    const std::string topic = workers::StageTopic(settings_, workers::kExtract);
    for (uint32_t p = 0; p < settings_.partitions; ++p) {
      for (const queue::Message& message : queue_->Browse({topic, p, 0}, 10).value()) {
        jobs.push_back(workers::FromMessage(message).value());
      }
    }
    return jobs;
  }
  void WorkAll() {
    while (worker_->Step(0).value() > 0) {
    }
  }
  // "source type target" of all facts at an entity.
  std::vector<std::string> FactsOf(const std::string& name) {
    const auto page = node_->Graph("notes").value()->Facts({format::EntityIdOf(format::EntityName(name))}).value();
    std::vector<std::string> facts;
    for (const auto& fact : page.facts) facts.push_back(fact.source.name + " " + fact.type + " " + fact.target.name);
    return facts;
  }
  std::vector<graph::Passage> PassagesOf(const std::string& name) {
    graph::NeighbourQuery query;
    query.entities = {format::EntityIdOf(format::EntityName(name))};
    return node_->Graph("notes").value()->FindNeighbours(query).value().entities[0].passages;
  }

  io::SimDisk disk_;
  cluster::NodeOptions options_;
  const workers::PipelineSettings settings_;
  std::unique_ptr<cluster::Node> node_;
  std::unique_ptr<queue::EmbeddedQueue> queue_;
  std::unique_ptr<Learner> learner_;
  std::unique_ptr<workers::Worker> worker_;
};

const std::vector<std::string> kCurie = {"Marie Curie was born in Warsaw."};

TEST_F(LearnerTest, WhatADocumentSaysIsInTheGraphWhenItsTaskIsDone) {
  ASSERT_TRUE(Put("notes", "curie", "Marie Curie", kCurie).ok());
  EXPECT_EQ(Changed("notes", "curie").value().size(), 1u);
  EXPECT_THAT(FactsOf("Warsaw"), IsEmpty());
  WorkAll();
  EXPECT_THAT(FactsOf("Warsaw"), ElementsAre("marie curie born_in warsaw"));
  EXPECT_EQ(worker_->counts().done, 1u);
}

TEST_F(LearnerTest, ChunksAreThoseOfTheDocument) {
  ASSERT_TRUE(Put("notes", "d", "", {"Warsaw is a city.", "Nothing here.", "Back in Warsaw it rained."}).ok());
  ASSERT_TRUE(Changed("notes", "d").ok());
  WorkAll();
  std::vector<uint32_t> chunks;
  for (const graph::Passage& passage : PassagesOf("Warsaw")) chunks.push_back(passage.chunk.chunk);
  EXPECT_THAT(chunks, ElementsAre(0, 2));
}

TEST_F(LearnerTest, AcceptedTasksSurviveACrashAndDoneOnesAreNotLost) {
  ASSERT_TRUE(Put("notes", "curie", "Marie Curie", kCurie).ok());
  ASSERT_TRUE(Changed("notes", "curie").ok());
  Crash();
  EXPECT_THAT(FactsOf("Warsaw"), IsEmpty());
  WorkAll();
  EXPECT_EQ(FactsOf("Warsaw").size(), 1u);
  Crash();
  EXPECT_EQ(FactsOf("Warsaw").size(), 1u);
  EXPECT_EQ(worker_->Step(0).value(), 0u);
}

TEST_F(LearnerTest, WorkThatIsDoneTwiceHasOneEffect) {
  ASSERT_TRUE(Put("notes", "curie", "Marie Curie", kCurie).ok());
  ASSERT_TRUE(Changed("notes", "curie").ok());
  // The effect is there and the commit is not: the crash comes between them.
  const std::vector<workers::Job> jobs = Waiting();
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_TRUE(learner_->Work(jobs)[0].status.ok());
  Crash();
  EXPECT_EQ(FactsOf("Warsaw").size(), 1u);
  WorkAll();
  EXPECT_EQ(worker_->counts().done, 1u);
  EXPECT_EQ(FactsOf("Warsaw").size(), 1u);
  EXPECT_EQ(node_->Graph("notes").value()->counts().documents, 1u);
}

TEST_F(LearnerTest, AChangedDocumentSaysWhatItSaysNow) {
  ASSERT_TRUE(Put("notes", "curie", "Marie Curie", kCurie).ok());
  ASSERT_TRUE(Changed("notes", "curie").ok());
  ASSERT_TRUE(Put("notes", "curie", "Marie Curie", {"Marie Curie was born in Kraków."}).ok());
  ASSERT_TRUE(Changed("notes", "curie").ok());
  WorkAll();
  EXPECT_THAT(FactsOf("Warsaw"), IsEmpty());
  EXPECT_EQ(FactsOf("Kraków").size(), 1u);
}

TEST_F(LearnerTest, ADeletedDocumentSaysNothingWhateverStillWaits) {
  ASSERT_TRUE(Put("notes", "curie", "Marie Curie", kCurie).ok());
  ASSERT_TRUE(Changed("notes", "curie").ok());
  WorkAll();
  ASSERT_TRUE(Changed("notes", "curie").ok());
  Delete("notes", "curie");
  ASSERT_TRUE(learner_->Deleted("notes", PointId::FromString("curie").value()).ok());
  EXPECT_THAT(FactsOf("Warsaw"), IsEmpty());
  WorkAll();
  EXPECT_THAT(FactsOf("Warsaw"), IsEmpty());
  EXPECT_EQ(node_->Graph("notes").value()->counts().documents, 0u);
}

TEST_F(LearnerTest, ADeletionThatIsNotToldIsLearnedByTheNextTask) {
  ASSERT_TRUE(Put("notes", "curie", "Marie Curie", kCurie).ok());
  ASSERT_TRUE(Changed("notes", "curie").ok());
  WorkAll();
  Delete("notes", "curie");
  ASSERT_TRUE(Changed("notes", "curie").ok());
  WorkAll();
  EXPECT_THAT(FactsOf("Warsaw"), IsEmpty());
}

TEST_F(LearnerTest, ADocumentOfManyChunksIsReadWhole) {
  std::vector<std::string> texts;
  for (int i = 0; i < 700; ++i) texts.push_back("Page " + std::to_string(i) + " was written in Warsaw.");
  ASSERT_TRUE(Put("notes", "long", "", texts).ok());
  ASSERT_TRUE(Changed("notes", "long").ok());
  WorkAll();
  const auto id = format::EntityIdOf("warsaw");
  EXPECT_EQ(node_->Graph("notes").value()->Statistics(std::span(&id, 1)).value()[0].mentions, 700u);
}

TEST_F(LearnerTest, ACollectionWithoutAGraphLearnsNothing) {
  Create("plain", false);
  ASSERT_TRUE(Put("plain", "curie", "Marie Curie", kCurie).ok());
  EXPECT_THAT(Changed("plain", "curie").value(), IsEmpty());
  EXPECT_TRUE(learner_->Deleted("plain", PointId(1)).ok());
  EXPECT_EQ(worker_->Step(0).value(), 0u);
  EXPECT_EQ(Changed("nowhere", "curie").status().code(), Code::kNotFound);
  EXPECT_EQ(learner_->Deleted("nowhere", PointId(1)).code(), Code::kNotFound);
}

TEST_F(LearnerTest, TasksOfADroppedCollectionAreDone) {
  ASSERT_TRUE(Put("notes", "curie", "Marie Curie", kCurie).ok());
  ASSERT_TRUE(Changed("notes", "curie").ok());
  ASSERT_TRUE(node_->DropCollection("notes").ok());
  WorkAll();
  EXPECT_EQ(worker_->counts().done, 1u);
}

TEST_F(LearnerTest, OneJobThatCannotBeLearnedDoesNotFailItsNeighbours) {
  ASSERT_TRUE(Put("notes", "curie", "Marie Curie", kCurie).ok());
  ASSERT_TRUE(Put("notes", "other", "", {"It rained in Kraków."}).ok());
  ASSERT_TRUE(Changed("notes", "curie").ok());
  ASSERT_TRUE(Changed("notes", "other").ok());
  std::vector<workers::Job> jobs = Waiting();
  ASSERT_EQ(jobs.size(), 2u);
  jobs[0].version = {};  // no job that was accepted is without
  const auto outcomes = learner_->Work(jobs);
  EXPECT_EQ(outcomes[0].status.code(), Code::kInvalidArgument);
  EXPECT_TRUE(outcomes[1].status.ok());
  EXPECT_EQ(node_->Graph("notes").value()->counts().documents, 1u);
}

TEST_F(LearnerTest, APayloadThatIsNoneIsADeadLetterAtOnce) {
  workers::Job job;
  job.task = "t";
  job.name = std::string(workers::kExtract);
  job.version = node_->versions().Next();
  job.payload = "\x09nonsense";
  const auto outcomes = learner_->Work(std::span(&job, 1));
  EXPECT_EQ(outcomes[0].status.code(), Code::kCorruption);
  EXPECT_TRUE(workers::IsPermanent(outcomes[0].status));
}

}  // namespace
}  // namespace rhizome::memory
