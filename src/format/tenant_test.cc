#include "format/tenant.h"

#include <gtest/gtest.h>

namespace rhizome::format {
namespace {

Labels Make(std::vector<LabelPair> pairs) { return Labels::FromPairs(pairs).value(); }

TEST(Tenant, TheBatchOfATenantHasItsSeriesUnderItsNameAndTheSameRows) {
  SeriesBatchBuilder builder;
  const Labels up = Make({{"__name__", "up"}, {"A", "1"}});
  const Labels down = Make({{"__name__", "down"}});
  builder.Add(builder.SeriesOf(up), 1, 10);
  builder.Add(builder.SeriesOf(down), 2, 20);
  builder.Add(builder.SeriesOf(up), 3, 30);
  const std::string plain = builder.Encode();
  const std::string bytes = BatchOfTenant(SeriesBatch::Trusted(plain), "team-a");
  const auto batch = SeriesBatch::Decode(bytes);
  ASSERT_TRUE(batch.ok()) << batch.status().ToString();  // which looks at the order of labels, too
  ASSERT_EQ(batch->series_count(), 2u);
  EXPECT_EQ(TenantOf(batch->LabelsOf(0)), "team-a");
  EXPECT_EQ(WithoutTenant(batch->LabelsOf(0)), up.view());
  EXPECT_EQ(WithoutTenant(batch->LabelsOf(1)), down.view());
  double sum = 0;
  batch->ForEachRow([&](uint32_t series, int64_t time_ms, double value) {
    EXPECT_EQ(series, time_ms == 2 ? 1u : 0u);
    sum += value;
  });
  EXPECT_EQ(sum, 60);
}

TEST(Tenant, TheDefaultTenantsSeriesAreAsTheyAre) {
  const Labels up = Make({{"__name__", "up"}});
  EXPECT_EQ(TenantOf(up), "");
  EXPECT_EQ(WithoutTenant(up), up.view());
  EXPECT_EQ(TenantOf(LabelsView()), "");
  EXPECT_TRUE(WithoutTenant(LabelsView()).empty());
}

TEST(Tenant, ATenantsSeriesHaveTheOrderTheyHaveWithout) {
  const Labels a = Make({{"__name__", "a"}, {"z", "1"}}), b = Make({{"__name__", "b"}});
  const Labels of_a = Make({{"__name__", "a"}, {"z", "1"}, {kTenantLabel, "t"}});
  const Labels of_b = Make({{"__name__", "b"}, {kTenantLabel, "t"}});
  EXPECT_LT(a, b);
  EXPECT_LT(of_a, of_b);
  EXPECT_FALSE(IsLabelName(kTenantLabel));
}

}  // namespace
}  // namespace rhizome::format
