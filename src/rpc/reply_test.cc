#include "rpc/reply.h"

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "format/coding.h"

namespace rhizome::rpc {
namespace {

Result<std::string> Decode(std::string_view reply) { return DecodeReply(std::span(&reply, 1)); }

std::string Bytes(std::initializer_list<int> bytes) { return {bytes.begin(), bytes.end()}; }

TEST(Reply, BodyTravelsUnchanged) {
  const std::string body = Bytes({0, 1, 255, 'x'});
  EXPECT_EQ(*Decode(std::string(ReplyHeader()) + body), body);
  EXPECT_EQ(*Decode(ReplyHeader()), "");
}

TEST(Reply, BodyInAnyPiecesIsTheSame) {
  const std::string reply = std::string(ReplyHeader()) + "abc";
  for (size_t first = 0; first <= reply.size(); ++first) {
    for (size_t second = first; second <= reply.size(); ++second) {
      const std::string_view whole = reply;
      const std::string_view pieces[] = {whole.substr(0, first), whole.substr(first, second - first),
                                         whole.substr(second)};
      ASSERT_EQ(*DecodeReply(pieces), "abc") << first << " " << second;
    }
  }
}

TEST(Reply, EveryCodeTravelsWithMessageAndField) {
  for (int code = 1; code <= static_cast<int>(Code::kInternal); ++code) {
    const Status sent(static_cast<Code>(code), "why it failed: é", "points[3].vector");
    const Status got = Decode(EncodeFailure(sent)).status();
    EXPECT_EQ(got.code(), sent.code()) << code;
    EXPECT_EQ(got.message(), sent.message());
    EXPECT_EQ(got.field(), sent.field());
  }
}

TEST(Reply, BytesOfVersion1DoNotChange) {
  EXPECT_EQ(ReplyHeader(), Bytes({1, 0}));
  EXPECT_EQ(EncodeFailure(Status::InvalidArgument("f", "no")), Bytes({1, 1, 2, 'n', 'o', 1, 'f'}));
  EXPECT_EQ(EncodeFailure(Status::NotFound("")), Bytes({1, 2, 0, 0}));
  EXPECT_EQ(EncodeFailure(Status::Unavailable("")), Bytes({1, 10, 0, 0}));
  EXPECT_EQ(EncodeFailure(Status::Internal("")), Bytes({1, 14, 0, 0}));
}

TEST(Reply, LongTextsAreCutBetweenCharacters) {
  std::string text = "x";
  while (text.size() < 3 * kReplyMessageBytesMax) text += "é";
  const std::string reply = EncodeFailure(Status::InvalidArgument(text, text));
  EXPECT_LE(reply.size(), kReplyStatusBytesMax);
  const Status got = Decode(reply).status();
  ASSERT_EQ(got.code(), Code::kInvalidArgument);
  EXPECT_EQ(got.message(), text.substr(0, kReplyMessageBytesMax - 1));
  EXPECT_EQ(got.field(), text.substr(0, kReplyFieldBytesMax - 1));
}

TEST(Reply, BytesThatAreNotTextAreReplacedBySender) {
  EXPECT_EQ(Decode(EncodeFailure(Status::Internal("a\xff"
                                                  "b\xc3")))
                .status()
                .message(),
            "a?b?");
}

TEST(Reply, TextOfOnlyBadBytesStaysBounded) {
  const std::string reply = EncodeFailure(Status::Internal(std::string(100'000, '\xff')));
  EXPECT_EQ(Decode(reply).status().message(), std::string(kReplyMessageBytesMax, '?'));
}

TEST(Reply, UnknownCodeIsInternal) {
  const Status got = Decode(Bytes({1, 200, 2, 'n', 'o', 0})).status();
  EXPECT_EQ(got.code(), Code::kInternal);
  EXPECT_NE(got.message().find("200"), std::string::npos);
  EXPECT_NE(got.message().find("no"), std::string::npos);
}

TEST(Reply, OtherBytesAreCorruption) {
  const std::string bad[] = {
      "",
      Bytes({1}),
      Bytes({2, 0}),                  // another version
      Bytes({2, 1, 0, 0}),            // another version
      Bytes({1, 1}),                  // no message
      Bytes({1, 1, 5, 'n', 'o', 0}),  // message past the end
      Bytes({1, 1, 2, 'n', 'o'}),     // no field
      Bytes({1, 1, 0, 0, 0}),         // something left over
      Bytes({1, 1, 1, 0xff, 0}),      // message not UTF-8
      Bytes({1, 1, 0, 1, 0xff}),      // field not UTF-8
      Bytes({1, 1, 0x80, 0x00, 0}),   // longer varint than needed
      Bytes({1, 1, 0}) + std::string(kReplyStatusBytesMax, 'x'),
  };
  for (const std::string& reply : bad) {
    EXPECT_EQ(Decode(reply).status().code(), Code::kCorruption) << ::testing::PrintToString(reply.substr(0, 20));
  }
}

TEST(Reply, TextsAboveTheBoundAreCorruption) {
  std::string message = Bytes({1, 1});
  format::PutBytes(message, std::string(kReplyMessageBytesMax + 1, 'x'));
  format::PutBytes(message, "");
  EXPECT_EQ(Decode(message).status().code(), Code::kCorruption);
  std::string field = Bytes({1, 1, 0});
  format::PutBytes(field, std::string(kReplyFieldBytesMax + 1, 'x'));
  EXPECT_EQ(Decode(field).status().code(), Code::kCorruption);
}

}  // namespace
}  // namespace rhizome::rpc
