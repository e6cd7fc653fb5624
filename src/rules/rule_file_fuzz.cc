// Any bytes as a rule file and as a template: no crash, and what is accepted keeps its promises.
#include "base/check.h"
#include "promql/parser.h"
#include "rules/rule.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto text = rhizome::rules::Template::Parse(bytes); text.ok()) text->Expand({{}, 1234.5, nullptr, "u"});
  const auto groups = rhizome::rules::ParseRuleFile(bytes);
  if (!groups.ok()) return 0;
  for (const auto& group : *groups) {
    CHECK(!group.name.empty());
    for (const auto& rule : group.rules) {
      CHECK(rhizome::promql::Parse(rule.expr).ok());
      if (rule.kind == rhizome::rules::RuleSpec::Kind::kAlerting) {
        CHECK(rhizome::rules::AlertingRule::Make(rule, group.limit, {}).ok());
      }
    }
  }
  return 0;
}
