// Random rules and labels against what Prometheus' own relabelling made of them (testdata/relabel/main.go).
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <fstream>
#include <map>

#include "ingest/relabel_rules.h"

namespace rhizome::ingest {
namespace {

using LabelMap = std::map<std::string, std::string>;

// The reference lets labelmap make a label without a name; here it makes none.
LabelMap MapOf(const boost::json::value& object) {
  LabelMap map;
  if (object.is_null()) return map;
  for (const auto& pair : object.as_object()) {
    if (const auto& value = pair.value().as_string(); !value.empty() && !pair.key().empty())
      map.emplace(pair.key(), value);
  }
  return map;
}

format::Labels LabelsOf(const LabelMap& map) {
  std::vector<format::LabelPair> pairs;
  for (const auto& [name, value] : map) pairs.push_back({name, value});
  return format::Labels::FromPairs(pairs).value();
}

TEST(RelabelReference, TheSameRulesAreValidAndDoTheSame) {
  std::ifstream file(std::string(RHIZOME_SOURCE_DIR) + "/src/ingest/testdata/relabel_cases.jsonl");
  std::string line;
  int kept = 0, dropped = 0, invalid = 0;
  while (std::getline(file, line)) {
    const boost::json::value one = boost::json::parse(line);
    const std::string text(one.at("rules").as_string());
    SCOPED_TRACE(text + line);
    const auto rules = RelabelRules::Parse(text);
    EXPECT_EQ(rules.ok(), one.at("valid").as_bool()) << rules.status().ToString();
    if (!rules.ok() || !one.at("valid").as_bool()) {
      ++invalid;
      continue;
    }
    std::string out;
    const bool stays = rules->Apply(LabelsOf(MapOf(one.at("labels"))), out);
    EXPECT_EQ(stays, one.at("kept").as_bool());
    ++(stays ? kept : dropped);
    if (!stays || !one.at("kept").as_bool()) continue;
    EXPECT_EQ(format::LabelsView::Trusted(out).ToString(), LabelsOf(MapOf(one.at("result"))).view().ToString());
  }
  EXPECT_GE(kept, 500);
  EXPECT_GE(dropped, 100);
  EXPECT_GE(invalid, 50);
}

}  // namespace
}  // namespace rhizome::ingest
