#include "communities/book.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "communities/book_testing.h"

namespace rhizome::communities {
namespace {

using format::EntityId;

TEST(Book, IsReadAsItWasWritten) {
  const Book book = SmallBook();
  const auto read = DecodeBook(EncodeBook(book));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(*read, book);
}

TEST(Book, OfAnEmptyMemoryIsABook) {
  Book book;
  book.levels.emplace_back().begins = {0};
  const auto read = DecodeBook(EncodeBook(book));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(*read, book);
}

TEST(Book, BytesAreThoseOfTheGoldenFile) {
  std::ifstream file(RHIZOME_SOURCE_DIR "/src/communities/testdata/book_v1.bin", std::ios::binary);
  std::stringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(EncodeBook(SmallBook()), golden.str());
}

TEST(Book, EveryCutAndEveryChangedBitIsFound) {
  const std::string bytes = EncodeBook(SmallBook());
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(DecodeBook(std::string_view(bytes).substr(0, length)).status().code(), Code::kCorruption) << length;
  }
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    EXPECT_EQ(DecodeBook(damaged).status().code(), Code::kCorruption) << bit;
  }
}

// With a good checksum and still no book.
TEST(Book, WhatIsNoDivisionIsRefused) {
  const auto refused = [](const std::function<void(Book&)>& spoil) {
    Book book = SmallBook();
    spoil(book);
    return DecodeBook(EncodeBook(book)).status().code() == Code::kCorruption;
  };
  EXPECT_FALSE(refused([](Book&) {}));
  EXPECT_TRUE(refused([](Book& book) { std::swap(book.ids[0], book.ids[1]); }));
  EXPECT_TRUE(refused([](Book& book) { book.levels[0].ranked[0] = book.levels[0].ranked[1]; }));
  EXPECT_TRUE(refused([](Book& book) { book.levels[0].ranked[0] = 77; }));
  EXPECT_TRUE(refused([](Book& book) { book.levels[0].begins[1] = 0; }));
  EXPECT_TRUE(refused([](Book& book) { std::swap(book.levels[0], book.levels[1]); }));
  EXPECT_TRUE(refused([](Book& book) { book.levels.clear(); }));
  EXPECT_TRUE(refused([](Book& book) { book.merged[0].second = 4; }));
  EXPECT_TRUE(refused([](Book& book) { book.levels[0].citations[0].resize(kCitationsMax + 1); }));
}

TEST(Book, CommunitiesAreFoundByTheirIds) {
  const Book book = SmallBook();
  for (uint32_t level = 0; level < book.levels.size(); ++level) {
    for (uint32_t c = 0; c < book.levels[level].count(); ++c) {
      EXPECT_EQ(book.Find(book.IdOf(level, c)), (Book::Place{level, c}));
    }
  }
  const std::string id = book.IdOf(0, 0);
  EXPECT_FALSE(book.Find(""));
  EXPECT_FALSE(book.Find("0"));
  EXPECT_FALSE(book.Find("7" + id.substr(1)));
  EXPECT_FALSE(book.Find("x" + id));
  EXPECT_FALSE(book.Find("0-" + book.ids[0].ToString()));  // a member, not the first
  EXPECT_FALSE(book.Find("0-" + EntityId{9, 9}.ToString()));
}

TEST(Book, ParentsAndHomes) {
  const Book book = SmallBook();
  EXPECT_EQ(book.ParentOf({1, 2}), (Book::Place{0, 0}));
  EXPECT_EQ(book.ParentOf({0, 0}), std::nullopt);
  EXPECT_EQ(book.HomeOf({1, 0}), (Book::Place{1, 0}));
  // {1} is a community of both levels.
  EXPECT_EQ(book.HomeOf({1, 1}), (Book::Place{0, 1}));
}

TEST(Book, MergedEntitiesAreFoundToo) {
  const Book book = SmallBook();
  EXPECT_EQ(book.NodeOf({3, 0}), 2u);
  EXPECT_EQ(book.NodeOf({1, 5}), 2u);
  EXPECT_EQ(book.NodeOf({1, 6}), std::nullopt);
}

}  // namespace
}  // namespace rhizome::communities
