#include "pipeline/ingest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <filesystem>
#include <set>
#include <thread>

#include "base/hash.h"
#include "base/scratch_testing.h"
#include "cluster/node.h"
#include "io/disk.h"

namespace rhizome::pipeline {
namespace {

using cluster::CollectionSpec;
using testing::HasSubstr;

// Equal texts get equal unit vectors; counts what it is asked for and can be made to fail.
class HashEmbedder final : public Embedder {
 public:
  std::string_view name() const override { return "hash"; }
  uint32_t dimension() const override { return 4; }
  Result<std::vector<std::vector<float>>> Embed(std::span<const std::string> texts) override {
    if (failing) return Status::Unavailable("the model is away");
    std::vector<std::vector<float>> vectors;
    for (const std::string& text : texts) {
      std::vector<float> vector(4, 0.0f);
      vector[Checksum(text) % 4] = 1;
      vectors.push_back(std::move(vector));
      ++embedded;
    }
    return vectors;
  }
  std::atomic<bool> failing{false};
  std::atomic<int> embedded{0};
};

class IngestTest : public testing::Test {
 protected:
  IngestTest() {
    cluster::NodeOptions options;
    options.data_dir = directory_;
    node_ = cluster::Node::Open(io::RealDisk(), options).value();
    Create("docs", "hash", 4);
    ingestor_ = std::make_unique<Ingestor>(*node_, &embedder_);
  }
  ~IngestTest() override {
    ingestor_.reset();
    node_.reset();
  }
  void Create(const std::string& name, const std::string& embedder, uint32_t dimension) {
    CollectionSpec spec;
    spec.name = name;
    spec.embedder = embedder;
    spec.dimension = dimension;
    spec.shards = 2;
    ASSERT_TRUE(node_->CreateCollection(spec).ok());
  }
  IngestResult One(IngestDocument document) {
    return ingestor_->Ingest("docs", {std::move(document)}, {}).value().at(0);
  }
  static IngestDocument Doc(std::string id, std::string text) {
    IngestDocument document;
    document.id = std::move(id);
    document.text = std::move(text);
    return document;
  }
  std::vector<cluster::StoredPointView> AllPoints() {
    return node_->Scroll({"docs", {}, 10'000, nullptr, false}).value().points;
  }

  const ScratchFolder folder_;
  const std::string& directory_ = folder_.path();
  HashEmbedder embedder_;
  std::unique_ptr<cluster::Node> node_;
  std::unique_ptr<Ingestor> ingestor_;
};

TEST_F(IngestTest, ADocumentBecomesFindableChunks) {
  const IngestResult result = One(Doc("a", "Apples are red. Pears are green."));
  EXPECT_EQ(result.outcome, IngestOutcome::kCreated);
  EXPECT_EQ(result.chunks, 1u);
  cluster::SearchRequest request;
  request.collection = "docs";
  request.mode = cluster::SearchMode::kText;
  request.text = "pear";
  EXPECT_EQ(node_->Search(request)->hits.at(0).id.ToString(), "a#0");
}

TEST_F(IngestTest, TheSameDocumentAgainChangesNothingAndEmbedsNothing) {
  One(Doc("a", "Apples are red."));
  const int embedded = embedder_.embedded;
  EXPECT_EQ(One(Doc("a", "Apples are red.")).outcome, IngestOutcome::kUnchanged);
  EXPECT_EQ(embedder_.embedded, embedded);
  EXPECT_EQ(AllPoints().size(), 1u);
}

TEST_F(IngestTest, ANewTextReplacesAllOldChunks) {
  std::string many;
  for (int i = 0; i < 200; ++i) many += "Sentence number " + std::to_string(i) + " says something of its own. ";
  EXPECT_GT(One(Doc("a", many)).chunks, 3u);
  EXPECT_EQ(One(Doc("a", "Short now.")).outcome, IngestOutcome::kUpdated);
  EXPECT_EQ(AllPoints().size(), 1u);
  EXPECT_EQ(node_->GetCollection("docs")->documents, 1u);
}

TEST_F(IngestTest, ARepeatedRequestDoesNotUndoWhatCameAfterIt) {
  cluster::WriteOptions options;
  options.idempotency_key = "order-1";
  const auto both = [] { return std::vector<IngestDocument>{Doc("a", "Apples."), Doc("b", "Pears.")}; };
  ASSERT_TRUE(ingestor_->Ingest("docs", both(), {}, options).ok());
  One(Doc("a", "Plums."));
  ASSERT_TRUE(ingestor_->Ingest("docs", both(), {}, options).ok());
  std::set<std::string> texts;
  for (const auto& stored : AllPoints()) texts.insert(stored.point.text);
  EXPECT_EQ(texts, (std::set<std::string>{"Pears.", "Plums."}));
}

TEST_F(IngestTest, NewMetadataAloneIsAnUpdate) {
  One(Doc("a", "Apples."));
  IngestDocument document = Doc("a", "Apples.");
  document.metadata = R"({"colour":"red"})";
  EXPECT_EQ(One(document).outcome, IngestOutcome::kUpdated);
  EXPECT_THAT(AllPoints().at(0).point.payload, HasSubstr("red"));
}

TEST_F(IngestTest, TheSameContentUnderAnotherIdIsADuplicate) {
  One(Doc("a", "Apples are red."));
  const IngestResult result = One(Doc("b", "Apples   are red."));
  EXPECT_EQ(result.outcome, IngestOutcome::kDuplicate);
  EXPECT_EQ(result.duplicate_of, "a");
  const auto batch = ingestor_->Ingest("docs", {Doc("c", "Pears."), Doc("d", "Pears.")}, {}).value();
  EXPECT_EQ(batch[0].outcome, IngestOutcome::kCreated);
  EXPECT_EQ(batch[1].outcome, IngestOutcome::kDuplicate);
  EXPECT_EQ(batch[1].duplicate_of, "c");
}

TEST_F(IngestTest, OfTwoRacingCallsWithTheSameContentOneWins) {
  for (int round = 0; round < 20; ++round) {
    const std::string text = "Content of round " + std::to_string(round);
    std::vector<std::thread> threads;
    std::atomic<int> created{0};
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([&, t] {
        const auto outcome = One(Doc("r" + std::to_string(round) + "-" + std::to_string(t), text)).outcome;
        created += outcome == IngestOutcome::kCreated ? 1 : 0;
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(created, 1);
  }
}

TEST_F(IngestTest, WithoutAnIdTheSourceDecidesElseTheContent) {
  IngestDocument document = Doc("", "First text.");
  document.source = "file.txt";
  const std::string id = One(document).id;
  document.text = "Second text.";
  const IngestResult again = One(document);
  EXPECT_EQ(again.id, id);
  EXPECT_EQ(again.outcome, IngestOutcome::kUpdated);
  EXPECT_EQ(One(Doc("", "No source.")).id, One(Doc("", "No source.")).id);
}

TEST_F(IngestTest, AChunkKnowsItsOriginAndCarriesTheMetadata) {
  IngestDocument document = Doc("a", "Apples.");
  document.source = "fruit.txt";
  document.metadata = R"({"colour":"red"})";
  One(document);
  const auto payload = boost::json::parse(AllPoints().at(0).point.payload);
  EXPECT_EQ(payload.at("colour").as_string(), "red");
  EXPECT_EQ(payload.at("document").at("id").as_string(), "a");
  EXPECT_EQ(payload.at("document").at("source").as_string(), "fruit.txt");
}

TEST_F(IngestTest, ABadDocumentFailsAloneWithItsField) {
  IngestDocument reserved = Doc("m", "text");
  reserved.metadata = R"({"document":1})";
  IngestDocument broken = Doc("n", "text two");
  broken.metadata = "[1]";
  const auto results = ingestor_
                           ->Ingest("docs",
                                    {Doc("ok", "Good."), Doc("e", " "), Doc("u", "\xFF"), Doc("a#1", "text three"),
                                     reserved, broken, Doc("ok", "Twice.")},
                                    {})
                           .value();
  EXPECT_EQ(results[0].outcome, IngestOutcome::kCreated);
  const std::vector<std::string> fields = {"", "text", "text", "id", "metadata.document", "metadata", "id"};
  for (size_t i = 1; i < results.size(); ++i) {
    EXPECT_EQ(results[i].outcome, IngestOutcome::kFailed) << i;
    EXPECT_EQ(results[i].error.field(), fields[i]) << i;
  }
}

TEST_F(IngestTest, AFailingEmbedderFailsTheCallAndWritesNothing) {
  embedder_.failing = true;
  EXPECT_EQ(ingestor_->Ingest("docs", {Doc("a", "Apples.")}, {}).status().code(), Code::kUnavailable);
  EXPECT_TRUE(AllPoints().empty());
}

TEST_F(IngestTest, CollectionsThatCannotTakeDocumentsSayWhy) {
  Create("own", "", 4);
  Create("other", "another-model", 4);
  EXPECT_EQ(ingestor_->Ingest("own", {Doc("a", "x")}, {}).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(ingestor_->Ingest("other", {Doc("a", "x")}, {}).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(ingestor_->Ingest("none", {Doc("a", "x")}, {}).status().code(), Code::kNotFound);
}

TEST_F(IngestTest, ATextOnlyCollectionNeedsNoEmbedder) {
  Create("words", "", 0);
  EXPECT_EQ(ingestor_->Ingest("words", {Doc("a", "Apples.")}, {}).value().at(0).outcome, IngestOutcome::kCreated);
  EXPECT_EQ(embedder_.embedded, 0);
}

TEST_F(IngestTest, BadChunkSettingsAreRefused) {
  ChunkSettings settings;
  settings.overlap_tokens = settings.size_tokens;
  EXPECT_EQ(ingestor_->Ingest("docs", {Doc("a", "x")}, settings).status().field(), "overlap_tokens");
}

TEST_F(IngestTest, ADeletedDocumentIsGoneAndItsContentIsFree) {
  One(Doc("a", "Apples are red."));
  ASSERT_TRUE(ingestor_->Delete("docs", "a").ok());
  EXPECT_TRUE(AllPoints().empty());
  EXPECT_EQ(ingestor_->Delete("docs", "a").code(), Code::kNotFound);
  EXPECT_EQ(One(Doc("b", "Apples are red.")).outcome, IngestOutcome::kCreated);
}

}  // namespace
}  // namespace rhizome::pipeline
