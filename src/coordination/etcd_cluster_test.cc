// Three real members, some of them killed or paused; and one over TLS.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

#include "base/scratch_testing.h"
#include "coordination/coordination_testing.h"
#include "coordination/election.h"
#include "coordination/etcd.h"

namespace rhizome::coordination {
namespace {

constexpr int64_t kTimeoutMs = 3'000;

bool IsOutage(const Status& status) {
  return status.code() == Code::kUnavailable || status.code() == Code::kDeadlineExceeded;
}

class ThreeMembers : public testing::Test {
 protected:
  ThreeMembers() : etcd_(3) {}
  void SetUp() override { ASSERT_NE(etcd_.servers, nullptr); }
  std::unique_ptr<Etcd> Open(int64_t timeout_ms = kTimeoutMs) {
    return Etcd::Open({.endpoints = servers().addresses(), .timeout_ms = timeout_ms}).value();
  }
  EtcdServers& servers() { return *etcd_.servers; }

  // Counts on by one, however often it has to look again; a loss or a double count shows in the end.
  static bool Increment(Etcd& etcd) {
    const auto listing = etcd.List("count");
    if (!listing.ok()) return false;
    const bool made = !listing->entries.empty();
    const int64_t revision = made ? listing->entries[0].mod_revision : 0;
    const int next = made ? std::stoi(listing->entries[0].value) + 1 : 1;
    const auto committed = etcd.Commit({{{"count", revision}}, {Put("count", std::to_string(next))}});
    return committed.ok() && committed->succeeded;
  }

 private:
  TestEtcd etcd_;
};

TEST_F(ThreeMembers, OneKilledMemberIsNotMissed) {
  auto etcd = Open();
  ASSERT_TRUE(Eventually([&] { return Increment(*etcd); }));
  for (size_t member = 0; member < servers().size(); ++member) {
    servers().Kill(member);
    EXPECT_FALSE(servers().running(member));
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(Eventually([&] { return Increment(*etcd); })) << member;
    ASSERT_TRUE(servers().Restart(member).ok());
  }
  // An outcome that stayed unknown may have counted once more than it was seen to.
  EXPECT_GE(std::stoi(MustList(*etcd, "count").entries[0].value), 10);
}

TEST_F(ThreeMembers, WithoutAQuorumCallsFailInTimeAndWorkAgainWhenItIsBack) {
  constexpr int64_t kShortMs = 800;
  auto etcd = Open();
  ASSERT_TRUE(Eventually([&] { return Increment(*etcd); }));
  const LeaseId lease = MustGrant(*etcd, 60'000);
  servers().Kill(0);
  servers().Kill(1);
  // The one that is left must not answer from what it has, not even when it is asked alone.
  for (const auto& endpoints : {servers().addresses(), std::vector<std::string>{servers().address(2)}}) {
    auto asked = Etcd::Open({.endpoints = endpoints, .timeout_ms = kShortMs}).value();
    const int64_t begin = NowMs();
    EXPECT_TRUE(IsOutage(asked->List("").status()));
    EXPECT_TRUE(IsOutage(asked->Commit({{}, {Put("lost", "?")}}).status()));
    EXPECT_TRUE(IsOutage(asked->Commit({{{"count", 1}}, {}}).status())) << "a check must ask the others too";
    EXPECT_TRUE(IsOutage(asked->Grant(1'000).status()));
    EXPECT_LT(NowMs() - begin, 4 * (kShortMs + 1'000));
  }
  ASSERT_TRUE(servers().Spawn(0).ok());
  EXPECT_TRUE(Eventually([&] { return Increment(*etcd); }));
  EXPECT_TRUE(Eventually([&] { return etcd->KeepAlive(lease).ok(); }));
}

TEST_F(ThreeMembers, PausedMembersAreGoneAround) {
  auto etcd = Open();
  ASSERT_TRUE(Eventually([&] { return Increment(*etcd); }));
  for (size_t member = 0; member < servers().size(); ++member) {
    servers().Pause(member);
    EXPECT_TRUE(Eventually([&] { return etcd->List("").ok(); }));
    EXPECT_TRUE(Eventually([&] { return Increment(*etcd); }));
    servers().Resume(member);
    ASSERT_TRUE(servers().AwaitReady(member, 30'000).ok());
  }
}

TEST_F(ThreeMembers, LeaderIsFollowedByAnotherWithAHigherEpoch) {
  auto etcd = Open(10'000);
  Election one(*etcd, "leader", "one");
  Election two(*etcd, "leader", "two");
  const LeaseId lease_one = MustGrant(*etcd, 2'000);
  const LeaseId lease_two = MustGrant(*etcd, 60'000);
  ASSERT_TRUE(Eventually([&] {
    const auto step = one.Step(lease_one);
    return step.ok() && step->is_leader;
  }));
  const int64_t old_epoch = one.leadership().epoch;
  // Its lease is left to end, and a member dies meanwhile.
  servers().Kill(0);
  ASSERT_TRUE(Eventually([&] {
    const auto step = two.Step(lease_two);
    return step.ok() && step->is_leader;
  }));
  EXPECT_GT(two.leadership().epoch, old_epoch);
  EXPECT_TRUE(Eventually([&] {
    const auto fenced = etcd->Commit({{Fence("leader", old_epoch)}, {Put("placement", "old")}});
    return fenced.ok() && !fenced->succeeded;
  }));
}

TEST_F(ThreeMembers, ProcessesComeBackWithTheirPortsAndData) {
  auto etcd = Open(10'000);
  MustCommit(*etcd, {{}, {Put("a", "1")}});
  const std::vector<std::string> addresses = servers().addresses();
  for (size_t member = 0; member < servers().size(); ++member) servers().Kill(member);
  for (size_t member = 0; member < servers().size(); ++member) ASSERT_TRUE(servers().Spawn(member).ok());
  for (size_t member = 0; member < servers().size(); ++member) {
    ASSERT_TRUE(servers().AwaitReady(member, 30'000).ok());
  }
  EXPECT_EQ(servers().addresses(), addresses);
  EXPECT_EQ(MustList(*etcd, "a").entries.size(), 1u);
}

TEST(EtcdServers, FolderKeepsItsMembers) {
  ScratchFolder folder;
  std::string address;
  {
    auto servers = EtcdServers::Start({.directory = folder.path()}).value();
    address = servers->address(0);
    auto etcd = Etcd::Open({.endpoints = servers->addresses()}).value();
    EXPECT_TRUE(MustCommit(*etcd, {{}, {Put("a", "1")}}).succeeded);
  }
  EXPECT_EQ(EtcdServers::Start({.directory = folder.path(), .members = 3}).status().code(), Code::kFailedPrecondition);
  auto servers = EtcdServers::Start({.directory = folder.path()}).value();
  EXPECT_EQ(servers->address(0), address);
  EXPECT_EQ(MustList(*Etcd::Open({.endpoints = servers->addresses()}).value()).entries.size(), 1u);
}

// A program that ends at once the first time, as a member does whose port was taken, and is etcd the second time.
TEST(EtcdServers, MemberThatEndsAtItsFirstStartGetsOtherPorts) {
  ScratchFolder folder;
  const std::string program = folder.path() + "/sometimes";
  ASSERT_TRUE(io::WriteFileAtomically(io::RealDisk(), program,
                                      "#!/bin/sh\n"
                                      "[ -e \"$0.tried\" ] || { cp \"${0%/*}/ports\" \"$0.tried\"; exit 1; }\n"
                                      "exec /usr/bin/etcd \"$@\"\n")
                  .ok());
  ASSERT_EQ(chmod(program.c_str(), 0755), 0);
  auto servers = EtcdServers::Start({.directory = folder.path(), .program = program});
  ASSERT_TRUE(servers.ok()) << servers.status().ToString();
  const std::string first = io::ReadWholeFile(io::RealDisk(), program + ".tried").value();
  EXPECT_NE(io::ReadWholeFile(io::RealDisk(), folder.path() + "/ports").value(), first);
}

TEST(EtcdServers, WhatCannotStartSaysSo) {
  ScratchFolder folder;
  EXPECT_EQ(EtcdServers::Start({.directory = folder.path(), .members = 0}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(EtcdServers::Start({.directory = folder.path(), .program = "/none"}).status().code(), Code::kNotFound);
  EXPECT_FALSE(EtcdServers::Start({.directory = folder.path() + "/none"}).ok());
  const Status status = EtcdServers::Start({.directory = folder.path(), .program = "/bin/ls"}).status();
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_NE(status.message().find("ls: "), std::string::npos) << "the end of its log: " << status.ToString();
}

TEST(EtcdSharing, PrefixesKeepClustersApart) {
  TestEtcd shared;
  const auto open = [&](const std::string& prefix) {
    return Etcd::Open({.endpoints = shared.servers->addresses(), .key_prefix = prefix}).value();
  };
  auto one = open("one/");
  auto two = open("two/");
  MustCommit(*one, {{}, {Put("a", "1")}});
  EXPECT_TRUE(MustCommit(*two, {{{"a", 0}}, {Put("a", "2")}}).succeeded);
  EXPECT_EQ(MustList(*one).entries.size(), 1u);
  EXPECT_EQ(MustList(*one).entries[0].value, "1");
  EXPECT_EQ(MustList(*open("")).entries[0].key, "one/a");
}

// A certificate that signs itself, good for both sides of a connection on loopback.
io::HttpTls MakeCertificate(const ScratchFolder& folder, const std::string& name) {
  const std::string path = folder.path() + "/" + name;
  const std::string command =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=" + name +
      " -addext subjectAltName=IP:127.0.0.1 -keyout " + path + ".key -out " + path + ".pem 2>/dev/null";
  EXPECT_EQ(std::system(command.c_str()), 0);
  return {.ca_file = path + ".pem", .certificate_file = path + ".pem", .key_file = path + ".key"};
}

TEST(EtcdTls, BothSidesShowACertificateOfTheTrustedAuthority) {
  ScratchFolder folder;
  const io::HttpTls trusted = MakeCertificate(folder, "trusted");
  const io::HttpTls stranger = MakeCertificate(folder, "stranger");
  TestEtcd secured(1, trusted);
  ASSERT_NE(secured.servers, nullptr);
  const std::vector<std::string> endpoints = secured.servers->addresses();
  EXPECT_TRUE(endpoints[0].starts_with("https://"));
  const auto open = [&](const io::HttpTls& tls) { return Etcd::Open({.endpoints = endpoints, .tls = tls}).value(); };
  EXPECT_TRUE(MustCommit(*open(trusted), {{}, {Put("a", "1")}}).succeeded);
  // Without its authority the server is not believed, and nothing is sent.
  EXPECT_EQ(open({})->Commit({{}, {Put("a", "2")}}).status().code(), Code::kUnavailable);
  EXPECT_EQ(open(stranger)->Commit({{}, {Put("a", "2")}}).status().code(), Code::kUnavailable);
  // Without a certificate of it the server does not listen.
  io::HttpTls silent = trusted;
  silent.certificate_file = silent.key_file = "";
  EXPECT_FALSE(open(silent)->Commit({{}, {Put("a", "2")}}).ok());
  io::HttpTls foreign = stranger;
  foreign.ca_file = trusted.ca_file;
  EXPECT_FALSE(open(foreign)->Commit({{}, {Put("a", "2")}}).ok());
  EXPECT_EQ(MustList(*open(trusted)).entries[0].value, "1");
}

// A member that asks for credentials: user root, password "secret".
struct GuardedEtcd : TestEtcd {
  GuardedEtcd() {
    Post("/v3/auth/user/add", R"({"name":"root","password":"secret"})");
    Post("/v3/auth/role/add", R"({"name":"root"})");
    Post("/v3/auth/user/grant", R"({"user":"root","role":"root"})");
    Post("/v3/auth/enable", "{}");
  }
  void Post(const std::string& path, const std::string& body) {
    const auto answer = io::HttpClient().Post({.url = servers->address(0) + path, .body = body});
    EXPECT_TRUE(answer.ok() && answer->status == 200) << path;
  }
  std::unique_ptr<Etcd> Open(const std::string& user, const std::string& password) {
    return Etcd::Open({.endpoints = servers->addresses(), .timeout_ms = 20'000, .user = user, .password = password})
        .value();
  }
};

TEST(EtcdCredentials, AreAskedForAndTaken) {
  GuardedEtcd guarded;
  EXPECT_TRUE(MustCommit(*guarded.Open("root", "secret"), {{}, {Put("a", "1")}}).succeeded);
  EXPECT_FALSE(guarded.Open("", "")->List("").ok());
  EXPECT_EQ(guarded.Open("root", "guess")->Commit({{}, {Put("a", "2")}}).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(guarded.Open("nobody", "")->List("").status().code(), Code::kFailedPrecondition);
}

TEST(EtcdCredentials, UnguardedServerSaysThatItWantsNone) {
  TestEtcd open;
  auto etcd = Etcd::Open({.endpoints = open.servers->addresses(), .user = "root", .password = "secret"}).value();
  EXPECT_EQ(etcd->List("").status().code(), Code::kFailedPrecondition);
}

TEST(EtcdCredentials, ForgottenTokenIsFetchedAgain) {
  GuardedEtcd guarded;
  auto etcd = guarded.Open("root", "secret");
  MustCommit(*etcd, {{}, {Put("a", "1")}});
  guarded.servers->Kill(0);  // tokens live in memory
  ASSERT_TRUE(guarded.servers->Spawn(0).ok());
  EXPECT_TRUE(Eventually([&] { return etcd->List("").ok(); }));
  guarded.servers->Kill(0);
  ASSERT_TRUE(guarded.servers->Spawn(0).ok());
  Result<Committed> committed = Status::Unavailable("not tried");
  EXPECT_TRUE(Eventually([&] {
    committed = etcd->Commit({{}, {Put("a", "2")}});
    return committed.ok() || committed.status().code() != Code::kUnavailable;
  }));
  ASSERT_TRUE(committed.ok()) << committed.status().ToString();
  EXPECT_TRUE(committed->succeeded);
}

}  // namespace
}  // namespace rhizome::coordination
