// A book of questions with and without an answer in memory, with the model a server has.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <cmath>
#include <fstream>
#include <sstream>

#include "ask/memory_testing.h"
#include "pipeline/minilm.h"

namespace rhizome::ask {
namespace {

namespace json = boost::json;

struct Outcome {
  size_t known = 0, known_told = 0;      // answers that are in memory, and of these told so
  size_t cited = 0;                      // whose answer stands in what is cited
  size_t said = 0;                       // whose answer stands in the answer's own words
  size_t unknown = 0, unknown_told = 0;  // answers that are not, and of these told so
  double squares = 0;                    // of confidence against truth
  std::string wrong;
};

class Book : public testing::Test {
 protected:
  Book() {
    std::ifstream file(RHIZOME_SOURCE_DIR "/src/ask/testdata/book.json");
    std::ostringstream text;
    text << file.rdbuf();
    book_ = json::parse(text.str());
  }
  void Learn(TestMemory& memory) {
    memory.Create("book");
    std::vector<Said> documents;
    for (const auto& document : book_.at("documents").as_array()) {
      documents.push_back({std::string(document.at("id").as_string()), std::string(document.at("title").as_string()),
                           std::string(document.at("text").as_string())});
    }
    memory.Learn("book", documents);
  }
  Outcome AskAll(TestMemory& memory) {
    Outcome outcome;
    for (const auto& entry : book_.at("questions").as_array()) {
      Question question;
      question.text = std::string(entry.at("question").as_string());
      question.collection = "book";
      const auto answer = memory.Ask(question);
      EXPECT_TRUE(answer.ok()) << answer.status().ToString();
      const json::value* const wanted = entry.as_object().if_contains("answer");
      const bool told = answer->kind != AnswerKind::kNone;
      outcome.squares += std::pow(answer->confidence - (wanted != nullptr ? 1 : 0), 2);
      if (wanted == nullptr) {
        ++outcome.unknown;
        outcome.unknown_told += told ? 0 : 1;
        if (told) outcome.wrong += question.text + " → " + answer->text + "\n";
        continue;
      }
      const std::string_view text = wanted->as_string();
      std::string all;
      for (const Citation& citation : answer->citations) all += citation.text + "\n";
      ++outcome.known;
      outcome.known_told += told ? 1 : 0;
      outcome.cited += all.find(text) != std::string::npos ? 1 : 0;
      outcome.said += answer->text.find(text) != std::string::npos ? 1 : 0;
      if (answer->text.find(text) == std::string::npos) {
        outcome.wrong += question.text + " → " + answer->text + " (" + std::to_string(answer->confidence) + ")\n";
      }
    }
    return outcome;
  }
  json::value book_;
};

TEST_F(Book, WithAModelNearlyAllQuestionsAreAnsweredAndStrangersAreToldSo) {
  const auto embedder = pipeline::MiniLm::Open({});
  ASSERT_TRUE(embedder.ok()) << embedder.status().ToString();
  TestMemory memory(embedder->get());
  Learn(memory);
  const Outcome outcome = AskAll(memory);
  const auto share = [](size_t part, size_t whole) { return static_cast<double>(part) / static_cast<double>(whole); };
  EXPECT_GE(share(outcome.known_told, outcome.known), .9) << outcome.wrong;
  EXPECT_GE(share(outcome.cited, outcome.known), .9) << outcome.wrong;
  EXPECT_GE(share(outcome.said, outcome.known), .8) << outcome.wrong;
  EXPECT_GE(share(outcome.unknown_told, outcome.unknown), .9) << outcome.wrong;
  EXPECT_LE(outcome.squares / static_cast<double>(outcome.known + outcome.unknown), .15);
}

TEST_F(Book, ByWordsAloneMostAre) {
  TestMemory memory;
  Learn(memory);
  const Outcome outcome = AskAll(memory);
  const auto share = [](size_t part, size_t whole) { return static_cast<double>(part) / static_cast<double>(whole); };
  EXPECT_GE(share(outcome.known_told, outcome.known), .8) << outcome.wrong;
  EXPECT_GE(share(outcome.cited, outcome.known), .9) << outcome.wrong;
  EXPECT_GE(share(outcome.unknown_told, outcome.unknown), .8) << outcome.wrong;
}

}  // namespace
}  // namespace rhizome::ask
