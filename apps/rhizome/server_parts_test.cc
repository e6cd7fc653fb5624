#include "server_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rhizome::app {
namespace {

using testing::ElementsAre;

Result<cluster::ClusterOptions> OptionsOf(const Config& config) { return ClusterOptionsOf(config, 8123, "machine-1"); }

TEST(ServerParts, WhatANodeIsNotToldFollowsFromTheRest) {
  Config config;
  config.listen = "127.0.0.1:0";
  const cluster::ClusterOptions options = OptionsOf(config).value();
  EXPECT_EQ(options.name, "machine-1");
  EXPECT_EQ(options.http_address, "127.0.0.1:8123");
  EXPECT_EQ(options.advertise, "");
  EXPECT_FALSE(options.waits_to_be_admitted);
  EXPECT_FALSE(options.tls.enabled());
  EXPECT_EQ(options.defaults.shards, 8U);
  EXPECT_EQ(options.defaults.replication_factor, 3U);
}

TEST(ServerParts, WhatANodeIsToldCounts) {
  Config config;
  config.node_name = "north-1";
  config.rpc_listen = "0.0.0.0:7000";
  config.rpc_advertise = "10.0.0.1:7000";
  config.listen = "[::]:8000";
  config.http_advertise = "10.0.0.1:8000";
  config.zone = "north";
  config.capacity_gib = 2;
  config.join = "wait";
  config.rpc_ca_file = "ca.pem";
  config.lease_ms = 9'000;
  config.suspect_ms = 800;
  config.replace_after_s = 60;
  const cluster::ClusterOptions options = OptionsOf(config).value();
  EXPECT_EQ(options.name, "north-1");
  EXPECT_EQ(options.advertise, "10.0.0.1:7000");
  EXPECT_EQ(options.http_address, "10.0.0.1:8000");
  EXPECT_EQ(options.zone, "north");
  EXPECT_EQ(options.capacity_bytes, 2ULL << 30);
  EXPECT_TRUE(options.waits_to_be_admitted);
  EXPECT_TRUE(options.tls.enabled());
  EXPECT_EQ(options.settings.lease_ttl_ms, 9'000);
  EXPECT_EQ(options.settings.suspect_after_ms, 800);
  EXPECT_EQ(options.settings.ping_interval_ms, 200);
  EXPECT_EQ(options.settings.replace_after_ms, 60'000);
}

TEST(ServerParts, EveryAddressNeedsOneToCall) {
  Config config;
  config.rpc_listen = "0.0.0.0:7000";
  EXPECT_EQ(OptionsOf(config).status().field(), "rpc_advertise");
  config.rpc_advertise = "10.0.0.1:7000";
  config.listen = "[::]:8000";
  EXPECT_EQ(OptionsOf(config).status().field(), "http_advertise");
}

TEST(ServerParts, PlainTextBeyondLoopbackHasToBeMeant) {
  Config config;
  config.rpc_listen = "10.0.0.1:7000";
  EXPECT_EQ(OptionsOf(config).status().field(), "rpc_listen");
  config.insecure_rpc = true;
  EXPECT_TRUE(OptionsOf(config).ok());
  config.rpc_listen = "nonsense";
  EXPECT_EQ(OptionsOf(config).status().field(), "rpc_listen");
}

TEST(ServerParts, SuspicionComesBeforeTheLeasesEnd) {
  Config config;
  config.suspect_ms = 5'000;
  EXPECT_EQ(OptionsOf(config).status().field(), "suspect_ms");
}

TEST(ServerParts, EndpointsWithoutASchemeAreHttpOrWithAnAuthorityHttps) {
  Config config;
  config.etcd = {"10.0.0.1:2379", "https://etcd.example:2379"};
  EXPECT_THAT(EtcdOptionsOf(config).endpoints, ElementsAre("http://10.0.0.1:2379", "https://etcd.example:2379"));
  config.etcd_ca_file = "ca.pem";
  EXPECT_THAT(EtcdOptionsOf(config).endpoints, ElementsAre("https://10.0.0.1:2379", "https://etcd.example:2379"));
  EXPECT_EQ(EtcdOptionsOf(config).tls.ca_file, "ca.pem");
}

TEST(ServerParts, ErrorsNameTheOption) {
  EXPECT_EQ(NamingOption(Status::InvalidArgument("endpoints[1]", "no URL")).field(), "etcd");
  EXPECT_EQ(NamingOption(Status::InvalidArgument("name", "too long")).field(), "node_name");
  EXPECT_EQ(NamingOption(Status::InvalidArgument("tls.ca_file", "none")).field(), "rpc_ca_file");
  EXPECT_EQ(NamingOption(Status::InvalidArgument("zone", "x")).field(), "zone");
  EXPECT_TRUE(NamingOption(Status::Ok()).ok());
}

TEST(ServerParts, TheMachinesNameIsANodesName) {
  const std::string name = MachineName();
  EXPECT_FALSE(name.empty());
  EXPECT_EQ(name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"),
            std::string::npos);
}

TEST(ServerParts, ListenIsAnAddressAndAPort) {
  Config config;
  config.listen = "[::1]:9";
  EXPECT_EQ(ServerOptionsOf(config)->address, "::1");
  config.listen = "localhost";
  EXPECT_EQ(ServerOptionsOf(config).status().field(), "listen");
  config.listen = "127.0.0.1:x";
  EXPECT_EQ(ServerOptionsOf(config).status().field(), "listen");
}

TEST(TenantLimitsOf, ATenantMayHaveALimitOfItsOwn) {
  Config config;
  config.metrics_tenant_series_max = 0;
  config.metrics_tenant_limits = {"team-a=7", "default=8"};
  const metrics::TenantLimits limits = TenantLimitsOf(config).value();
  EXPECT_EQ(limits.SeriesMaxOf("team-a"), 7u);
  EXPECT_EQ(limits.SeriesMaxOf("default"), 8u);
  EXPECT_EQ(limits.SeriesMaxOf("other"), UINT64_MAX);
  config.metrics_tenant_series_max = 9;
  EXPECT_EQ(TenantLimitsOf(config)->SeriesMaxOf("other"), 9u);
}

TEST(TenantLimitsOf, LimitsThatCannotBeAreNamed) {
  Config config;
  for (const char* const entry : {"a", "=1", "a|b=1", "a=", "a=0", "a=-1", "a=1x"}) {
    config.metrics_tenant_limits = {entry};
    EXPECT_EQ(TenantLimitsOf(config).status().field(), "metrics_tenant_limits") << entry;
  }
  config.metrics_tenant_limits = {"a=1", "a=2"};
  EXPECT_EQ(TenantLimitsOf(config).status().field(), "metrics_tenant_limits");
}

TEST(RulerOptionsOf, AlertsCarryLabelsAndLinksOfTheConfiguration) {
  Config config;
  config.alert_labels = {"zone=a=b", "site=north"};
  config.rule_interval_s = 7;
  const auto options = RulerOptionsOf(config, "http://here:1").value();
  EXPECT_EQ(options.external.labels, (rules::NamedTexts{{"site", "north"}, {"zone", "a=b"}}));
  EXPECT_EQ(options.external.url, "http://here:1");
  EXPECT_EQ(options.interval_ms, 7'000);
  config.external_url = "https://metrics.example/";
  EXPECT_EQ(RulerOptionsOf(config, "").value().external.url, "https://metrics.example");
}

TEST(RulerOptionsOf, LabelsThatCannotBeAreNamed) {
  Config config;
  for (const char* const pair : {"site", "0site=a", "=a"}) {
    config.alert_labels = {pair};
    EXPECT_EQ(RulerOptionsOf(config, "").status().field(), "alert_labels") << pair;
  }
  config.alert_labels = {"a=1", "a=2"};
  EXPECT_EQ(RulerOptionsOf(config, "").status().field(), "alert_labels");
}

TEST(ServerParts, TheQueueIsEmbeddedOrKafka) {
  EXPECT_EQ(KafkaBrokers("embedded").value(), "");
  EXPECT_EQ(KafkaBrokers("kafka://one:9092,two:9093").value(), "one:9092,two:9093");
  for (const char* wrong : {"", "kafka", "kafka://", "kafka://one", "kafka://one:", "kafka://:1", "kafka://a:1,,b:2",
                            "kafka://a:1/x", "amqp://a:1"}) {
    EXPECT_EQ(KafkaBrokers(wrong).status().field(), "queue") << wrong;
  }
}

TEST(ServerParts, AMemorysPrefixIsPartOfNames) {
  Config config;
  config.queue_prefix = "mine.";
  config.retries_max = 2;
  const memory::ServiceOptions options = MemoryOptionsOf(config).value();
  EXPECT_EQ(options.settings.prefix, "mine.");
  EXPECT_EQ(options.settings.retries_max, 2u);
  config.queue_prefix = "no blanks";
  EXPECT_EQ(MemoryOptionsOf(config).status().field(), "queue_prefix");
}

}  // namespace
}  // namespace rhizome::app
