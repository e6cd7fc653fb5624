#include "rpc/address.h"

#include <gtest/gtest.h>

namespace rhizome::rpc {
namespace {

std::string TargetOf(std::string_view text) {
  const auto address = ParseAddress(text);
  return address.ok() ? address->Target() : address.status().ToString();
}

bool IsLoopback(std::string_view text) { return ParseAddress(text)->is_loopback; }

TEST(Address, LiteralsAndNamesGetTheirOwnTarget) {
  EXPECT_EQ(TargetOf("127.0.0.1:80"), "ipv4:///127.0.0.1:80");
  EXPECT_EQ(TargetOf("[::1]:65535"), "ipv6:///[::1]:65535");
  EXPECT_EQ(TargetOf("node-1.example.org:7000"), "dns:///node-1.example.org:7000");
}

TEST(Address, OnlyLoopbackIsLoopback) {
  for (const auto* text : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1"})
    EXPECT_TRUE(IsLoopback(text)) << text;
  for (const auto* text : {"0.0.0.0:1", "[::]:1", "10.0.0.127:1", "localhost.example.org:1", "127.example.org:1"}) {
    EXPECT_FALSE(IsLoopback(text)) << text;
  }
}

TEST(Address, OtherTextIsRefusedAndNamed) {
  const std::string_view bad[] = {"",
                                  "127.0.0.1",
                                  ":80",
                                  "127.0.0.1:",
                                  "127.0.0.1:x",
                                  "127.0.0.1:65536",
                                  "127.0.0.1:-1",
                                  "1.2.3:80",
                                  "unix:/tmp/x:80",
                                  "unix:80x",
                                  "xds:///a:80",
                                  "a/b:80",
                                  "a b:80",
                                  "::1:80",
                                  "[::1:80",
                                  "[1.2.3.4]:80",
                                  "[]:80",
                                  "-a:80",
                                  "dns:///a:80",
                                  ".a:80",
                                  "a:80 ",
                                  std::string_view("127.0.0.1\0x:80", 14)};
  for (const std::string_view text : bad) {
    const Status status = ParseAddress(text).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << text;
    EXPECT_EQ(status.field(), "address") << text;
  }
  EXPECT_FALSE(ParseAddress(std::string(300, 'a') + ":80").ok());
}

}  // namespace
}  // namespace rhizome::rpc
