// Yaml: a YAML 1.1 document as a tree, for the configuration files of the Prometheus world. JSON is read as well, being
// a kind of YAML.
//
// Everything is text: what a scalar means is for its reader to say; whether it was quoted is kept, because "~" is not
// ~. Each node knows its line, for messages. One document; no anchors, aliases or tags, which is where small files
// become large trees; no key twice; at most 64 levels and as many bytes as the caller says. Values; thread-safe as
// such.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace rhizome::format {

struct Yaml {
  enum class Kind { kScalar, kSequence, kMapping };

  Kind kind = Kind::kScalar;
  std::string text;               // of a scalar
  bool quoted = false;            // or a block
  size_t line = 0;                // from 1
  std::vector<Yaml> items;        // of a sequence, or a mapping's values, as they stand in the text
  std::vector<std::string> keys;  // a mapping's, in step

  // Empty, "null" or "~" without quotes.
  bool is_null() const;
  // Null when there is none.
  const Yaml* Find(std::string_view key) const;

  // InvalidArgument, with the line, for what is no such document. An empty text is null.
  static Result<Yaml> Parse(std::string_view text, size_t bytes_max);
};

}  // namespace rhizome::format
