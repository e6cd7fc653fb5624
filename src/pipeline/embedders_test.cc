#include "pipeline/embedders.h"

#include <gtest/gtest.h>

namespace rhizome::pipeline {
namespace {

class Named final : public Embedder {
 public:
  explicit Named(std::string name) : name_(std::move(name)) {}
  std::string_view name() const override { return name_; }
  uint32_t dimension() const override { return 1; }
  Result<std::vector<std::vector<float>>> Embed(std::span<const std::string> texts) override {
    return std::vector<std::vector<float>>(texts.size(), {1});
  }

 private:
  const std::string name_;
};

TEST(Embedders, NoneIsADefaultOfNothing) {
  const Embedders none(nullptr);
  EXPECT_EQ(none.Default(), nullptr);
  EXPECT_EQ(none.Names(), "none");
  EXPECT_EQ(none.For("c", "x").status().code(), Code::kFailedPrecondition);
}

TEST(Embedders, TheFirstIsTheDefaultAndEachIsFoundByName) {
  Named large("all-large"), small("static-2-00");
  Embedders both(&large);
  both.Add(&small);
  EXPECT_EQ(both.Default(), &large);
  EXPECT_EQ(both.Find("static-2-00"), &small);
  EXPECT_EQ(both.Find("static"), &small);
  EXPECT_EQ(both.Find("static-2"), nullptr);
  EXPECT_EQ(*both.For("c", "all-large"), &large);
}

TEST(Embedders, AKindOfTwoNamesNeither) {
  Named one("static-2-00"), other("static-2-01");
  Embedders both(&one);
  both.Add(&other);
  EXPECT_EQ(both.Find("static"), nullptr);
}

TEST(Embedders, ACollectionIsBoundToTheWholeName) {
  Named small("static-2-00");
  const auto found = Embedders(&small).For("notes", "static");
  EXPECT_EQ(found.status().code(), Code::kFailedPrecondition);
  EXPECT_NE(found.status().message().find("static-2-00"), std::string::npos) << found.status().ToString();
}

}  // namespace
}  // namespace rhizome::pipeline
