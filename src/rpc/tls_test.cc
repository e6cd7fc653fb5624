// Mutual TLS between Server and Client over real connections.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/scratch_testing.h"
#include "rpc/rpc_testing.h"
#include "rpc/tls_testing.h"

namespace rhizome::rpc {
namespace {

// Answers with the name of whoever asks, and counts.
struct NameServer {
  std::atomic<int> ran = 0;
  Handler handler() {
    return [this](CallInfo info, std::string, Respond respond) {
      ++ran;
      respond(info.peer);
    };
  }
};

CallOptions Expecting(const std::string& node) { return {.timeout_ms = 5000, .peer = node}; }

class Tls : public ::testing::Test {
 protected:
  std::unique_ptr<Server> ServeAs(const TlsOptions& tls) { return Serve(names_.handler(), {.tls = tls}); }
  std::unique_ptr<Server> ServeAs(const std::string& node) { return ServeAs(authority_.Issue(folder_, node)); }
  std::unique_ptr<Client> ConnectAs(const TlsOptions& tls) { return Connect({.tls = tls}); }
  std::unique_ptr<Client> ConnectAs(const std::string& node) { return ConnectAs(authority_.Issue(folder_, node)); }

  const ScratchFolder folder_;
  const Authority authority_{"cluster authority"};
  NameServer names_;
};

TEST_F(Tls, RightCertificatesPassAndNameTheCaller) {
  const auto server = ServeAs("node-1");
  const auto client = ConnectAs("node-2");
  const auto answer = Call(*client, AddressOf(*server), "who am I?", Expecting("node-1"));
  ASSERT_TRUE(answer.ok()) << answer.status().ToString();
  EXPECT_EQ(*answer, "node-2");
}

TEST_F(Tls, FirstDnsNameIsTheNode) {
  const auto server = ServeAs("node-1");
  const auto client =
      ConnectAs(authority_.Issue(folder_, "n", "common", "IP:127.0.0.1,DNS:node-7,DNS:host.example.org"));
  EXPECT_EQ(*Call(*client, AddressOf(*server), "", Expecting("node-1")), "node-7");
}

TEST_F(Tls, CommonNameCountsWhereThereIsNoDnsName) {
  const auto server = ServeAs(authority_.Issue(folder_, "s", "node-1", ""));
  const auto client = ConnectAs(authority_.Issue(folder_, "c", "node-2", ""));
  EXPECT_EQ(*Call(*client, AddressOf(*server), "", Expecting("node-1")), "node-2");
}

TEST_F(Tls, CertificateWithoutUsableNameIsRefused) {
  const auto server = ServeAs("node-1");
  const auto client = ConnectAs(authority_.Issue(folder_, "c", "no name", ""));
  const Status status = Call(*client, AddressOf(*server), "", Expecting("node-1")).status();
  EXPECT_EQ(status.code(), Code::kFailedPrecondition) << status.ToString();
  EXPECT_EQ(names_.ran, 0);
}

TEST_F(Tls, ServerOfAnotherNameIsNotSpokenTo) {
  const auto server = ServeAs("node-1");
  const auto client = ConnectAs("node-2");
  EXPECT_EQ(Call(*client, AddressOf(*server), "", Expecting("node-3")).status().code(), Code::kUnavailable);
  EXPECT_EQ(names_.ran, 0);
  EXPECT_TRUE(Call(*client, AddressOf(*server), "", Expecting("node-1")).ok());
}

TEST_F(Tls, ServerOfAnotherAuthorityIsNotSpokenTo) {
  const Authority other("another authority");
  const auto server = ServeAs(other.Issue(folder_, "node-1"));
  const auto client = ConnectAs("node-2");
  EXPECT_EQ(Call(*client, AddressOf(*server), "", Expecting("node-1")).status().code(), Code::kUnavailable);
  EXPECT_EQ(names_.ran, 0);
}

TEST_F(Tls, ClientOfAnotherAuthorityIsRefused) {
  const Authority other("another authority");
  const auto server = ServeAs("node-1");
  TlsOptions tls = other.Issue(folder_, "node-2");
  tls.ca_file = authority_.Issue(folder_, "node-3").ca_file;
  const auto client = ConnectAs(tls);
  EXPECT_FALSE(Call(*client, AddressOf(*server), "", Expecting("node-1")).ok());
  EXPECT_EQ(names_.ran, 0);
}

TEST_F(Tls, SelfSignedClientIsRefused) {
  const auto server = ServeAs("node-1");
  TlsOptions tls = Authority("node-2").Issue(folder_, "node-2");
  tls.ca_file = authority_.Issue(folder_, "node-3").ca_file;
  const auto client = ConnectAs(tls);
  EXPECT_FALSE(Call(*client, AddressOf(*server), "", Expecting("node-1")).ok());
  EXPECT_EQ(names_.ran, 0);
}

TEST_F(Tls, PlainClientIsRefused) {
  const auto server = ServeAs("node-1");
  const auto client = Connect();
  EXPECT_FALSE(Call(*client, AddressOf(*server), "", {.timeout_ms = 1000}).ok());
  EXPECT_EQ(names_.ran, 0);
}

TEST_F(Tls, PlainServerIsNotSpokenTo) {
  const auto server = Serve(names_.handler());
  const auto client = ConnectAs("node-2");
  EXPECT_FALSE(Call(*client, AddressOf(*server), "", {.timeout_ms = 1000, .peer = "node-1"}).ok());
  EXPECT_EQ(names_.ran, 0);
}

TEST_F(Tls, CallMustNameTheNodeItExpects) {
  const auto client = ConnectAs("node-2");
  const Status status = Call(*client, "127.0.0.1:1", "", Expecting("")).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_EQ(status.field(), "peer");
}

// Renewed under another name, so that the new one shows.
TEST_F(Tls, RenewedCertificatesServeTheNextConnection) {
  const TlsOptions files = authority_.Issue(folder_, "n", "rhizome", "DNS:old-server");
  const TlsOptions client_files = authority_.Issue(folder_, "c", "rhizome", "DNS:old-client");
  const auto server = ServeAs(files);
  const auto client = ConnectAs(client_files);
  ASSERT_EQ(*Call(*client, AddressOf(*server), "", Expecting("old-server")), "old-client");
  // gRPC compares times of change in whole seconds.
  SleepMs(1100);
  authority_.Issue(folder_, "n", "rhizome", "DNS:new-server");
  authority_.Issue(folder_, "c", "rhizome", "DNS:new-client");
  const auto renewed = [&] {
    client->Forget(AddressOf(*server));
    const auto answer = Call(*client, AddressOf(*server), "", Expecting("new-server"));
    return answer.ok() && *answer == "new-client";
  };
  EXPECT_TRUE(Eventually(renewed, 15'000));
}

TEST_F(Tls, FilesThatMakeNoPairAreNamed) {
  const TlsOptions good = authority_.Issue(folder_, "good");
  const TlsOptions other = authority_.Issue(folder_, "other");
  std::ofstream(folder_.File("noise")) << "no PEM here\n";
  const auto field = [](const TlsOptions& tls) {
    const Status server = Server::Start({.tls = tls}, Echo).status();
    const Status client = Client::Create({.tls = tls}).status();
    EXPECT_EQ(server.code(), Code::kInvalidArgument);
    EXPECT_EQ(server.ToString(), client.ToString());
    return std::string(server.field());
  };
  EXPECT_EQ(field({"", good.cert_file, good.key_file}), "tls.ca_file");
  EXPECT_EQ(field({folder_.File("noise"), good.cert_file, good.key_file}), "tls.ca_file");
  EXPECT_EQ(field({good.ca_file, "", good.key_file}), "tls.cert_file");
  EXPECT_EQ(field({good.ca_file, folder_.File("noise"), good.key_file}), "tls.cert_file");
  EXPECT_EQ(field({good.ca_file, good.cert_file, ""}), "tls.key_file");
  EXPECT_EQ(field({good.ca_file, good.cert_file, other.key_file}), "tls.key_file");
}

}  // namespace
}  // namespace rhizome::rpc
