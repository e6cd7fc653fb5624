// YamlTree: one YAML document as a tree of texts, for files that people write. Everything is text: what a value means
// is for its reader to say.
//
// Bounds keep a small file from becoming a large tree: bytes, depth, and nodes with every alias counted as what it
// stands for. Two documents, a key twice, tags other than !!str and keys that are no text are refused. Any bytes are
// safe input; errors are InvalidArgument (field "yaml") or TooLarge and begin with the line. Pure.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace rhizome::format {

inline constexpr size_t kYamlBytesMax = 8 << 20;
inline constexpr size_t kYamlNodesMax = 1'000'000;
inline constexpr size_t kYamlBytesPerNode = 64;  // a longer text counts as more nodes than one
inline constexpr size_t kYamlDepthMax = 32;

struct YamlNode;
using YamlPtr = std::shared_ptr<const YamlNode>;

struct YamlNode {
  enum class Kind { kText, kList, kMap };
  Kind kind = Kind::kText;
  std::string text;                                      // of a text; a plain ~ or null is empty
  std::vector<YamlPtr> items;                            // of a list
  std::vector<std::pair<std::string, YamlPtr>> members;  // of a map, in the order written
  size_t line = 0;                                       // from 1
  size_t nodes = 1;                                      // this and all below

  // Null when there is none.
  const YamlNode* Find(std::string_view key) const;
};

// Null for a file without a document.
Result<YamlPtr> ParseYaml(std::string_view text);

}  // namespace rhizome::format
