// Markdown (CommonMark 0.30, by cmark) to plain text: headings, paragraphs, list items and code each on their own
// lines, markup gone, HTML blocks as their text. A leading block of `key: value` lines between --- is metadata.
#pragma once

#include "pipeline/document.h"

namespace rhizome::pipeline {

// One document; its title is the front matter's `title`, else the first heading. Errors: InvalidArgument (bad UTF-8,
// NUL), TooLarge.
Result<Document> ParseMarkdown(std::string_view bytes, const ParseOptions& options);

}  // namespace rhizome::pipeline
