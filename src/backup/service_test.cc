#include "backup/service.h"

#include <chrono>
#include <thread>

#include "backup/backup_testing.h"

namespace rhizome::backup {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ServiceTest : public testing::Test {
 protected:
  ServiceTest() {
    service_ = std::make_unique<Service>(ServiceParts{*node_, node_.registers()},
                                         OpenTargets({"dir:one", "dir:two"}, {}, disk_).value());
  }
  Job Await(const Result<Job>& started) {
    EXPECT_TRUE(started.ok()) << started.status().ToString();
    for (int i = 0; i < 3'000; ++i) {
      Job job = service_->Find(started->number).value();
      if (job.state == JobState::kDone || job.state == JobState::kFailed) return job;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "the job does not end";
    return *started;
  }
  JobRequest Request(JobKind kind, const std::string& target = "") {
    JobRequest request;
    request.kind = kind;
    request.collection = "c";
    request.target = target;
    return request;
  }

  io::SimDisk disk_;
  TestNode node_;
  std::unique_ptr<Service> service_;
};

TEST_F(ServiceTest, JobsRunInTheOrderAskedAndReport) {
  node_.Make("c", 2);
  node_.Fill("c", 200);
  const auto created = service_->Start(Request(JobKind::kCreate));
  const auto verified = service_->Start(Request(JobKind::kVerify));
  JobRequest restore = Request(JobKind::kRestore);
  restore.into.collection = "again";
  restore.into.shards = 1;
  const auto restored = service_->Start(restore);
  const auto pruned = service_->Start(Request(JobKind::kPrune));
  const Job last = Await(pruned);
  EXPECT_EQ(std::get<PruneReport>(last.report).chunks, 0u);
  const auto summary = std::get<CreateReport>(Await(created).report).summary;
  EXPECT_EQ(summary.registers, node_.All("c").size());
  EXPECT_EQ(Await(verified).request.snapshot, summary.id);
  EXPECT_EQ(std::get<VerifyReport>(Await(verified).report).damaged, 0u);
  EXPECT_TRUE(std::get<RestoreReport>(Await(restored).report).equal);
  EXPECT_EQ(Await(restored).progress.done, summary.registers);
  EXPECT_EQ(node_.All("again"), node_.All("c"));
  const std::vector<Job> jobs = service_->Jobs();
  ASSERT_EQ(jobs.size(), 4u);
  EXPECT_EQ(jobs[0].number, pruned->number);
  const auto listing = service_->List("c", "dir:one").value();
  ASSERT_EQ(listing.snapshots.size(), 1u);
  EXPECT_EQ(listing.snapshots[0], summary);
}

TEST_F(ServiceTest, OnlyTheOperatorsTargetsAreUsed) {
  node_.Make("c", 1);
  EXPECT_THAT(service_->Targets(), ElementsAre("dir:one", "dir:two"));
  for (const std::string bad : {"dir:/etc", "dir:one/../two", "s3://bucket", "one"}) {
    EXPECT_EQ(service_->Start(Request(JobKind::kCreate, bad)).status().field(), "target") << bad;
    EXPECT_EQ(service_->List("c", bad).status().field(), "target") << bad;
  }
  EXPECT_EQ(Await(service_->Start(Request(JobKind::kCreate, "dir:two"))).state, JobState::kDone);
  EXPECT_TRUE(service_->List("c", "dir:one")->snapshots.empty());
  EXPECT_EQ(service_->List("c", "dir:two")->snapshots.size(), 1u);
  const Service none({*node_, node_.registers()}, {});
  EXPECT_EQ(const_cast<Service&>(none).Start(Request(JobKind::kCreate)).status().code(), Code::kFailedPrecondition);
}

TEST_F(ServiceTest, BadRequestsAreNamedAtOnce) {
  EXPECT_EQ(service_->Start(Request(JobKind::kCreate)).status().code(), Code::kNotFound);
  JobRequest request = Request(JobKind::kVerify);
  request.snapshot = "../../etc/passwd";
  EXPECT_EQ(service_->Start(request).status().field(), "snapshot");
  request = Request(JobKind::kVerify);
  request.collection = "../c";
  EXPECT_EQ(service_->Start(request).status().field(), "collection");
  request = Request(JobKind::kRestore);
  request.into.collection = "a/b";
  EXPECT_EQ(service_->Start(request).status().field(), "collection");
  EXPECT_EQ(service_->List("..", "").status().field(), "collection");
  EXPECT_EQ(service_->Find(77).status().code(), Code::kNotFound);
}

TEST_F(ServiceTest, AFailureIsTheJobs) {
  const Job job = Await(service_->Start(Request(JobKind::kVerify)));
  EXPECT_EQ(job.state, JobState::kFailed);
  EXPECT_EQ(job.failure.code(), Code::kNotFound);
  EXPECT_THAT(std::string(job.failure.message()), HasSubstr("no snapshot in dir:one"));
}

TEST_F(ServiceTest, DamagedManifestsAreListedApart) {
  node_.Make("c", 1);
  const Job job = Await(service_->Start(Request(JobKind::kCreate)));
  const std::string id = std::get<CreateReport>(job.report).summary.id;
  ASSERT_TRUE(disk_.FlipBit("one/" + ManifestName("c", id), 20, 1).ok());
  EXPECT_THAT(service_->List("c", "")->damaged, ElementsAre(id));
}

TEST_F(ServiceTest, StoppingEndsWhatRuns) {
  node_.Make("c", 1);
  node_.Fill("c", 3'000);
  std::vector<Target> targets = OpenTargets({"dir:slow"}, {}, disk_).value();
  {
    Service slow({*node_, node_.registers(), SystemClock(), 50'000}, std::move(targets));
    const auto started = slow.Start(Request(JobKind::kCreate));
    while (slow.Find(started->number)->progress.step != "copying") std::this_thread::yield();
  }
  const auto after = OpenTargets({"dir:slow"}, {}, disk_).value();
  EXPECT_TRUE(Archive(*after[0].store, "c").Ids()->empty());
}

TEST(Targets, BadOnesAreNamed) {
  io::SimDisk disk;
  blob::S3Options s3;
  s3.endpoint = "http://127.0.0.1:1";
  s3.access_key = s3.secret_key = "k";
  const auto field = [&](const std::string& name) {
    return std::string(OpenTargets({name}, s3, disk).status().field());
  };
  EXPECT_EQ(field("/backups"), "snapshot_targets");
  EXPECT_EQ(field("dir:"), "snapshot_targets");
  EXPECT_EQ(field("s3://UPPER"), "snapshot_targets");
  EXPECT_EQ(field("s3://bucket/../x"), "snapshot_targets");
  EXPECT_EQ(field("ftp://host"), "snapshot_targets");
  EXPECT_TRUE(OpenTargets({"s3://bucket", "s3://bucket/a/b/", "dir:x"}, s3, disk).ok());
  s3.secret_key = "";
  EXPECT_EQ(field("s3://bucket"), "s3_secret_key");
}

}  // namespace
}  // namespace rhizome::backup
