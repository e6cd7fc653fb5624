// Guards for the HTML parser: gumbo builds any tree at any cost and frees it by recursion, so what is hostile is found
// before it runs, and its memory is ours to bound and take back.
#pragma once

#include <gumbo.h>

#include <cstddef>
#include <string_view>

#include "base/status.h"

namespace rhizome::pipeline {

// TooLarge (field "text") when elements nest deeper than `depth_max`, counting unclosed ones as browsers do, or when
// one tag has more than 256 attributes, which gumbo compares pairwise. Linear in the input.
Status CheckHtmlShape(std::string_view html, size_t depth_max);

// A parse tree and all its memory, which goes without walking the tree. Not thread-safe; the bytes parsed outlive it.
class HtmlTree {
 public:
  // TooLarge when the tree takes more than `budget` bytes of allocations in all, or more than 30 s.
  static Status Parse(std::string_view html, size_t budget, HtmlTree* tree);

  HtmlTree() = default;
  ~HtmlTree();
  HtmlTree(const HtmlTree&) = delete;
  HtmlTree& operator=(const HtmlTree&) = delete;

  const GumboNode* document() const { return output_->document; }

  struct Block;  // a piece of memory in the list of all of them

 private:
  friend struct HtmlAllocator;
  Block* blocks_ = nullptr;
  size_t budget_ = 0;
  GumboOutput* output_ = nullptr;
};

}  // namespace rhizome::pipeline
