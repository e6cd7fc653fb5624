#include "base/base64.h"

#include <gtest/gtest.h>

namespace rhizome {
namespace {

TEST(Base64, ExamplesOfTheStandardGoBothWays) {
  const std::pair<const char*, const char*> examples[] = {
      {"", ""}, {"Zg==", "f"}, {"Zm8=", "fo"}, {"Zm9v", "foo"}, {"Zm9vYg==", "foob"}, {"Zm9vYmFy", "foobar"}};
  for (const auto& [text, plain] : examples) {
    const auto decoded = DecodeBase64(text);
    ASSERT_TRUE(decoded.ok()) << text;
    EXPECT_EQ(*decoded, plain);
    EXPECT_EQ(EncodeBase64(plain), text);
  }
  EXPECT_EQ(*DecodeBase64("+/8A"), std::string("\xFB\xFF\0", 3));
}

TEST(Base64, AnyBytesRoundTrip) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(DecodeBase64(EncodeBase64(bytes)).value(), bytes);
    bytes += static_cast<char>(i * 37);
  }
}

TEST(Base64, AnythingElseIsRefused) {
  for (const char* text :
       {"Z", "Zg", "Zg=", "Zg===", "Z===", "====", "Zm9v\n", "Zm-_", "Zh==", "Zm9=", "=Zm9", "Zg==Zg=="}) {
    EXPECT_FALSE(DecodeBase64(text).ok()) << text;
  }
}

}  // namespace
}  // namespace rhizome
