// Document: what parsing yields and ingest takes, and the two things derived from it: content hash and id.
//
// Invariant: title and text are valid UTF-8 without NUL, lines end in \n. Values only: no threads, no I/O.
#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"

namespace rhizome::pipeline {

enum class Format { kText, kMarkdown, kHtml, kJson, kJsonLines, kCsv, kPdf };

// "text", "markdown", "html", "json", "jsonl", "csv", "pdf".
std::string_view FormatName(Format format);

struct Document {
  std::string id;     // what the input names; for a record without one in a file of many, derived from its content
  std::string title;  // "" when the input has none: a file's name is not its title, duplicates would differ
  std::string text;
  boost::json::object metadata;
  std::string source;  // file or URL; "" when it came as bytes without a name
  Format format = Format::kText;
};

struct ParseOptions {
  size_t document_len_max = 10UL << 20;  // bytes of one document: a file, a JSON Lines line, a CSV record
  size_t json_len_max = 64UL << 20;      // bytes of a JSON file, which is read whole
  size_t json_depth_max = 64;
  size_t html_depth_max = 512;  // open elements; browsers stop there too
  size_t csv_columns_max = 1000;
  int64_t pdf_timeout_ms = 60'000;
  bool repair_utf8 = false;  // plain text: replace bad bytes by U+FFFD instead of refusing the file
};

// Takes each record of an input as it is read, or the error that stands in its place. Returning a failure stops the
// reading, which then returns that failure; returning OK goes on to the next record.
using DocumentSink = std::function<Status(Result<Document>)>;

// Hands out the next bytes of an input; an empty string is its end.
using ByteSource = std::function<Result<std::string>()>;

// Content address of a document: equal for texts that differ only in white space or in how accented letters are
// composed (Unicode NFC). Persisted; XXH3-128 over the normalised title, a separator and the normalised text.
std::pair<uint64_t, uint64_t> DocumentContentHash(std::string_view title, std::string_view text);

// The id of a document that names none: from its source if there is one, so that a changed file updates what it was,
// else from its content. A UUID as text; the same on every machine.
std::string DeriveDocumentId(std::string_view source, std::string_view title, std::string_view text);

// The id of a record that names none in a source of many records: from source and content.
std::string DeriveRecordId(std::string_view source, std::string_view title, std::string_view text);

}  // namespace rhizome::pipeline
