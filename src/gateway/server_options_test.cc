#include "gateway/server_options.h"

#include <gtest/gtest.h>

namespace rhizome::gateway {
namespace {

Status WithAddress(std::string address, std::vector<std::string> keys = {}, bool insecure = false) {
  ServerOptions options;
  options.address = std::move(address);
  options.api_keys = std::move(keys);
  options.insecure_bind = insecure;
  return ValidateServerOptions(options);
}

TEST(ServerOptions, DefaultsAreValid) { EXPECT_TRUE(ValidateServerOptions({}).ok()); }

TEST(ServerOptions, LoopbackNeedsNoKey) {
  EXPECT_TRUE(WithAddress("127.0.0.1").ok());
  EXPECT_TRUE(WithAddress("127.8.8.8").ok());
  EXPECT_TRUE(WithAddress("::1").ok());
}

TEST(ServerOptions, AnOpenBindIsRefusedUnlessMeant) {
  for (const char* address : {"0.0.0.0", "::", "192.0.2.7", "::ffff:127.0.0.1"}) {
    EXPECT_EQ(WithAddress(address).code(), Code::kFailedPrecondition) << address;
    EXPECT_TRUE(WithAddress(address, {"0123456789abcdef"}).ok()) << address;
    EXPECT_TRUE(WithAddress(address, {}, true).ok()) << address;
  }
}

TEST(ServerOptions, AddressesAreNotNames) { EXPECT_EQ(WithAddress("localhost").field(), "address"); }

TEST(ServerOptions, ShortKeysAreRefused) { EXPECT_EQ(WithAddress("127.0.0.1", {"short"}).field(), "api_keys"); }

TEST(ServerOptions, ImpossibleLimitsAreNamed) {
  ServerOptions options;
  options.buffered_bytes_max = options.body_bytes_max - 1;
  EXPECT_EQ(ValidateServerOptions(options).field(), "buffered_bytes_max");
  options = {};
  options.query_lane.queue_len_max = 0;
  EXPECT_EQ(ValidateServerOptions(options).field(), "query_lane.queue_len_max");
  options = {};
  options.header_bytes_max = 10;
  EXPECT_EQ(ValidateServerOptions(options).field(), "header_bytes_max");
}

}  // namespace
}  // namespace rhizome::gateway
