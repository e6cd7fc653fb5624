#include "pipeline/parse_markdown.h"

#include <cmark.h>

#include <memory>

#include "pipeline/parse_html.h"
#include "pipeline/plain_text.h"

namespace rhizome::pipeline {
namespace {

// Takes a leading "---\nkey: value\n---\n" off `text`. Anything but flat keys means it is no front matter.
boost::json::object TakeFrontMatter(std::string_view& text) {
  constexpr std::string_view kFence = "---\n";
  boost::json::object fields;
  if (!text.starts_with(kFence)) return fields;
  size_t at = kFence.size();
  while (true) {
    const size_t end = text.find('\n', at);
    if (end == std::string_view::npos) return {};
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    if (line == "---" || line == "...") break;
    const size_t colon = line.find(':');
    if (colon == 0 || colon == std::string_view::npos || line.front() == ' ') return {};
    std::string_view value = TrimWhiteSpace(line.substr(colon + 1));
    if (value.size() >= 2 && value.front() == value.back() && (value.front() == '"' || value.front() == '\'')) {
      value = value.substr(1, value.size() - 2);
    }
    fields[line.substr(0, colon)] = value;
  }
  text.remove_prefix(at);
  return fields;
}

bool InTightList(cmark_node* node) {
  cmark_node* item = cmark_node_parent(node);
  cmark_node* list = item == nullptr ? nullptr : cmark_node_parent(item);
  return list != nullptr && cmark_node_get_type(list) == CMARK_NODE_LIST && cmark_node_get_list_tight(list) != 0;
}

std::string_view Literal(cmark_node* node) {
  const char* literal = cmark_node_get_literal(node);
  return literal == nullptr ? std::string_view() : std::string_view(literal);
}

class Renderer {
 public:
  explicit Renderer(const ParseOptions& options) : options_(options) {}

  Status Visit(cmark_node* node, bool entering) {
    switch (cmark_node_get_type(node)) {
      case CMARK_NODE_HEADING:
        in_first_heading_ = entering && !heading_seen_;
        heading_seen_ = true;
        text_.Block();
        break;
      case CMARK_NODE_PARAGRAPH: InTightList(node) ? text_.Line() : text_.Block(); break;
      case CMARK_NODE_ITEM: text_.Line(); break;
      case CMARK_NODE_LIST:
      case CMARK_NODE_BLOCK_QUOTE:
      case CMARK_NODE_THEMATIC_BREAK: text_.Block(); break;
      case CMARK_NODE_LINEBREAK: text_.Line(); break;
      case CMARK_NODE_SOFTBREAK: Flow(" "); break;
      case CMARK_NODE_TEXT:
      case CMARK_NODE_CODE: Flow(Literal(node)); break;
      case CMARK_NODE_CODE_BLOCK:
        text_.Block();
        text_.Verbatim(Literal(node));
        text_.Block();
        break;
      case CMARK_NODE_HTML_BLOCK: return HtmlBlock(Literal(node));
      default: break;
    }
    return Status::Ok();
  }

  std::string TakeText() { return text_.Take(); }
  std::string TakeTitle() { return title_.Take(); }

 private:
  void Flow(std::string_view text) {
    text_.Flow(text);
    if (in_first_heading_) title_.Flow(text);
  }

  Status HtmlBlock(std::string_view html) {
    ASSIGN_OR_RETURN(const Document inner, ParseHtml(html, options_));
    text_.Block();
    text_.Verbatim(inner.text);
    text_.Block();
    return Status::Ok();
  }

  const ParseOptions& options_;
  TextBuilder text_;
  TextBuilder title_;
  bool heading_seen_ = false;
  bool in_first_heading_ = false;
};

}  // namespace

Result<Document> ParseMarkdown(std::string_view bytes, const ParseOptions& options) {
  ASSIGN_OR_RETURN(const std::string clean, CleanText(bytes, "text"));
  std::string_view source = clean;
  Document document;
  document.format = Format::kMarkdown;
  document.metadata = TakeFrontMatter(source);
  const std::unique_ptr<cmark_node, decltype(&cmark_node_free)> root(
      cmark_parse_document(source.data(), source.size(), CMARK_OPT_DEFAULT), &cmark_node_free);
  const std::unique_ptr<cmark_iter, decltype(&cmark_iter_free)> nodes(cmark_iter_new(root.get()), &cmark_iter_free);
  Renderer renderer(options);
  for (auto event = cmark_iter_next(nodes.get()); event != CMARK_EVENT_DONE; event = cmark_iter_next(nodes.get())) {
    RETURN_IF_ERROR(renderer.Visit(cmark_iter_get_node(nodes.get()), event == CMARK_EVENT_ENTER));
  }
  document.text = renderer.TakeText();
  document.title = renderer.TakeTitle();
  if (const auto* title = document.metadata.if_contains("title"); title != nullptr) {
    document.title = std::string_view(title->as_string());
    document.metadata.erase("title");
  }
  RETURN_IF_ERROR(CheckText(document.text, "text"));
  return document;
}

}  // namespace rhizome::pipeline
