#include "pipeline/parse_html.h"

#include <fmt/format.h>
#include <gumbo.h>
#include <strings.h>

#include <algorithm>
#include <vector>

#include "base/utf8.h"
#include "pipeline/html_guard.h"
#include "pipeline/plain_text.h"

namespace rhizome::pipeline {
namespace {

// The tree of an honest page takes a few tens of bytes for each byte of it.
constexpr size_t kTreeBytesFloor = 32UL << 20;
constexpr size_t kTreeBytesPerByte = 64;
constexpr size_t kCharsetSniffBytes = 1024;  // WHATWG: where a <meta charset> must stand

// The charset of `<meta charset=…>` or `<meta http-equiv content="…; charset=…">`, lower case; "" for none.
std::string DeclaredCharset(std::string_view bytes) {
  const std::string head = AsciiLower(bytes.substr(0, kCharsetSniffBytes));
  for (size_t meta = head.find("<meta"); meta != std::string::npos; meta = head.find("<meta", meta + 5)) {
    const std::string_view tag = std::string_view(head).substr(meta, head.find('>', meta) - meta);
    size_t at = tag.find("charset");
    if (at == std::string_view::npos) continue;
    at = tag.find_first_not_of(" \t\n=\"'", at + 7);
    if (at == std::string_view::npos) continue;
    return std::string(tag.substr(at, tag.find_first_of(" \t\n;\"'/>", at) - at));
  }
  return {};
}

Result<std::string> DecodeHtml(std::string_view bytes, const ParseOptions& options) {
  const size_t len_max = 3 * options.document_len_max;
  if (bytes.starts_with("\xFE\xFF")) return FromCharset(bytes.substr(2), "UTF-16BE", len_max);
  if (bytes.starts_with("\xFF\xFE")) return FromCharset(bytes.substr(2), "UTF-16LE", len_max);
  std::string charset = DeclaredCharset(bytes);
  const bool unicode = charset == "utf-8" || charset == "utf8" || charset.starts_with("utf-16");
  if (unicode || bytes.starts_with("\xEF\xBB\xBF")) return CleanText(bytes, "text");
  if (charset.empty() && IsUtf8(bytes)) return CleanText(bytes, "text");
  // These labels mean windows-1252 on the web (WHATWG Encoding §4.2).
  if (charset.empty() || charset == "iso-8859-1" || charset == "latin1" || charset == "us-ascii" ||
      charset == "ascii") {
    charset = "windows-1252";
  }
  ASSIGN_OR_RETURN(const std::string text, FromCharset(bytes, charset, len_max));
  return CleanText(text, "text");
}

enum class Place { kInline, kLine, kBlock, kCell, kBreak, kVerbatim, kSkip };

Place PlaceOf(GumboTag tag) {
  switch (tag) {
    case GUMBO_TAG_SCRIPT:
    case GUMBO_TAG_STYLE:
    case GUMBO_TAG_TEMPLATE:
    case GUMBO_TAG_NOSCRIPT:
    case GUMBO_TAG_IFRAME:
    case GUMBO_TAG_NOFRAMES:
    case GUMBO_TAG_NOEMBED:
    case GUMBO_TAG_HEAD:
    case GUMBO_TAG_SVG: return Place::kSkip;
    case GUMBO_TAG_BR: return Place::kBreak;
    case GUMBO_TAG_PRE:
    case GUMBO_TAG_LISTING:
    case GUMBO_TAG_TEXTAREA: return Place::kVerbatim;
    case GUMBO_TAG_TD:
    case GUMBO_TAG_TH:
    case GUMBO_TAG_OPTION: return Place::kCell;
    case GUMBO_TAG_LI:
    case GUMBO_TAG_TR:
    case GUMBO_TAG_DT:
    case GUMBO_TAG_DD:
    case GUMBO_TAG_DIV:
    case GUMBO_TAG_CAPTION:
    case GUMBO_TAG_FIGCAPTION:
    case GUMBO_TAG_LEGEND:
    case GUMBO_TAG_SUMMARY: return Place::kLine;
    case GUMBO_TAG_P:
    case GUMBO_TAG_H1:
    case GUMBO_TAG_H2:
    case GUMBO_TAG_H3:
    case GUMBO_TAG_H4:
    case GUMBO_TAG_H5:
    case GUMBO_TAG_H6:
    case GUMBO_TAG_UL:
    case GUMBO_TAG_OL:
    case GUMBO_TAG_DL:
    case GUMBO_TAG_TABLE:
    case GUMBO_TAG_BLOCKQUOTE:
    case GUMBO_TAG_SECTION:
    case GUMBO_TAG_ARTICLE:
    case GUMBO_TAG_HEADER:
    case GUMBO_TAG_FOOTER:
    case GUMBO_TAG_NAV:
    case GUMBO_TAG_ASIDE:
    case GUMBO_TAG_MAIN:
    case GUMBO_TAG_FIGURE:
    case GUMBO_TAG_FORM:
    case GUMBO_TAG_FIELDSET:
    case GUMBO_TAG_ADDRESS:
    case GUMBO_TAG_DETAILS:
    case GUMBO_TAG_HR: return Place::kBlock;
    default: return Place::kInline;
  }
}

bool IsElement(const GumboNode* node) { return node->type == GUMBO_NODE_ELEMENT || node->type == GUMBO_NODE_TEMPLATE; }

std::string_view Attribute(const GumboNode* node, const char* name) {
  const GumboAttribute* attribute = gumbo_get_attribute(&node->v.element.attributes, name);
  return attribute == nullptr ? std::string_view() : std::string_view(attribute->value);
}

// Walks the tree without recursion: a page's depth is not our stack's.
class Renderer {
 public:
  Document Render(const GumboNode* root) {
    stack_.push_back({root, 0});
    Enter(root);
    while (!stack_.empty()) {
      Frame& top = stack_.back();
      const GumboVector& children = ChildrenOf(top.node);
      if (top.next == children.length) {
        Leave(top.node);
        stack_.pop_back();
        continue;
      }
      const auto* child = static_cast<const GumboNode*>(children.data[top.next++]);
      if (IsElement(child)) {
        if (Enter(child)) stack_.push_back({child, 0});
      } else {
        Text(child);
      }
    }
    document_.text = text_.Take();
    document_.title = title_.Take();
    if (document_.title.empty()) document_.title = heading_.Take();
    document_.format = Format::kHtml;
    return std::move(document_);
  }

 private:
  struct Frame {
    const GumboNode* node;
    unsigned next;
  };

  static const GumboVector& ChildrenOf(const GumboNode* node) {
    return node->type == GUMBO_NODE_DOCUMENT ? node->v.document.children : node->v.element.children;
  }

  // False when nothing below the node is to be seen.
  bool Enter(const GumboNode* node) {
    if (!IsElement(node)) return true;
    const GumboElement& element = node->v.element;
    if (element.tag == GUMBO_TAG_HTML) Note("language", Attribute(node, "lang"));
    if (element.tag == GUMBO_TAG_META) NoteMeta(node);
    if (element.tag == GUMBO_TAG_IMG) text_.Flow(Attribute(node, "alt"));
    if (element.tag == GUMBO_TAG_HEAD) return true;
    const Place place = PlaceOf(element.tag);
    if (place == Place::kSkip) return false;
    in_title_ += IsTitle(element);
    in_heading_ += element.tag == GUMBO_TAG_H1 && !heading_done_;
    verbatim_ += place == Place::kVerbatim;
    Boundary(place);
    return true;
  }

  void Leave(const GumboNode* node) {
    if (!IsElement(node) || node->v.element.tag == GUMBO_TAG_HEAD) return;
    const GumboElement& element = node->v.element;
    in_title_ -= IsTitle(element);
    if (element.tag == GUMBO_TAG_H1 && in_heading_ > 0 && --in_heading_ == 0) heading_done_ = true;
    verbatim_ -= PlaceOf(element.tag) == Place::kVerbatim;
    if (PlaceOf(element.tag) != Place::kBreak) Boundary(PlaceOf(element.tag));
  }

  static bool IsTitle(const GumboElement& element) {
    return element.tag == GUMBO_TAG_TITLE && element.tag_namespace == GUMBO_NAMESPACE_HTML;
  }

  void Boundary(Place place) {
    switch (place) {
      case Place::kLine:
      case Place::kBreak: text_.Line(); break;
      case Place::kBlock:
      case Place::kVerbatim: text_.Block(); break;
      case Place::kCell: text_.Flow(" "); break;
      case Place::kInline:
      case Place::kSkip: break;
    }
  }

  void Text(const GumboNode* node) {
    if (node->type == GUMBO_NODE_COMMENT) return;
    const std::string_view text = node->v.text.text;
    if (in_title_ > 0) {
      title_.Flow(text);
      return;
    }
    if (in_heading_ > 0) heading_.Flow(text);
    verbatim_ > 0 ? text_.Verbatim(text) : text_.Flow(text);
  }

  void NoteMeta(const GumboNode* node) {
    const std::string name = AsciiLower(Attribute(node, "name"));
    if (name == "description" || name == "author" || name == "keywords") Note(name, Attribute(node, "content"));
  }

  void Note(std::string_view key, std::string_view value) {
    value = TrimWhiteSpace(value);
    if (!value.empty()) document_.metadata[key] = value;
  }

  Document document_;
  TextBuilder text_;
  TextBuilder title_;
  TextBuilder heading_;
  std::vector<Frame> stack_;
  int in_title_ = 0;
  int in_heading_ = 0;
  bool heading_done_ = false;
  int verbatim_ = 0;
};

}  // namespace

Result<Document> ParseHtml(std::string_view bytes, const ParseOptions& options) {
  ASSIGN_OR_RETURN(const std::string html, DecodeHtml(bytes, options));
  RETURN_IF_ERROR(CheckHtmlShape(html, options.html_depth_max));
  HtmlTree tree;
  RETURN_IF_ERROR(HtmlTree::Parse(html, kTreeBytesFloor + kTreeBytesPerByte * html.size(), &tree));
  Document document = Renderer().Render(tree.document());
  RETURN_IF_ERROR(CheckText(document.text, "text"));
  RETURN_IF_ERROR(CheckText(document.title, "title"));
  return document;
}

}  // namespace rhizome::pipeline
