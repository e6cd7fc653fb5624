// BlobContract: what every blob store must do, as one test body. Only tests include this header.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "blob/blob.h"

namespace rhizome::blob {

inline std::vector<std::string> NamesOf(const ObjectPage& page) {
  std::vector<std::string> names;
  for (const ObjectInfo& object : page.objects) names.push_back(object.name);
  return names;
}

inline void ContractOfObjects(BlobStore& store) {
  EXPECT_EQ(store.Get("a/none", 10).status().code(), Code::kNotFound);
  EXPECT_EQ(store.GetRange("a/none", 0, 10).status().code(), Code::kNotFound);
  EXPECT_EQ(store.SizeOf("a/none").value(), std::nullopt);
  EXPECT_TRUE(store.Delete("a/none").ok());

  const std::string bytes("0123456789\0\xff\r\n", 14);
  ASSERT_TRUE(store.Put("a/b/object-1.bin", bytes).ok());
  EXPECT_EQ(store.Get("a/b/object-1.bin", 14).value(), bytes);
  EXPECT_EQ(store.Get("a/b/object-1.bin", 13).status().code(), Code::kTooLarge);
  EXPECT_EQ(store.SizeOf("a/b/object-1.bin").value(), 14u);
  EXPECT_EQ(store.GetRange("a/b/object-1.bin", 3, 4).value(), "3456");
  EXPECT_EQ(store.GetRange("a/b/object-1.bin", 12, 100).value(), "\r\n");
  EXPECT_EQ(store.GetRange("a/b/object-1.bin", 14, 1).value(), "");
  EXPECT_EQ(store.GetRange("a/b/object-1.bin", 3, 0).value(), "");

  ASSERT_TRUE(store.Put("a/b/object-1.bin", "replaced").ok());
  EXPECT_EQ(store.Get("a/b/object-1.bin", 100).value(), "replaced");
  ASSERT_TRUE(store.Put("a/empty", "").ok());
  EXPECT_EQ(store.Get("a/empty", 0).value(), "");
  EXPECT_EQ(store.SizeOf("a/empty").value(), 0u);

  ASSERT_TRUE(store.Delete("a/b/object-1.bin").ok());
  EXPECT_EQ(store.Get("a/b/object-1.bin", 100).status().code(), Code::kNotFound);
}

inline void ContractOfLargeObjects(BlobStore& store) {
  std::string large(5 << 20, 'x');
  for (size_t i = 0; i < large.size(); i += 4097) large[i] = static_cast<char>(i);
  ASSERT_TRUE(store.Put("large", large).ok());
  EXPECT_TRUE(store.Get("large", large.size()).value() == large);
  EXPECT_TRUE(store.GetRange("large", 1'000'000, 3'000'000).value() == large.substr(1'000'000, 3'000'000));
  EXPECT_EQ(store.Get("large", large.size() - 1).status().code(), Code::kTooLarge);
  EXPECT_EQ(store.Put("too-large", std::string(kObjectBytesMax + 1, 'x')).code(), Code::kTooLarge);
}

inline void ContractOfListing(BlobStore& store) {
  // '-' and '.' sort before '/', digits and letters behind it.
  const std::vector<std::string> names = {"l/a-b", "l/a.b", "l/a/1", "l/a/2", "l/a/sub/3", "l/a0", "l/b", "m/other"};
  for (const std::string& name : names) ASSERT_TRUE(store.Put(name, name).ok());
  const std::vector<std::string> under_l(names.begin(), names.end() - 1);
  const ObjectPage all = store.List("l/", "", 1000).value();
  EXPECT_EQ(NamesOf(all), under_l);
  EXPECT_EQ(all.next, "");
  EXPECT_EQ(all.objects[0].bytes, 5u);
  EXPECT_THAT(NamesOf(store.List("l/a/", "", 1000).value()), testing::ElementsAre("l/a/1", "l/a/2", "l/a/sub/3"));
  EXPECT_THAT(NamesOf(store.List("none/", "", 1000).value()), testing::IsEmpty());
  for (uint32_t limit = 1; limit <= 8; ++limit) {
    std::vector<std::string> found;
    std::string after;
    do {
      const ObjectPage page = store.List("l/", after, limit).value();
      ASSERT_LE(page.objects.size(), limit);
      for (const std::string& name : NamesOf(page)) found.push_back(name);
      after = page.next;
    } while (!after.empty());
    EXPECT_EQ(found, under_l) << limit;
  }
  EXPECT_THAT(NamesOf(store.List("l/", "l/a/17", 1000).value()),
              testing::ElementsAre("l/a/2", "l/a/sub/3", "l/a0", "l/b"));
}

inline void ContractOfNames(BlobStore& store) {
  const std::vector<std::string> bad = {"",
                                        "/a",
                                        "a/",
                                        "a//b",
                                        "..",
                                        "../a",
                                        "a/../b",
                                        "a/..",
                                        ".a",
                                        "a/.b",
                                        "-a",
                                        "a b",
                                        "a%2e%2e",
                                        "a\\b",
                                        "a?b",
                                        "a#b",
                                        "a\n",
                                        "\xc3\xa4",
                                        "a/b.new",
                                        std::string("a\0b", 3),
                                        std::string(600, 'a')};
  for (const std::string& name : bad) {
    EXPECT_EQ(store.Put(name, "x").code(), Code::kInvalidArgument) << name;
    EXPECT_EQ(store.Get(name, 10).status().code(), Code::kInvalidArgument) << name;
    EXPECT_EQ(store.GetRange(name, 0, 1).status().code(), Code::kInvalidArgument) << name;
    EXPECT_EQ(store.SizeOf(name).status().code(), Code::kInvalidArgument) << name;
    EXPECT_EQ(store.Delete(name).code(), Code::kInvalidArgument) << name;
  }
  EXPECT_EQ(store.List("../", "", 10).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(store.List("/a", "", 10).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(store.List("", "", 0).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(store.List("", "", kListLimitMax + 1).status().code(), Code::kInvalidArgument);
}

// For an empty store.
inline void BlobContract(BlobStore& store) {
  ContractOfNames(store);
  EXPECT_THAT(NamesOf(store.List("", "", 1000).value()), testing::IsEmpty());
  ContractOfObjects(store);
  ContractOfLargeObjects(store);
  ContractOfListing(store);
}

}  // namespace rhizome::blob
