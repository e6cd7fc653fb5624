// HTML (by gumbo, the WHATWG tree construction) to plain text: blocks on lines of their own, entities decoded,
// scripts, styles and templates gone.
//
// Hostile pages are refused before or while the tree is built: elements nested deeper than html_depth_max, tags with
// hundreds of attributes, and pages whose tree outgrows a multiple of their size.
#pragma once

#include "pipeline/document.h"

namespace rhizome::pipeline {

// One document. Title: <title>, else the first <h1>. Metadata: "language", "description", "author", "keywords" where
// the page states them. Bytes that are not UTF-8 are read in the character set the page declares, windows-1252 when
// it declares none (WHATWG Encoding §4.2); InvalidArgument where it declares UTF-8 and is not.
Result<Document> ParseHtml(std::string_view bytes, const ParseOptions& options);

}  // namespace rhizome::pipeline
