#include "engines/vector/text_index.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <filesystem>
#include <map>
#include <random>
#include <thread>

#include "base/scratch_testing.h"

namespace rhizome::vector {
namespace {

const TextIndexOptions kPlain{{"none", false}, 1.2, 0.75, 2};

std::unique_ptr<TextIndex> Create(const TextIndexOptions& options = kPlain) {
  auto index = TextIndex::Create(options);
  EXPECT_TRUE(index.ok());
  return std::move(*index);
}

// Random texts whose words follow a steep distribution, and BM25 computed over all of them.
struct Corpus {
  std::vector<std::vector<std::string>> texts;  // by slot; empty when skipped
  std::mt19937 random;

  explicit Corpus(uint32_t seed) : random(seed) {}

  std::string Word() {
    const double uniform = std::generate_canonical<double, 32>(random);
    return "w" + std::to_string(static_cast<int>(std::pow(300.0, uniform)));
  }
  void AddTo(TextIndex& index, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      if (random() % 10 == 0) texts.emplace_back();
      std::vector<std::string> words(random() % 40);
      for (std::string& word : words) word = Word();
      std::string text;
      for (const std::string& word : words) text += word + " ";
      texts.push_back(words);
      ASSERT_TRUE(index.Add(static_cast<Slot>(texts.size() - 1), text).ok());
    }
  }

  std::vector<ScoredSlot> Expected(const std::vector<std::string>& query, const SlotSet& accepted) const {
    double documents = 0;
    double total = 0;
    std::map<std::string, double> frequency;
    for (const auto& words : texts) {
      documents += words.empty() ? 0 : 1;
      total += static_cast<double>(words.size());
      for (const std::string& word : query) frequency[word] = 0;
    }
    for (auto& [word, count] : frequency) {
      for (const auto& words : texts) count += std::ranges::find(words, word) != words.end() ? 1 : 0;
    }
    std::vector<ScoredSlot> scored;
    for (Slot slot = 0; slot < texts.size(); ++slot) {
      double score = 0;
      for (const std::string& word : query) {
        const double occurrences = static_cast<double>(std::ranges::count(texts[slot], word));
        const double idf = std::log(1 + (documents - frequency[word] + 0.5) / (frequency[word] + 0.5));
        const double length = static_cast<double>(texts[slot].size()) / (total / documents);
        score += idf * occurrences * 2.2 / (occurrences + 1.2 * (0.25 + 0.75 * length));
      }
      if (score > 0 && accepted.Contains(slot)) scored.push_back({slot, static_cast<float>(score)});
    }
    std::sort(scored.begin(), scored.end());
    return scored;
  }

  SlotSet RandomSet(uint32_t one_in) {
    SlotSet set(static_cast<Slot>(texts.size()));
    for (Slot slot = 0; slot < set.size(); ++slot) {
      if (random() % one_in == 0) set.Add(slot);
    }
    return set;
  }

  void ExpectAgrees(const TextIndex& index, int queries) {
    for (int i = 0; i < queries; ++i) {
      std::vector<std::string> query(1 + random() % 8);
      for (std::string& word : query) word = Word();
      std::string text;
      for (const std::string& word : query) text += word + " ";
      SlotSet live(static_cast<Slot>(texts.size()), true);
      if (i % 2 == 1) live = RandomSet(2);
      const SlotSet filter = RandomSet(i % 4 == 3 ? 50 : 3);
      const bool filtered = i % 3 == 2;
      SlotSet accepted = live;
      if (filtered) accepted.IntersectWith(filter);
      const size_t k = 1 + random() % 30;
      const auto expected = Expected(query, accepted);
      const auto found = index.Search(text, k, filtered ? &filter : nullptr, live);
      ASSERT_EQ(found.size(), std::min(k, expected.size())) << text;
      for (size_t at = 0; at < found.size(); ++at) {
        ASSERT_NEAR(found[at].score, expected[at].score, 1e-4) << text << " at " << at;
        ASSERT_TRUE(accepted.Contains(found[at].slot));
      }
    }
  }
};

TEST(TextIndex, AgreesWithBm25InMemory) {
  Corpus corpus(1);
  auto index = Create();
  corpus.AddTo(*index, 5000);
  corpus.ExpectAgrees(*index, 60);
}

TEST(TextIndex, AgreesWithBm25AcrossGrowingFrozenSealedAndMergedParts) {
  const ScratchFolder folder;
  Corpus corpus(2);
  auto index = Create();
  for (const char* name : {"s0", "s1", "s2"}) {
    corpus.AddTo(*index, 1500);
    index->Freeze();
    corpus.AddTo(*index, 100);
    index->Freeze();
    ASSERT_TRUE(index->WriteSegment(io::RealDisk(), folder.path(), name).ok());
  }
  corpus.ExpectAgrees(*index, 30);
  const Slot sealed_end = index->end_slot();
  corpus.AddTo(*index, 500);
  index->Freeze();
  corpus.AddTo(*index, 500);
  corpus.ExpectAgrees(*index, 30);
  const SlotSet everything(static_cast<Slot>(corpus.texts.size()), true);
  ASSERT_TRUE(index->Merge(io::RealDisk(), folder.path(), {"s1", "s2"}, "m", everything).ok());
  corpus.ExpectAgrees(*index, 30);
  auto reopened = TextIndex::Open(kPlain, io::RealDisk(), folder.path(), {"m", "s0"});
  ASSERT_TRUE(reopened.ok()) << reopened.status().ToString();
  EXPECT_EQ((*reopened)->end_slot(), sealed_end);
  corpus.texts.resize(sealed_end);
  corpus.ExpectAgrees(**reopened, 30);
}

TEST(TextIndex, MergeForgetsDeadTextsInStatisticsToo) {
  const ScratchFolder folder;
  Corpus corpus(3);
  auto index = Create();
  for (const char* name : {"s0", "s1"}) {
    corpus.AddTo(*index, 1000);
    index->Freeze();
    ASSERT_TRUE(index->WriteSegment(io::RealDisk(), folder.path(), name).ok());
  }
  const SlotSet live = corpus.RandomSet(2);
  ASSERT_TRUE(index->Merge(io::RealDisk(), folder.path(), {"s0", "s1"}, "m", live).ok());
  for (Slot slot = 0; slot < live.size(); ++slot) {
    if (!live.Contains(slot)) corpus.texts[slot].clear();
  }
  corpus.ExpectAgrees(*index, 40);
}

TEST(TextIndex, TitleCountsByItsWeight) {
  auto index = Create();
  ASSERT_TRUE(index->Add(0, "other words here", "poppler").ok());
  ASSERT_TRUE(index->Add(1, "poppler words here", "other").ok());
  const auto found = index->Search("poppler", 2, nullptr, SlotSet(2, true));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].slot, 0u);
  auto untitled = Create({{"none", false}, 1.2, 0.75, 0});
  ASSERT_TRUE(untitled->Add(0, "text", "title").ok());
  EXPECT_TRUE(untitled->Search("title", 2, nullptr, SlotSet(2, true)).empty());
}

TEST(TextIndex, EqualScoresGoToTheSmallerSlotWhateverThePart) {
  auto index = Create();
  for (Slot slot = 0; slot < 6; ++slot) {
    ASSERT_TRUE(index->Add(slot, "same words").ok());
    if (slot % 2 == 1) index->Freeze();
  }
  const auto found = index->Search("words", 3, nullptr, SlotSet(6, true));
  ASSERT_EQ(found.size(), 3u);
  for (Slot slot = 0; slot < 3; ++slot) EXPECT_EQ(found[slot].slot, slot);
}

TEST(TextIndex, QueriesWithoutKnownTermsFindNothing) {
  auto index = Create();
  const SlotSet live(1, true);
  EXPECT_TRUE(index->Search("anything", 5, nullptr, live).empty());
  ASSERT_TRUE(index->Add(0, "text").ok());
  for (const char* query : {"", "  ...", "absent"}) EXPECT_TRUE(index->Search(query, 5, nullptr, live).empty());
  EXPECT_TRUE(index->Search("text", 0, nullptr, live).empty());
  EXPECT_EQ(index->Search("text", 1'000'000'000, nullptr, live).size(), 1u);
  EXPECT_TRUE(index->Search("text", 5, nullptr, SlotSet()).empty());
}

TEST(TextIndex, LongQueriesKeepTheirRarestTerms) {
  auto index = Create();
  std::string all;
  for (size_t i = 0; i < kQueryTermsMax + 10; ++i) all += " t" + std::to_string(i);
  ASSERT_TRUE(index->Add(0, all + " common").ok());
  ASSERT_TRUE(index->Add(1, "common").ok());
  ASSERT_TRUE(index->Add(2, "common").ok());
  EXPECT_EQ(index->Search(all + " common", 5, nullptr, SlotSet(3, true)).size(), 1u);
}

TEST(TextIndex, RepetitionsBeyondTheLimitSaturate) {
  auto index = Create();
  std::string many;
  for (int i = 0; i < 70'000; ++i) many += "x ";
  ASSERT_TRUE(index->Add(0, many).ok());
  EXPECT_EQ(index->Statistics().total_length, kTextLengthMax);
  EXPECT_EQ(index->Search("x", 5, nullptr, SlotSet(1, true)).size(), 1u);
}

TEST(TextIndex, OptionsOutOfBoundsAreNamed) {
  EXPECT_EQ(TextIndex::Create({{}, -1, 0.5, 1}).status().field(), "k1");
  EXPECT_EQ(TextIndex::Create({{}, std::nan(""), 0.5, 1}).status().field(), "k1");
  EXPECT_EQ(TextIndex::Create({{}, 1, 1.5, 1}).status().field(), "b");
  EXPECT_EQ(TextIndex::Create({{}, 1, 0.5, 101}).status().field(), "title_weight");
  EXPECT_EQ(TextIndex::Create({{"xx", false}, 1, 0.5, 1}).status().field(), "language");
}

TEST(TextIndex, SlotsMustAscend) {
  auto index = Create();
  ASSERT_TRUE(index->Add(5, "a").ok());
  EXPECT_EQ(index->Add(5, "a").code(), Code::kFailedPrecondition);
  EXPECT_EQ(index->Add(kNoSlot, "a").code(), Code::kFailedPrecondition);
}

TEST(TextIndex, OpenRefusesAnotherAnalyzerAndMissingFiles) {
  const ScratchFolder folder;
  auto index = Create();
  EXPECT_EQ(index->WriteSegment(io::RealDisk(), folder.path(), "s").status().code(), Code::kNotFound);
  ASSERT_TRUE(index->Add(0, "text").ok());
  index->Freeze();
  ASSERT_TRUE(index->WriteSegment(io::RealDisk(), folder.path(), "s").ok());
  const auto open = [&](const AnalyzerOptions& analyzer, const std::vector<std::string>& names) {
    return TextIndex::Open({analyzer}, io::RealDisk(), folder.path(), names).status().code();
  };
  EXPECT_EQ(open({"none", false}, {"s"}), Code::kOk);
  EXPECT_EQ(open({"english", false}, {"s"}), Code::kFailedPrecondition);
  EXPECT_EQ(open({"none", true}, {"s"}), Code::kFailedPrecondition);
  EXPECT_EQ(open({"none", false}, {"s", "s"}), Code::kFailedPrecondition);
  EXPECT_EQ(open({"none", false}, {"t"}), Code::kNotFound);
  EXPECT_EQ(index->Merge(io::RealDisk(), folder.path(), {"t"}, "m", SlotSet(1, true)).status().code(),
            Code::kInvalidArgument);
}

TEST(TextIndex, ReadersSeeEveryAddThatReturned) {
  const ScratchFolder folder;
  auto index = Create();
  std::atomic<Slot> added{0};
  std::atomic<bool> wrong{false};
  constexpr Slot kTexts = 3000;
  const SlotSet live(kTexts, true);
  std::thread reader([&] {
    while (added < kTexts && !wrong) {
      const Slot before = added;
      wrong = index->Search("word", kTexts, nullptr, live).size() < before;
    }
  });
  std::thread background([&] {
    for (int segment = 0; added < kTexts; ++segment) {
      const auto written = index->WriteSegment(io::RealDisk(), folder.path(), "s" + std::to_string(segment));
      if (!written.ok() && written.status().code() != Code::kNotFound) wrong = true;
      const auto plan = index->MergePlan();
      if (!plan.empty() &&
          !index->Merge(io::RealDisk(), folder.path(), plan, "m" + std::to_string(segment), live).ok()) {
        wrong = true;
      }
    }
  });
  for (Slot slot = 0; slot < kTexts; ++slot) {
    ASSERT_TRUE(index->Add(slot, "word number w" + std::to_string(slot)).ok());
    added = slot + 1;
    if (slot % 300 == 299) index->Freeze();
  }
  reader.join();
  background.join();
  EXPECT_FALSE(wrong);
  EXPECT_EQ(index->Search("word", kTexts, nullptr, live).size(), kTexts);
}

}  // namespace
}  // namespace rhizome::vector
