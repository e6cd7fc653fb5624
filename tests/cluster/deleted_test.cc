// Fact 6: what was deleted, or replaced so that it no longer matches, while a replica was away is never seen at quorum
// after its return, whether repair reaches it or not.
#include <fmt/format.h>

#include "chaos_fixture.h"
#include "history/random.h"

namespace rhizome::chaos {
namespace {

constexpr uint64_t kReplaced = 1'000'000;  // what is added to a content, and to the seed of its vector

class Deleted : public Chaos {
 protected:
  // n3 is away while half of the points are deleted and the others replaced.
  void ChangeWhileOneIsAway() {
    HttpSession session = Session();
    fleet_->Kill(2);
    for (uint64_t begin = 1; begin <= points_; begin += 200) {
      std::vector<uint64_t> deleted;
      std::string replaced;
      for (uint64_t id = begin; id < begin + 200 && id <= points_; ++id) {
        if (IsDeleted(id)) deleted.push_back(id);
        if (IsDeleted(id)) continue;
        replaced += (replaced.empty() ? "" : ",") + PointJson(id, id + kReplaced, VectorOf(id + kReplaced));
      }
      ASSERT_TRUE(session.CallTwice("POST", "/vectors/delete", IdsBody("things", deleted)).good());
      ASSERT_TRUE(session.CallTwice("POST", "/vectors", UpsertBody("things", replaced)).good());
    }
  }

  void Try(uint64_t tries) {
    HttpSession session = Session();
    for (uint64_t i = 0; i < tries; ++i) {
      const uint64_t id = 1 + random_.Below(points_);
      std::string seen;
      switch (i % 4) {
        case 0: seen = Search(session, id, random_.Chance(0.5)); break;
        case 1: seen = Get(session, id); break;
        case 2: seen = Scroll(session, id); break;
        default: seen = SearchOldContent(session, id); break;
      }
      if (!seen.empty() && ++seen_ == 1) first_ = fmt::format("{} is seen: {}", id, seen);
      ++tries_;
    }
  }
  void ExpectNothingSeen(const std::string& fact) {
    EXPECT_EQ(seen_, 0u) << first_;
    EXPECT_EQ(unanswered_, 0u);
    Note(fact, "tries", static_cast<double>(tries_), "");
    Note(fact, "deleted or replaced, and seen", static_cast<double>(seen_), "");
  }
  // Stale registers at n3 that nothing has repaired: without them the tries would show nothing.
  void ExpectStale() {
    ReplicaCompare replicas(*fleet_);
    Comparison comparison;
    // A node that has just started is silent for a moment.
    EXPECT_TRUE(Eventually(20'000, [&] {
      comparison = replicas.Compare();
      return comparison.difference.find("differs") != std::string::npos;
    })) << comparison.difference;
  }

  uint64_t points_ = full() ? 4'000 : 400;

 private:
  static bool IsDeleted(uint64_t id) { return id % 2 == 0; }

  // The first point of the answer that is as it was before n3 went away; "" when none is.
  std::string OldIn(const Answer& answer, const char* list) {
    unanswered_ += !answer.good();
    for (const auto& [id, content] : ContentsIn(answer.body, list)) {
      if (IsDeleted(id) || content == id) return answer.ToString();
    }
    return "";
  }
  // Nothing has the content any more that it asks for.
  std::string AnyIn(const Answer& answer, const char* list) {
    unanswered_ += !answer.good();
    return ContentsIn(answer.body, list).empty() ? "" : answer.ToString();
  }
  std::string Search(HttpSession& session, uint64_t id, bool exact) {
    const std::string body =
        fmt::format(R"({{"collection":"things","vector":{},"top_k":10,"exact":{},"consistency":"quorum"}})",
                    VectorJson(VectorOf(id)), exact);
    return OldIn(session.CallTwice("POST", "/search", body), "hits");
  }
  std::string SearchOldContent(HttpSession& session, uint64_t id) {
    const std::string body = fmt::format(
        R"({{"collection":"things","vector":{},"top_k":10,"consistency":"quorum","filter":{{"field":"v","match":{}}}}})",
        VectorJson(VectorOf(id)), id);
    return AnyIn(session.CallTwice("POST", "/search", body), "hits");
  }
  std::string Get(HttpSession& session, uint64_t id) {
    const Answer answer = session.CallTwice("POST", "/vectors/get", IdsBody("things", {id}, "quorum"));
    if (answer.good() && !IsDeleted(id) && ContentsIn(answer.body).empty()) return "nothing at all";
    return OldIn(answer, "points");
  }
  std::string Scroll(HttpSession& session, uint64_t id) {
    const std::string body = fmt::format(
        R"({{"collection":"things","consistency":"quorum","limit":5,"filter":{{"field":"v","match":{}}}}})", id);
    return AnyIn(session.CallTwice("POST", "/vectors/scroll", body), "points");
  }

  history::Random random_{TheExtent().seed};
  uint64_t tries_ = 0;
  uint64_t seen_ = 0;
  uint64_t unanswered_ = 0;
  std::string first_;
};

TEST_F(Deleted, WhileAReplicaWasAwayIsNeverSeenAtQuorum) {
  const std::string fact = "deleted while away";
  const uint64_t tries = full() ? 10'000 : 1'000;
  StartFleet({});
  if (HasFailure()) return;
  ASSERT_TRUE(fleet_->CreateCollection("things", kDimension, 4).ok());
  HttpSession session = Session();
  std::string why;
  ASSERT_TRUE(Preload(session, "things", points_, why)) << why;
  ChangeWhileOneIsAway();
  if (HasFailure()) return;

  // The gateway reaches it, the other owners do not: neither hints nor repair.
  ASSERT_TRUE(fleet_->network().Split({fleet_->host(2)}, {fleet_->host(0), fleet_->host(1)}).ok());
  fleet_->Restart(2);
  ASSERT_TRUE(fleet_->AwaitReady(2).ok());
  ExpectStale();
  Try(tries / 4);
  ExpectStale();
  // Now every majority needs the stale one.
  fleet_->Kill(0);
  Try(tries / 4);
  fleet_->Restart(0);
  ASSERT_TRUE(fleet_->AwaitReady(0).ok());
  ExpectNothingSeen(fact + ", not repaired");

  ASSERT_TRUE(fleet_->network().Heal().ok());
  Try(tries - tries / 4 * 2);
  ExpectNothingSeen(fact + ", and repaired");
  ExpectEqual(fact, 60'000);
  Try(100);
  ExpectNothingSeen(fact + ", and equal");
}

}  // namespace
}  // namespace rhizome::chaos
