// CSV (RFC 4180) to documents: the first row names the columns; `id` (or `_id`), `title` and the first of `text`,
// `content`, `body`, `description` (in any case) are the document's own, the others its metadata, numbers as numbers.
// Without a text column the text is one "column: value" line for each.
//
// The delimiter is a comma; a semicolon or a tab where the header has those and no comma. Quoted fields may hold
// delimiters, doubled quotes and line breaks; a quote inside an unquoted field stands for itself.
#pragma once

#include <string>
#include <vector>

#include "pipeline/document.h"

namespace rhizome::pipeline {

// Reads piecewise: the input may be of any size, a record may not. A bad record reaches the sink as an error that
// names its first line; what makes the rest unreadable (no header, a quote never closed) is returned.
Status ParseCsv(const ByteSource& bytes, std::string_view source, const ParseOptions& options,
                const DocumentSink& sink);

struct CsvRow {
  std::vector<std::string> fields;
  size_t line = 0;  // where the record begins, from 1
};

// Cuts an input into records. Not thread-safe.
class CsvReader {
 public:
  CsvReader(const ByteSource& bytes, const ParseOptions& options) : bytes_(bytes), options_(options) {}

  // nullopt at the end. InvalidArgument: a quote that is not closed, text behind a closing quote; TooLarge: a record
  // over document_len_max or more than csv_columns_max columns. The reader is of no use after an error.
  Result<std::optional<CsvRow>> Next();

 private:
  enum class State { kFieldStart, kPlain, kQuoted, kQuoteInQuoted };

  Result<bool> Fill();  // false at the end of the input
  void ChooseDelimiter();
  Status Take(char c, CsvRow& row, bool& done);
  Status EndField(CsvRow& row);
  Status Error(std::string_view what) const;

  const ByteSource& bytes_;
  const ParseOptions& options_;
  std::string buffer_;
  size_t at_ = 0;
  size_t line_ = 1;
  char delimiter_ = 0;  // not chosen yet
  State state_ = State::kFieldStart;
  std::string field_;
  size_t record_len_ = 0;
  size_t quote_line_ = 0;
};

}  // namespace rhizome::pipeline
