#include "format/request.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace rhizome::format {
namespace {

RequestPage Page() { return {{{{1, 2}, {{1000, 1}, 5}}, {{3}, {{1001, 2}, 6}}}, ToBytes({3})}; }

TEST(Request, ARecordRoundTripsAndItsTruncationsAreCorruption) {
  const RequestRecord record{{77, 3}, 99};
  const std::string bytes = EncodeRequestRecord(record);
  EXPECT_EQ(DecodeRequestRecord(bytes).value(), record);
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_EQ(DecodeRequestRecord(bytes.substr(0, n)).status().code(), Code::kCorruption);
  }
  EXPECT_EQ(DecodeRequestRecord(bytes + "x").status().code(), Code::kCorruption);
}

TEST(Request, APageRoundTripsAndItsTruncationsAreCorruption) {
  for (const RequestPage& page : {Page(), RequestPage{}}) {
    const std::string bytes = EncodeRequestPage(page);
    EXPECT_EQ(DecodeRequestPage(bytes).value(), page);
    for (size_t n = 0; n < bytes.size(); ++n) {
      EXPECT_EQ(DecodeRequestPage(bytes.substr(0, n)).status().code(), Code::kCorruption);
    }
    EXPECT_EQ(DecodeRequestPage(bytes + "x").status().code(), Code::kCorruption);
  }
}

TEST(Request, APageOfAnotherFormatIsCorruption) {
  std::string bytes = EncodeRequestPage(Page());
  bytes[0] = 2;
  EXPECT_EQ(DecodeRequestPage(bytes).status().code(), Code::kCorruption);
}

TEST(Request, APageGoesOnBehindAKeyOrNotAtAll) {
  RequestPage page = Page();
  page.next = "short";
  EXPECT_EQ(DecodeRequestPage(EncodeRequestPage(page)).status().code(), Code::kCorruption);
  page.next = std::string(17, 'x');
  EXPECT_EQ(DecodeRequestPage(EncodeRequestPage(page)).status().code(), Code::kCorruption);
}

TEST(Request, AKeyOfAnotherLengthIsRefusedByField) {
  EXPECT_EQ(ParseIdempotencyKey(std::string(16, 'k')).value()[15], 'k');
  EXPECT_EQ(ParseIdempotencyKey("short").status().field(), "request");
  EXPECT_EQ(ParseIdempotencyKey(std::string(17, 'k')).status().code(), Code::kInvalidArgument);
}

// Databases and members of other builds hold and send these bytes; they may never change meaning.
TEST(Request, GoldenFileStillDecodes) {
  std::ifstream file(RHIZOME_SOURCE_DIR "/src/format/testdata/request_v1.bin", std::ios::binary);
  ASSERT_TRUE(file.is_open());
  std::stringstream bytes;
  bytes << file.rdbuf();
  const std::string record = EncodeRequestRecord({{77, 3}, 99});
  EXPECT_EQ(bytes.str(), record + EncodeRequestPage(Page()));
  EXPECT_EQ(DecodeRequestPage(bytes.str().substr(record.size())).value(), Page());
}

}  // namespace
}  // namespace rhizome::format
