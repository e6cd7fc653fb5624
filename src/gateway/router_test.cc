#include "gateway/router.h"

#include <gtest/gtest.h>

namespace rhizome::gateway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

Route At(std::string method, std::string pattern) {
  return {std::move(method), std::move(pattern), Lane::kQuery, false, "", {}};
}

const Router& Sample() {
  static const auto* router =
      new Router({At("GET", "/collections"), At("POST", "/collections"), At("GET", "/collections/{name}"),
                  At("DELETE", "/collections/{name}"), At("GET", "/")});
  return *router;
}

Match Found(std::string_view method, std::vector<std::string> segments) {
  auto match = Sample().Find(method, segments);
  EXPECT_TRUE(match.ok());
  return match.ok() ? *match : Match{};
}

TEST(Router, FindsByMethodAndPath) {
  EXPECT_EQ(Found("POST", {"collections"}).route->method, "POST");
  EXPECT_EQ(Found("GET", {}).route->pattern, "/");
  const Match match = Found("DELETE", {"collections", "notes"});
  EXPECT_EQ(match.route->pattern, "/collections/{name}");
  EXPECT_THAT(match.params, ElementsAre(Pair("name", "notes")));
}

TEST(Router, HeadIsAnsweredByGet) { EXPECT_EQ(Found("HEAD", {"collections"}).route->method, "GET"); }

TEST(Router, AnUnknownPathMatchesNothing) {
  const Match match = Found("GET", {"nothing"});
  EXPECT_EQ(match.route, nullptr);
  EXPECT_THAT(match.allow, IsEmpty());
  EXPECT_EQ(Found("GET", {"collections", "a", "b"}).route, nullptr);
}

TEST(Router, AKnownPathWithAnotherMethodSaysWhatIsAllowed) {
  const Match match = Found("PATCH", {"collections", "notes"});
  EXPECT_EQ(match.route, nullptr);
  EXPECT_THAT(match.allow, ElementsAre("GET", "HEAD", "DELETE"));
}

TEST(Router, ABadCollectionNameIsRefused) {
  const auto match = Sample().Find("GET", {"collections", "a.b"});
  ASSERT_FALSE(match.ok());
  EXPECT_EQ(match.status().field(), "name");
}

TEST(RouterDeathTest, TwoRoutesOfOneShapeAbort) {
  EXPECT_DEATH(Router({At("GET", "/a/{x}"), At("GET", "/a/{y}")}), "CHECK failed");
}

}  // namespace
}  // namespace rhizome::gateway
