#include "rules/rule_file.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <span>

#include "format/labels.h"
#include "format/yaml_tree.h"
#include "promql/parser.h"
#include "promql/text.h"
#include "rules/template.h"

namespace rhizome::rules {
namespace {

using format::YamlNode;
using format::YamlPtr;
using Kind = YamlNode::Kind;

// Where something in the file is: its path and what it is.
struct Place {
  std::string path;
  const YamlNode* node;

  Status Wrong(std::string_view what) const {
    return Status::InvalidArgument(path, "line " + std::to_string(node->line) + ": " + std::string(what));
  }
  Place At(size_t index) const { return {path + "[" + std::to_string(index) + "]", node->items[index].get()}; }
  // Node null when there is none.
  Place Under(std::string_view key) const {
    return {path.empty() ? std::string(key) : path + "." + std::string(key), node->Find(key)};
  }
};

Status CheckMap(const Place& place, std::span<const std::string_view> known) {
  if (place.node->kind != Kind::kMap) return place.Wrong("must be a mapping");
  for (const auto& [key, value] : place.node->members) {
    if (std::find(known.begin(), known.end(), key) == known.end())
      return place.Under(key).Wrong("is not a known field");
  }
  return Status::Ok();
}

Result<std::string> TextOf(const Place& place) {
  if (place.node == nullptr) return std::string();
  if (place.node->kind != Kind::kText) return place.Wrong("must be a text");
  return place.node->text;
}

Result<int64_t> DurationOf(const Place& place) {
  ASSIGN_OR_RETURN(const std::string text, TextOf(place));
  if (text.empty() || text == "0" || text == "0s" || text == "0m") return 0;
  const auto duration_ms = promql::ParseDuration(text);
  if (!duration_ms.ok()) return place.Wrong(duration_ms.status().message());
  return *duration_ms;
}

Result<NamedTexts> TextsOf(const Place& place) {
  NamedTexts texts;
  if (place.node == nullptr || (place.node->kind == Kind::kText && place.node->text.empty())) return texts;
  if (place.node->kind != Kind::kMap) return place.Wrong("must be a mapping");
  for (const auto& [name, value] : place.node->members) {
    const Place member = place.Under(name);
    if (!format::IsLabelName(name) || name == format::kMetricNameLabel) {
      return member.Wrong("\"" + name + "\" cannot be a name here");
    }
    ASSIGN_OR_RETURN(std::string text, TextOf(member));
    texts.emplace_back(name, std::move(text));
  }
  std::sort(texts.begin(), texts.end());
  return texts;
}

Status CheckTemplates(const Place& place, const NamedTexts& texts) {
  for (const auto& [name, text] : texts) {
    const auto parsed = Template::Parse(text);
    if (!parsed.ok()) return place.Under(name).Wrong(parsed.status().message());
  }
  return Status::Ok();
}

Status CheckRecording(const Place& place, const RuleSpec& rule) {
  for (const std::string_view field : {"for", "keep_firing_for", "annotations"}) {
    const Place under = place.Under(field);
    if (under.node != nullptr && (under.node->kind != Kind::kText || !under.node->text.empty())) {
      return under.Wrong("is not for a recording rule");
    }
  }
  if (!format::IsMetricName(rule.name)) return place.Under("record").Wrong("is not a metric's name");
  return Status::Ok();
}

Result<RuleSpec> RuleOf(const Place& place) {
  static constexpr std::string_view kKnown[] = {"record",          "alert",  "expr",       "for",
                                                "keep_firing_for", "labels", "annotations"};
  RETURN_IF_ERROR(CheckMap(place, kKnown));
  RuleSpec rule;
  ASSIGN_OR_RETURN(const std::string record, TextOf(place.Under("record")));
  ASSIGN_OR_RETURN(const std::string alert, TextOf(place.Under("alert")));
  if (record.empty() == alert.empty()) return place.Wrong("needs one of record and alert");
  rule.kind = alert.empty() ? RuleSpec::Kind::kRecording : RuleSpec::Kind::kAlerting;
  rule.name = alert.empty() ? record : alert;
  ASSIGN_OR_RETURN(rule.expr, TextOf(place.Under("expr")));
  if (rule.expr.empty()) return place.Wrong("needs an expr");
  rule.line = place.Under("expr").node->line;
  const auto parsed = promql::Parse(rule.expr);
  if (!parsed.ok())
    return place.Under("expr").Wrong("could not parse expression: " + std::string(parsed.status().message()));
  ASSIGN_OR_RETURN(rule.for_ms, DurationOf(place.Under("for")));
  ASSIGN_OR_RETURN(rule.keep_firing_for_ms, DurationOf(place.Under("keep_firing_for")));
  ASSIGN_OR_RETURN(rule.labels, TextsOf(place.Under("labels")));
  ASSIGN_OR_RETURN(rule.annotations, TextsOf(place.Under("annotations")));
  if (rule.kind == RuleSpec::Kind::kRecording) {
    RETURN_IF_ERROR(CheckRecording(place, rule));
  } else {
    RETURN_IF_ERROR(CheckTemplates(place.Under("labels"), rule.labels));
    RETURN_IF_ERROR(CheckTemplates(place.Under("annotations"), rule.annotations));
  }
  return rule;
}

Result<GroupSpec> GroupOf(const Place& place) {
  static constexpr std::string_view kKnown[] = {"name", "interval", "limit", "rules"};
  RETURN_IF_ERROR(CheckMap(place, kKnown));
  GroupSpec group;
  ASSIGN_OR_RETURN(group.name, TextOf(place.Under("name")));
  if (group.name.empty()) return place.Wrong("needs a name");
  ASSIGN_OR_RETURN(group.interval_ms, DurationOf(place.Under("interval")));
  ASSIGN_OR_RETURN(const std::string limit, TextOf(place.Under("limit")));
  const auto [end, error] = std::from_chars(limit.data(), limit.data() + limit.size(), group.limit);
  if (!limit.empty() && (error != std::errc() || end != limit.data() + limit.size())) {
    return place.Under("limit").Wrong("must be a number, 0 or more");
  }
  const Place rules = place.Under("rules");
  if (rules.node == nullptr || (rules.node->kind == Kind::kText && rules.node->text.empty())) return group;
  if (rules.node->kind != Kind::kList) return rules.Wrong("must be a list");
  for (size_t i = 0; i < rules.node->items.size(); ++i) {
    ASSIGN_OR_RETURN(RuleSpec rule, RuleOf(rules.At(i)));
    group.rules.push_back(std::move(rule));
  }
  return group;
}

}  // namespace

Result<std::vector<GroupSpec>> ParseRuleFile(std::string_view yaml) {
  static constexpr std::string_view kKnown[] = {"groups"};
  std::vector<GroupSpec> specs;
  ASSIGN_OR_RETURN(const YamlPtr root, format::ParseYaml(yaml));
  if (root == nullptr) return specs;
  const Place file{"", root.get()};
  RETURN_IF_ERROR(CheckMap(file, kKnown));
  const Place groups = file.Under("groups");
  if (groups.node == nullptr || (groups.node->kind == Kind::kText && groups.node->text.empty())) return specs;
  if (groups.node->kind != Kind::kList) return groups.Wrong("must be a list");
  std::set<std::string> names;
  for (size_t i = 0; i < groups.node->items.size(); ++i) {
    ASSIGN_OR_RETURN(GroupSpec group, GroupOf(groups.At(i)));
    if (!names.insert(group.name).second) return groups.At(i).Wrong("the name \"" + group.name + "\" comes twice");
    specs.push_back(std::move(group));
  }
  return specs;
}

}  // namespace rhizome::rules
