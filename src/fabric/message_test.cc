#include "fabric/message.h"

#include <gtest/gtest.h>

#include <random>

namespace rhizome::fabric {
namespace {

using format::DeletePoint;
using format::Operation;
using format::Point;
using format::PointId;
using format::UpsertPoint;

constexpr Target kTarget{7, 3};

std::vector<Request> OneOfEach() {
  return {VersionsRequest{kTarget, {"pa", "pb"}, std::string(16, 'k')},
          ApplyRequest{kTarget, "a batch"},
          ReadRequest{kTarget, {"pa"}},
          QueryRequest{{kTarget, {8, 1}}, "a question"},
          DigestRequest{kTarget, 10, Version{5, 6}},
          DigestRequest{kTarget, 0, std::nullopt},
          InventoryRequest{kTarget, 4, {0, 15}, "pa", 100},
          CollectRequest{kTarget, Version{5, 6}},
          HintRequest{kTarget, 2, {"pa"}},
          ProgressRequest{kTarget},
          PingRequest{1, 99, 250, 1'200, true},
          RequestsRequest{kTarget, std::string(16, 'k'), 100},
          RequestsRequest{kTarget, "", 1},
          ScanRequest{kTarget, 4, {0, 15}, Version{5, 6}, "a place"},
          KeepRequest{kTarget, 2, "a record"},
          DeskRequest{"rules"}};
}

TEST(Message, EveryRequestReadsBackAsItWasWritten) {
  for (const Request& request : OneOfEach()) {
    const std::string bytes = EncodeRequest(request);
    const Result<Request> decoded = DecodeRequest(bytes);
    ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
    EXPECT_EQ(decoded->index(), request.index());
    EXPECT_EQ(EncodeRequest(*decoded), bytes);
  }
}

TEST(Message, EveryTruncationAndEveryExtraByteIsRefused) {
  for (const Request& request : OneOfEach()) {
    const std::string bytes = EncodeRequest(request);
    for (size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(DecodeRequest(bytes.substr(0, n)).ok()) << n;
    EXPECT_FALSE(DecodeRequest(bytes + "x").ok());
  }
}

TEST(Message, AnUnknownKindAndAnUnknownFormatAreRefused) {
  std::string bytes = EncodeRequest(PingRequest{});
  bytes[1] = 100;
  EXPECT_EQ(DecodeRequest(bytes).status().code(), Code::kCorruption);
  bytes = EncodeRequest(PingRequest{});
  bytes[0] = 2;
  EXPECT_EQ(DecodeRequest(bytes).status().code(), Code::kCorruption);
}

TEST(Message, LeavesAndBitsBeyondTheDigestAreRefused) {
  EXPECT_FALSE(DecodeRequest(EncodeRequest(InventoryRequest{kTarget, 4, {16}, "", 1})).ok());
  EXPECT_FALSE(DecodeRequest(EncodeRequest(InventoryRequest{kTarget, 4, {1}, "", 0})).ok());
  EXPECT_FALSE(DecodeRequest(EncodeRequest(InventoryRequest{kTarget, 13, {1}, "", 1})).ok());
  EXPECT_FALSE(DecodeRequest(EncodeRequest(DigestRequest{kTarget, 13, std::nullopt})).ok());
}

TEST(Message, RequestsAreAskedForBehindAKeyAndWithinALimit) {
  EXPECT_FALSE(DecodeRequest(EncodeRequest(RequestsRequest{kTarget, "short", 1})).ok());
  EXPECT_FALSE(DecodeRequest(EncodeRequest(RequestsRequest{kTarget, "", 0})).ok());
  EXPECT_FALSE(DecodeRequest(EncodeRequest(RequestsRequest{kTarget, "", kKeysMax + 1})).ok());
}

template <typename Reply>
Reply Again(const Reply& reply) {
  Reply decoded;
  const std::string bytes = EncodeReply(reply);
  const Status status = DecodeReply(bytes, decoded);
  EXPECT_TRUE(status.ok()) << status.ToString();
  for (size_t n = 0; n < bytes.size(); ++n) {
    Reply cut;
    EXPECT_FALSE(DecodeReply(bytes.substr(0, n), cut).ok()) << n;
  }
  return decoded;
}

TEST(Message, VersionsReadBack) {
  const VersionsRequest::Reply reply{{Version{1, 2}, Version{}}, {true, false}, Version{9, 9}, 77};
  const auto decoded = Again(reply);
  EXPECT_EQ(decoded.versions, reply.versions);
  EXPECT_EQ(decoded.tombstones, reply.tombstones);
  EXPECT_EQ(decoded.request, reply.request);
  EXPECT_EQ(decoded.content_hash, 77);
}

TEST(Message, RegistersReadBackInTheirPlaces) {
  Operation upsert{Version{4, 1}, UpsertPoint{Point{PointId(1), {1, 2}, "title", "text", "{}"}}, {{{1}, 77}}};
  Operation gone{Version{5, 1}, DeletePoint{PointId(3)}, {{{2}, 78}}};
  const ReadRequest::Reply reply{{upsert, std::nullopt, gone}};
  EXPECT_EQ(Again(reply).registers, reply.registers);
  EXPECT_EQ(Again(ReadRequest::Reply{{std::nullopt}}).registers.size(), 1);
  EXPECT_TRUE(Again(ReadRequest::Reply{}).registers.empty());
}

TEST(Message, DigestsAndPagesReadBack) {
  format::RangeDigest digest(3);
  format::AddToDigest(digest, {"pa", Version{1, 1}, false});
  EXPECT_EQ(Again(DigestRequest::Reply{digest}).digest, digest);
  const format::InventoryPage page{{{"pa", Version{1, 1}, true}}, "pa"};
  EXPECT_EQ(Again(InventoryRequest::Reply{page}).page, page);
}

TEST(Message, FatesOfRequestsReadBack) {
  const format::RequestPage page{{{{1}, {{5, 1}, 77}}, {{2}, {{6, 1}, 78}}}, format::ToBytes({2})};
  EXPECT_EQ(Again(RequestsRequest::Reply{page}).page, page);
  EXPECT_EQ(Again(RequestsRequest::Reply{}).page, format::RequestPage{});
}

TEST(Message, MoreFatesThanMayBeAskedForAreRefused) {
  RequestsRequest::Reply reply, decoded;
  reply.page.fates.resize(kKeysMax + 1);
  EXPECT_EQ(DecodeReply(EncodeReply(reply), decoded).code(), Code::kCorruption);
}

TEST(Message, TheOtherAnswersReadBack) {
  (void)Again(ApplyRequest::Reply{});
  (void)Again(CollectRequest::Reply{});
  (void)Again(HintRequest::Reply{});
  EXPECT_EQ(Again(QueryRequest::Reply{"an answer"}).answer, "an answer");
  const auto progress = Again(ProgressRequest::Reply{true, 5, 6});
  EXPECT_TRUE(progress.complete);
  EXPECT_EQ(progress.copied, 5);
  EXPECT_EQ(progress.total, 6);
  const auto ping = Again(PingRequest::Reply{1, 2, -3, 4, true});
  EXPECT_EQ(ping.topology_revision, 1);
  EXPECT_EQ(ping.load_permille, 2);
  EXPECT_EQ(ping.wall_ms, -3);
  EXPECT_EQ(ping.write_us, 4);
  EXPECT_TRUE(ping.read_only);
}

TEST(Message, FlippedBytesNeverCrashADecoder) {
  std::mt19937_64 random(1);
  for (const Request& request : OneOfEach()) {
    const std::string bytes = EncodeRequest(request);
    for (int turn = 0; turn < 2'000; ++turn) {
      std::string bad = bytes;
      bad[random() % bad.size()] = static_cast<char>(random());
      const Result<Request> decoded = DecodeRequest(bad);
      if (decoded.ok()) EXPECT_EQ(EncodeRequest(*decoded), bad);
    }
  }
}

TEST(Message, AStaleEpochIsToldFromOtherRefusals) {
  EXPECT_TRUE(IsStaleEpoch(StaleEpoch(4)));
  EXPECT_FALSE(IsStaleEpoch(Status::FailedPrecondition("something else")));
  EXPECT_FALSE(IsStaleEpoch(Status::Ok()));
}

}  // namespace
}  // namespace rhizome::fabric
