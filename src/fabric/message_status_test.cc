#include <gtest/gtest.h>

#include "fabric/message.h"

namespace rhizome::fabric {
namespace {

StatusRequest::Reply AStatus() {
  StatusRequest::Reply reply;
  reply.load_permille = 250;
  reply.frozen_ms = 1'500;
  reply.hints = 4;
  reply.comparisons_waiting = 5;
  reply.comparisons = 6;
  reply.repaired = 7;
  reply.leading = true;
  reply.changes_waiting = 2;
  reply.blocked = {{11, "no member is left"}};
  reply.shards = {{.shard = 9, .points = 100, .documents = 10, .complete = true, .damage = ""},
                  {.shard = 10, .copied = 3, .total = 8, .damage = "a torn page", .refusal = "no room"}};
  reply.write_us = 1'500;
  reply.suspects = {3, 4};
  return reply;
}

TEST(StatusMessage, ComesBackAsItWent) {
  const std::string bytes = EncodeReply(AStatus());
  StatusRequest::Reply read;
  ASSERT_TRUE(DecodeReply(bytes, read).ok());
  EXPECT_EQ(EncodeReply(read), bytes);
  EXPECT_EQ(read.frozen_ms, 1'500);
  EXPECT_TRUE(read.leading);
  ASSERT_EQ(read.blocked.size(), 1U);
  EXPECT_EQ(read.blocked[0].reason, "no member is left");
  ASSERT_EQ(read.shards.size(), 2U);
  EXPECT_EQ(read.shards[0].points, 100U);
  EXPECT_EQ(read.shards[1].damage, "a torn page");
  EXPECT_EQ(read.shards[1].refusal, "no room");
  EXPECT_EQ(read.write_us, 1'500U);
  EXPECT_EQ(read.suspects, (std::vector<MemberNumber>{3, 4}));
}

TEST(StatusMessage, EveryTruncationIsRefused) {
  const std::string bytes = EncodeReply(AStatus());
  for (size_t n = 0; n < bytes.size(); ++n) {
    StatusRequest::Reply read;
    EXPECT_EQ(DecodeReply(bytes.substr(0, n), read).code(), Code::kCorruption) << n;
  }
  StatusRequest::Reply read;
  EXPECT_EQ(DecodeReply(bytes + "x", read).code(), Code::kCorruption);
}

TEST(StatusMessage, ALongTextLosesItsEnd) {
  StatusRequest::Reply reply;
  reply.shards = {{.shard = 1, .damage = std::string(100'000, 'x')}};
  StatusRequest::Reply read;
  ASSERT_TRUE(DecodeReply(EncodeReply(reply), read).ok());
  EXPECT_EQ(read.shards[0].damage.size(), 2'048U);
}

TEST(StatusMessage, RequestsAreNamedForTheLog) {
  EXPECT_EQ(RequestName(EncodeRequest(VersionsRequest{})), "versions");
  EXPECT_EQ(RequestName(EncodeRequest(ApplyRequest{})), "apply");
  EXPECT_EQ(RequestName(EncodeRequest(PingRequest{})), "ping");
  EXPECT_EQ(RequestName(EncodeRequest(RepairRequest{})), "repair");
  EXPECT_EQ(RequestName("\x01\x63"), "unknown");
  EXPECT_EQ(RequestName(""), "unknown");
}

TEST(StatusMessage, RequestsWithoutFieldsTravel) {
  EXPECT_TRUE(std::holds_alternative<StatusRequest>(DecodeRequest(EncodeRequest(StatusRequest{})).value()));
  EXPECT_TRUE(std::holds_alternative<RepairRequest>(DecodeRequest(EncodeRequest(RepairRequest{})).value()));
  RepairRequest::Reply read;
  ASSERT_TRUE(DecodeReply(EncodeReply(RepairRequest::Reply{12}), read).ok());
  EXPECT_EQ(read.scheduled, 12U);
  EXPECT_EQ(DecodeReply("\x01", read).code(), Code::kCorruption);
}

}  // namespace
}  // namespace rhizome::fabric
