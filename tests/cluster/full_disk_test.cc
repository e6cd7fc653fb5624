// Fact 8: a full disk on one member stops nobody else, is told, and ends when there is room.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <filesystem>

#include "base/check.h"
#include "chaos_fixture.h"

namespace rhizome::chaos {
namespace {

constexpr size_t kDiskMib = 400;
constexpr uint64_t kLeftBytes = 1 << 20;

class FullDisk : public Chaos {
 protected:
  // Takes all of n1's disk but a mebibyte.
  void FillDisk() {
    struct statvfs room {};
    ASSERT_EQ(statvfs(fleet_->data_dir(0).c_str(), &room), 0);
    const auto free = static_cast<uint64_t>(room.f_bavail) * room.f_bsize;
    ASSERT_GT(free, kLeftBytes);
    const int file = open(Ballast().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ASSERT_GE(file, 0);
    EXPECT_EQ(posix_fallocate(file, 0, static_cast<off_t>(free - kLeftBytes)), 0);
    close(file);
  }
  void MakeRoom() { std::filesystem::remove(Ballast()); }
  std::string Ballast() const { return fleet_->data_dir(0) + "/ballast"; }
  // What the cluster says of n1's disk; "" while nothing.
  std::string Complaint() {
    const auto health = fleet_->Ask("GET", "/cluster/health");
    if (!health.ok()) return "";
    for (const auto& reason : health->at("reasons").as_array()) {
      if (reason.at("code").as_string() == "replica_read_only") return std::string(reason.at("detail").as_string());
    }
    return "";
  }
};

TEST_F(FullDisk, OfOneMemberStopsNoWriteIsToldAndEndsWithRoom) {
  const std::string fact = "full disk";
  StartFleet({.small_disk_mib = kDiskMib});
  if (HasFailure()) return;
  ASSERT_TRUE(fleet_->CreateCollection("things", kDimension, 4).ok());
  Load load(fleet_->gateways(), {.writers = 3, .seed = TheExtent().seed});
  SleepMs(1'000);
  FillDisk();
  // Large texts, until it is said that the disk is full.
  HttpSession session = Session();
  const std::string text(100'000, 'x');
  std::string complaint;
  uint64_t id = 1;
  const bool told = Eventually(120'000, [&] {
    std::string points;
    for (int i = 0; i < 16; ++i, ++id) {
      points += fmt::format(R"({}{{"id":{},"vector":{},"text":"{}"}})", i == 0 ? "" : ",", id, VectorJson(VectorOf(id)),
                            text);
    }
    const Answer answer = session.CallTwice("POST", "/vectors", UpsertBody("things", points));
    EXPECT_TRUE(answer.good()) << answer.ToString();
    complaint = Complaint();
    return !complaint.empty();
  });
  EXPECT_TRUE(told);
  EXPECT_NE(complaint.find("n1"), std::string::npos) << complaint;
  fmt::print("[     said ] {}\n", complaint);
  SleepMs(full() ? 20'000 : 2'000);
  load.Stop();
  EXPECT_EQ(load.failed(), std::vector<std::string>{});
  Note(fact, "requests failed after one repetition", static_cast<double>(load.failed().size()), "");

  MakeRoom();
  const auto by_itself = ReplicaCompare(*fleet_).AwaitEqual(full() ? 30'000 : 10'000);
  Note(fact, "restarts needed", by_itself.ok() ? 0 : 1, "");
  if (!by_itself.ok()) {
    // As documented where the database met the full disk.
    fleet_->Kill(0);
    fleet_->Restart(0);
    ASSERT_TRUE(fleet_->AwaitReady(0).ok());
  }
  ExpectEqual(fact, 60'000);
  ExpectKept(fact, load);
  EXPECT_EQ(Complaint(), "");
}

}  // namespace
}  // namespace rhizome::chaos
