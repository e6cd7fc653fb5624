#include "pipeline/html_guard.h"

#include <fmt/format.h>

#include <csetjmp>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/clock.h"
#include "pipeline/plain_text.h"

namespace rhizome::pipeline {
namespace {

constexpr size_t kAttributesMax = 256;
constexpr int64_t kParseNsMax = 30'000'000'000;
constexpr uint32_t kCallsPerClock = 1024;

bool OneOf(std::string_view name, std::initializer_list<std::string_view> names) {
  for (const std::string_view candidate : names) {
    if (name == candidate) return true;
  }
  return false;
}

// Never open for long: void elements, parts of a table (which is counted), and those that a second one closes.
bool DoesNotNest(std::string_view name) {
  return OneOf(name, {"area",  "base", "br",    "col",    "embed", "hr",   "img",  "input",    "link",  "meta",
                      "param", "wbr",  "track", "source", "p",     "td",   "th",   "tr",       "tbody", "thead",
                      "tfoot", "html", "head",  "body",   "a",     "nobr", "form", "colgroup", "option"});
}

// A list item closes the one before it unless one of these stands between (WHATWG HTML §13.2.6.4.7, "special").
bool HoldsItems(std::string_view name) {
  return OneOf(name, {"applet",   "article",    "aside",    "blockquote",
                      "button",   "caption",    "center",   "dd",
                      "details",  "dir",        "dl",       "dt",
                      "fieldset", "figcaption", "figure",   "footer",
                      "frameset", "h1",         "h2",       "h3",
                      "h4",       "h5",         "h6",       "header",
                      "li",       "listing",    "main",     "marquee",
                      "menu",     "nav",        "noscript", "object",
                      "ol",       "plaintext",  "pre",      "section",
                      "select",   "summary",    "table",    "template",
                      "ul",       "svg",        "math",     "foreignobject",
                      "desc"});
}

// An end tag does not reach through these (WHATWG HTML §13.2.4.2, "has an element in the specific scope").
bool IsScopeBarrier(std::string_view name) {
  return OneOf(name, {"applet", "caption", "table", "marquee", "object", "template", "button", "svg", "math", "desc",
                      "foreignobject", "title", "mi", "mo", "mn", "ms", "mtext", "annotation-xml"});
}

// Their content is text until their own end tag.
bool IsRawText(std::string_view name) {
  return OneOf(name, {"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"});
}

struct Tag {
  std::string name;  // lower case
  bool closing = false;
  size_t attributes = 0;
  size_t end = 0;  // offset behind its '>'
};

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Reads the tag whose '<' stands at `at`.
Tag ReadTag(std::string_view html, size_t at) {
  Tag tag;
  size_t i = at + 1;
  if (i < html.size() && html[i] == '/') {
    tag.closing = true;
    ++i;
  }
  const size_t name_begin = i;
  while (i < html.size() && !IsSpace(html[i]) && html[i] != '>' && html[i] != '/') ++i;
  tag.name = AsciiLower(html.substr(name_begin, i - name_begin));
  bool in_word = false;
  for (; i < html.size() && html[i] != '>'; ++i) {
    const char c = html[i];
    if ((c == '"' || c == '\'') && i > at && html[i - 1] == '=') {
      const size_t close = html.find(c, i + 1);
      i = close == std::string_view::npos ? html.size() - 1 : close;
      in_word = false;
    } else if (IsSpace(c) || c == '/') {
      in_word = false;
    } else if (!in_word) {
      in_word = true;
      ++tag.attributes;
    }
  }
  tag.end = i < html.size() ? i + 1 : i;
  return tag;
}

// Pops what an end tag closes, if it reaches it.
void Close(std::vector<std::string>& open, const std::string& name) {
  for (size_t i = open.size(); i-- > 0;) {
    if (open[i] == name) {
      open.resize(i);
      return;
    }
    if (IsScopeBarrier(open[i]) && !IsScopeBarrier(name)) return;
  }
}

// Pops the list item that the start of another one closes.
void CloseItem(std::vector<std::string>& open, const std::string& name) {
  const bool definition = name != "li";
  for (size_t i = open.size(); i-- > 0;) {
    if (definition ? open[i] == "dd" || open[i] == "dt" : open[i] == "li") {
      open.resize(i);
      return;
    }
    if (HoldsItems(open[i])) return;
  }
}

size_t EndOfRawText(std::string_view html, size_t from, const std::string& name) {
  for (size_t at = html.find("</", from); at != std::string_view::npos; at = html.find("</", at + 2)) {
    if (AsciiLower(html.substr(at + 2, name.size())) == name) return at;
  }
  return html.size();
}

}  // namespace

Status CheckHtmlShape(std::string_view html, size_t depth_max) {
  std::vector<std::string> open;
  size_t at = html.find('<');
  while (at != std::string_view::npos) {
    if (html.substr(at).starts_with("<!--")) {
      const size_t close = html.find("-->", at + 4);
      at = close == std::string_view::npos ? close : html.find('<', close);
      continue;
    }
    const size_t name_at = at + (at + 1 < html.size() && html[at + 1] == '/' ? 2 : 1);
    if (name_at >= html.size() || !IsLetter(html[name_at])) {
      at = html.find('<', at + 1);
      continue;
    }
    const Tag tag = ReadTag(html, at);
    if (tag.attributes > kAttributesMax) {
      return Status::TooLarge("text",
                              fmt::format("the tag at byte {} has more than {} attributes", at, kAttributesMax));
    }
    size_t next = tag.end;
    if (tag.closing) {
      Close(open, tag.name);
    } else if (IsRawText(tag.name)) {
      next = EndOfRawText(html, tag.end, tag.name);
    } else if (!DoesNotNest(tag.name)) {
      if (tag.name == "li" || tag.name == "dd" || tag.name == "dt") CloseItem(open, tag.name);
      open.push_back(tag.name);
      if (open.size() > depth_max) {
        return Status::TooLarge("text", fmt::format("elements nest deeper than {} at byte {}", depth_max, at));
      }
    }
    at = html.find('<', next);
  }
  return Status::Ok();
}

struct HtmlTree::Block {
  Block* next;
  Block* previous;
};

// The callbacks gumbo allocates through. Its C code does not check for null, so a spent budget jumps out of it; no
// C++ object lives in the frames between.
struct HtmlAllocator {
  HtmlTree* tree;
  std::jmp_buf spent;
  int64_t deadline_ns = 0;
  uint32_t calls = 0;

  // What no count foresaw still ends: time is looked at now and then.
  bool IsLate() { return ++calls % kCallsPerClock == 0 && SystemClock().MonotonicNs() > deadline_ns; }

  static void* Allocate(void* self, size_t size) {
    auto* allocator = static_cast<HtmlAllocator*>(self);
    HtmlTree* tree = allocator->tree;
    auto* block =
        size <= tree->budget_ ? static_cast<HtmlTree::Block*>(std::malloc(sizeof(HtmlTree::Block) + size)) : nullptr;
    if (block == nullptr || allocator->IsLate()) std::longjmp(allocator->spent, 1);
    tree->budget_ -= size;
    block->previous = nullptr;
    block->next = tree->blocks_;
    if (block->next != nullptr) block->next->previous = block;
    tree->blocks_ = block;
    return block + 1;
  }

  static void Free(void* self, void* memory) {
    if (memory == nullptr) return;
    HtmlTree* tree = static_cast<HtmlAllocator*>(self)->tree;
    auto* block = static_cast<HtmlTree::Block*>(memory) - 1;
    if (block->next != nullptr) block->next->previous = block->previous;
    (block->previous != nullptr ? block->previous->next : tree->blocks_) = block->next;
    std::free(block);
  }
};

Status HtmlTree::Parse(std::string_view html, size_t budget, HtmlTree* tree) {
  CHECK(tree->blocks_ == nullptr);
  tree->budget_ = budget;
  HtmlAllocator allocator{.tree = tree, .deadline_ns = SystemClock().MonotonicNs() + kParseNsMax};
  GumboOptions options = kGumboDefaultOptions;
  options.allocator = &HtmlAllocator::Allocate;
  options.deallocator = &HtmlAllocator::Free;
  options.userdata = &allocator;
  options.max_errors = 0;
  if (setjmp(allocator.spent) != 0) {
    return Status::TooLarge("text", "the page's element tree is out of proportion to its size");
  }
  tree->output_ = gumbo_parse_with_options(&options, html.data(), html.size());
  return Status::Ok();
}

HtmlTree::~HtmlTree() {
  while (blocks_ != nullptr) std::free(std::exchange(blocks_, blocks_->next));
}

}  // namespace rhizome::pipeline
