#include "private_network.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <thread>

#include "base/check.h"

namespace rhizome::chaos {
namespace {

constexpr uint16_t kPort = 4000;

sockaddr_in AddressOf(const std::string& host) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kPort);
  CHECK(inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1);
  return address;
}

// A socket of a host's: only the thread that makes it has to be there.
int SocketAt(const PrivateNetwork& network, PrivateNetwork::Host host) {
  int made = -1;
  std::thread([&] {
    CHECK(setns(network.network_of(host), CLONE_NEWNET) == 0);
    made = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = AddressOf(network.address(host));
    CHECK(bind(made, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  }).join();
  return made;
}

class PrivateNetworkTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = PrivateNetwork::Make();
    ASSERT_TRUE(made.ok()) << made.status().ToString();
    network_ = std::make_unique<PrivateNetwork>(std::move(made).value());
    for (int& socket : sockets_) {
      const auto host = network_->AddHost();
      ASSERT_TRUE(host.ok()) << host.status().ToString();
      socket = SocketAt(*network_, *host);
    }
  }
  void TearDown() override {
    for (const int socket : sockets_) close(socket);
  }
  bool Arrives(PrivateNetwork::Host from, PrivateNetwork::Host to, int timeout_ms) {
    const sockaddr_in address = AddressOf(network_->address(to));
    EXPECT_EQ(sendto(sockets_[from], "x", 1, 0, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 1);
    pollfd waiting{sockets_[to], POLLIN, 0};
    char byte = 0;
    return poll(&waiting, 1, timeout_ms) == 1 && recv(sockets_[to], &byte, 1, 0) == 1;
  }
  bool Reaches(PrivateNetwork::Host from, PrivateNetwork::Host to) { return Arrives(from, to, 10'000); }
  bool IsCut(PrivateNetwork::Host from, PrivateNetwork::Host to) { return !Arrives(from, to, 200); }

  std::unique_ptr<PrivateNetwork> network_;
  std::array<int, 3> sockets_{-1, -1, -1};
};

TEST_F(PrivateNetworkTest, HostsReachEachOther) {
  EXPECT_TRUE(Reaches(0, 1));
  EXPECT_TRUE(Reaches(1, 0));
  EXPECT_TRUE(Reaches(1, 2));
}

TEST_F(PrivateNetworkTest, AOneWayCutDropsInSilenceAndLeavesTheOtherWayOpen) {
  ASSERT_TRUE(Reaches(0, 1));  // addresses are resolved
  ASSERT_TRUE(network_->CutOneWay(0, 1).ok());
  EXPECT_TRUE(IsCut(0, 1));
  EXPECT_TRUE(Reaches(1, 0));
  EXPECT_TRUE(Reaches(0, 2));
}

TEST_F(PrivateNetworkTest, ASplitCutsBothWaysAndHealingEndsIt) {
  ASSERT_TRUE(network_->Split({0}, {1, 2}).ok());
  EXPECT_TRUE(IsCut(0, 1));
  EXPECT_TRUE(IsCut(2, 0));
  EXPECT_TRUE(Reaches(1, 2));
  ASSERT_TRUE(network_->Heal().ok());
  EXPECT_TRUE(Reaches(0, 1));
  EXPECT_TRUE(Reaches(2, 0));
}

TEST(RunTool, SaysWhatWentWrong) {
  EXPECT_TRUE(RunTool({"true"}).ok());
  EXPECT_THAT(RunTool({"ip", "link", "show", "none-such"}).ToString(), testing::HasSubstr("none-such"));
  EXPECT_FALSE(RunTool({"/no/such/program"}).ok());
}

}  // namespace
}  // namespace rhizome::chaos
