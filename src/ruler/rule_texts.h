// RuleTexts: the rule files that patterns name, as they are on disk now.
//
// Pure but for the file system. Errors name the file, and for its content the field and line.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "rules/rule_file.h"

namespace rhizome::ruler {

using RuleTexts = std::map<std::string, std::string>;  // by path

// Patterns are paths with the wildcards of the shell: * ? [a-z]. InvalidArgument (field "rule_files") for one without
// wildcards that names no file, and for files that cannot be read or are too large.
Result<RuleTexts> ReadRuleTexts(const std::vector<std::string>& patterns);

struct FileGroups {
  std::string file;
  std::vector<rules::GroupSpec> groups;
};
// In the order of paths, and of names within them. InvalidArgument (field "rule_files").
Result<std::vector<FileGroups>> ParseRuleTexts(const RuleTexts& texts);

}  // namespace rhizome::ruler
