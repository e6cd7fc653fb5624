#include "memory/service.h"

#include <gtest/gtest.h>

#include "base/await_testing.h"
#include "base/scratch_testing.h"
#include "format/entity_name.h"

namespace rhizome::memory {
namespace {

using format::PointId;

class ServiceTest : public testing::Test {
 protected:
  ServiceTest() { Open(); }
  ~ServiceTest() override { Close(); }
  void Close() {
    service_.reset();
    node_.reset();
  }
  void Open() {
    Close();
    cluster::NodeOptions options;
    options.data_dir = folder_.path() + "/data";
    options.index_threads = 1;
    node_ = cluster::Node::Open(io::RealDisk(), options).value();
    service_ = Service::Open({*node_, io::RealDisk(), metrics_}, {.data_dir = options.data_dir}).value();
  }
  void Create(const std::string& name) {
    cluster::CollectionSpec spec;
    spec.name = name;
    ASSERT_TRUE(node_->CreateCollection(spec).ok());
  }
  Status Put(const std::string& id, const std::string& text) {
    format::PutDocument put;
    put.record.id = PointId::FromString(id).value();
    put.record.chunk_count = 1;
    put.chunks.push_back({PointId::OfChunk(put.record.id, 0), {}, "", text, ""});
    return node_->Write("notes", {{{}, std::move(put)}});
  }
  bool Exists(const std::string& name) { return io::RealDisk().Exists(folder_.path() + "/data/" + name).value(); }
  std::vector<std::string> Changed(const std::string& id) {
    const PointId document = PointId::FromString(id).value();
    return service_->Changed("notes", std::span(&document, 1)).value();
  }
  bool IsDone(const std::string& task) {
    const auto found = service_->Task(task);
    return found.ok() && found->state() == workers::TaskState::kDone;
  }
  uint64_t DocumentsThatName(const std::string& name) {
    const auto id = format::EntityIdOf(name);
    return service_->Graph("notes").value()->Statistics(std::span(&id, 1)).value()[0].documents;
  }

  const ScratchFolder folder_;
  MetricRegistry metrics_;
  std::unique_ptr<cluster::Node> node_;
  std::unique_ptr<Service> service_;
};

TEST_F(ServiceTest, NothingIsMadeBeforeTheFirstMemory) {
  Create("notes");
  EXPECT_TRUE(Changed("d").empty());
  EXPECT_TRUE(service_->Deleted("notes", PointId(1)).ok());
  EXPECT_EQ(service_->Task("t").status().code(), Code::kNotFound);
  EXPECT_EQ(service_->Graph("notes").status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(service_->Graph("nowhere").status().code(), Code::kNotFound);
  EXPECT_EQ(service_->MakeMemory("nowhere").code(), Code::kNotFound);
  EXPECT_FALSE(Exists("queue"));
  ASSERT_TRUE(service_->MakeMemory("notes").ok());
  EXPECT_TRUE(Exists("queue"));
  EXPECT_TRUE(Exists("tasks"));
}

TEST_F(ServiceTest, DocumentsAreLearnedByItsOwnWorkers) {
  Create("notes");
  ASSERT_TRUE(service_->MakeMemory("notes").ok());
  ASSERT_TRUE(Put("d", "Marie Curie was born in Warsaw.").ok());
  const std::vector<std::string> tasks = Changed("d");
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_TRUE(service_->Task(tasks[0]).ok());  // known as soon as it is accepted
  ASSERT_TRUE(Await([&] { return IsDone(tasks[0]); }));
  EXPECT_EQ(DocumentsThatName("warsaw"), 1u);
}

TEST_F(ServiceTest, TasksGoOnAfterARestart) {
  Create("notes");
  ASSERT_TRUE(service_->MakeMemory("notes").ok());
  std::vector<std::string> tasks;
  for (int i = 0; i < 50; ++i) {
    const std::string id = "d" + std::to_string(i);
    ASSERT_TRUE(Put(id, "It was in Warsaw.").ok());
    tasks.push_back(Changed(id).at(0));
  }
  Open();
  for (const std::string& task : tasks) ASSERT_TRUE(Await([&] { return IsDone(task); })) << task;
  EXPECT_EQ(DocumentsThatName("warsaw"), 50u);
}

}  // namespace
}  // namespace rhizome::memory
