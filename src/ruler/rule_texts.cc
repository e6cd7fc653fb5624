#include "ruler/rule_texts.h"

#include <glob.h>

#include <algorithm>
#include <filesystem>

#include "io/disk.h"

namespace rhizome::ruler {
namespace {

constexpr uint64_t kFileBytesMax = 8 << 20;

Status Wrong(const std::string& path, std::string_view what) {
  return Status::InvalidArgument("rule_files", path + ": " + std::string(what));
}

Result<std::vector<std::string>> Expand(const std::string& pattern) {
  glob_t found{};
  const int failed = glob(pattern.c_str(), 0, nullptr, &found);
  std::vector<std::string> paths(found.gl_pathv, found.gl_pathv + (failed == 0 ? found.gl_pathc : 0));
  globfree(&found);
  if (failed == GLOB_NOMATCH) {
    const bool wild = pattern.find_first_of("*?[") != std::string::npos;
    if (!wild) return Wrong(pattern, "there is no such file");
    return paths;
  }
  if (failed != 0) return Wrong(pattern, "cannot be read");
  return paths;
}

}  // namespace

Result<RuleTexts> ReadRuleTexts(const std::vector<std::string>& patterns) {
  RuleTexts texts;
  for (const std::string& pattern : patterns) {
    ASSIGN_OR_RETURN(const std::vector<std::string> paths, Expand(pattern));
    for (const std::string& path : paths) {
      std::error_code error;
      if (!std::filesystem::is_regular_file(path, error)) return Wrong(path, "is no file");
      const uint64_t bytes = std::filesystem::file_size(path, error);
      if (error) return Wrong(path, error.message());
      if (bytes > kFileBytesMax) return Wrong(path, "has more than 8 MiB");
      auto text = io::ReadWholeFile(io::RealDisk(), path);
      if (!text.ok()) return Wrong(path, text.status().message());
      texts[path] = std::move(*text);
    }
  }
  return texts;
}

Result<std::vector<FileGroups>> ParseRuleTexts(const RuleTexts& texts) {
  std::vector<FileGroups> files;
  for (const auto& [path, text] : texts) {
    auto groups = rules::ParseRuleFile(text);
    if (!groups.ok()) {
      const Status& status = groups.status();
      return Wrong(path,
                   (status.field().empty() ? "" : std::string(status.field()) + ": ") + std::string(status.message()));
    }
    std::sort(groups->begin(), groups->end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    files.push_back({path, std::move(*groups)});
  }
  return files;
}

}  // namespace rhizome::ruler
