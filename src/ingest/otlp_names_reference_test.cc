// Names and units against what Prometheus' own translation made of them (testdata/otlp_names/main.go).
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <fstream>

#include "ingest/otlp_names.h"

namespace rhizome::ingest {
namespace {

TEST(OtlpNamesReference, NamesAndLabelsAreTheSame) {
  std::ifstream file(std::string(RHIZOME_SOURCE_DIR) + "/src/ingest/testdata/otlp_names.jsonl");
  std::string line;
  int cases = 0;
  while (std::getline(file, line)) {
    const boost::json::value one = boost::json::parse(line);
    const std::string name(one.at("name").as_string()), unit(one.at("unit").as_string());
    const std::string kind(one.at("kind").as_string());
    const OtlpKind of = kind == "gauge" ? OtlpKind::kGauge : kind == "counter" ? OtlpKind::kCounter : OtlpKind::kOther;
    EXPECT_EQ(OtlpMetricName(name, unit, of), std::string(one.at("metric").as_string())) << line;
    EXPECT_EQ(OtlpLabelName(name), std::string(one.at("label").as_string())) << line;
    ++cases;
  }
  EXPECT_EQ(cases, 600);
}

}  // namespace
}  // namespace rhizome::ingest
