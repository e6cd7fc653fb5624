// Fact 5: with one of three replicas gone searches find as much as before.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "chaos_fixture.h"

namespace rhizome::chaos {
namespace {

constexpr uint32_t kLong = 64;
constexpr size_t kTop = 10;
constexpr uint64_t kQuerySeed = 5'000'000;

class Recall : public Chaos {
 protected:
  // The ids nearest to a query among the live ones, by the cosine of every one of them.
  std::set<uint64_t> Nearest(const std::vector<float>& query) const {
    std::vector<std::pair<double, uint64_t>> by_score;
    for (const auto& [id, vector] : live_) {
      double dot = 0;
      double square = 0;
      for (uint32_t i = 0; i < kLong; ++i) {
        dot += static_cast<double>(query[i]) * vector[i];
        square += static_cast<double>(vector[i]) * vector[i];
      }
      by_score.emplace_back(-dot / std::sqrt(square), id);
    }
    std::partial_sort(by_score.begin(), by_score.begin() + kTop, by_score.end());
    std::set<uint64_t> ids;
    for (size_t i = 0; i < kTop; ++i) ids.insert(by_score[i].second);
    return ids;
  }

  void Fill(uint64_t points) {
    HttpSession session = Session();
    std::string why;
    ASSERT_TRUE(Preload(session, "things", points, why, kLong)) << why;
    std::vector<uint64_t> deleted;
    for (uint64_t id = 1; id <= points; ++id) {
      if (id % 10 == 0) deleted.push_back(id);
      if (id % 10 != 0) live_[id] = VectorOf(id, kLong);
      if (deleted.size() < 500 && id < points) continue;
      const Answer answer = session.CallTwice("POST", "/vectors/delete", IdsBody("things", deleted));
      ASSERT_TRUE(answer.good()) << answer.ToString();
      deleted.clear();
    }
    ASSERT_TRUE(Eventually(120'000, [&] { return PendingVectors() == 0; }));
  }
  // Not yet linked into the index, on all nodes.
  int64_t PendingVectors() {
    int64_t pending = 0;
    for (size_t node = 0; node < fleet_->nodes(); ++node) {
      const Answer answer = HttpSession({fleet_->http(node)}).Call("GET", "/shards");
      if (!answer.good()) return -1;
      for (const auto& shard : answer.body.at("shards").as_array()) {
        pending += shard.at("pending_index").to_number<int64_t>();
      }
    }
    return pending;
  }

  double Measure(uint64_t queries) {
    HttpSession session = Session();
    uint64_t right = 0;
    for (uint64_t query = 0; query < queries; ++query) {
      const std::vector<float> vector = VectorOf(kQuerySeed + query, kLong);
      const Answer answer = session.CallTwice(
          "POST", "/search",
          fmt::format(R"({{"collection":"things","vector":{},"top_k":{}}})", VectorJson(vector), kTop));
      EXPECT_TRUE(answer.good()) << answer.ToString();
      const std::set<uint64_t> nearest = Nearest(vector);
      for (const auto& [id, content] : ContentsIn(answer.body, "hits")) right += nearest.contains(id);
    }
    return static_cast<double>(right) / static_cast<double>(queries * kTop);
  }

  std::map<uint64_t, std::vector<float>> live_;
};

TEST_F(Recall, AtTenStaysWhenOneOfThreeReplicasIsGone) {
  const std::string fact = "recall with a replica gone";
  StartFleet({});
  if (HasFailure()) return;
  ASSERT_TRUE(fleet_->CreateCollection("things", kLong, 4).ok());
  Fill(full() ? 20'000 : 2'000);
  if (HasFailure()) return;
  const uint64_t queries = full() ? 500 : 100;
  const double healthy = Measure(queries);
  Note(fact, "recall@10 of the healthy cluster", healthy, "");
  EXPECT_GT(healthy, 0.9);
  fleet_->Kill(1);
  const double without = Measure(queries);
  Note(fact, "recall@10 without n2", without, "");
  EXPECT_NEAR(without, healthy, 0.005);
}

}  // namespace
}  // namespace rhizome::chaos
