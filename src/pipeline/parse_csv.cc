#include "pipeline/parse_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <set>

#include "pipeline/plain_text.h"

namespace rhizome::pipeline {
namespace {

namespace json = boost::json;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr size_t kDigitsMax = 15;  // what a double keeps exactly

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// A cell as JSON: a number where writing it back gives the same text (so "007" and "1e5" stay text), else a string.
json::value CellValue(std::string_view cell) {
  std::string_view digits = cell;
  if (digits.starts_with('-')) digits.remove_prefix(1);
  const size_t whole = std::min(digits.find('.'), digits.size());
  const auto all_digits = [](std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), IsDigit);
  };
  const bool plain_whole = all_digits(digits.substr(0, whole)) && (whole == 1 || digits.front() != '0');
  const bool plain_fraction = whole == digits.size() || all_digits(digits.substr(whole + 1));
  if (!plain_whole || !plain_fraction || digits.size() > kDigitsMax) return json::value(cell);
  json::error_code error;
  json::value number = json::parse(cell, error);
  return error ? json::value(cell) : number;
}

struct Columns {
  std::vector<std::string> names;
  std::optional<size_t> id;
  std::optional<size_t> title;
  std::optional<size_t> text;
};

Result<Columns> ReadHeader(const CsvRow& row) {
  Columns columns;
  std::set<std::string> seen;
  for (size_t i = 0; i < row.fields.size(); ++i) {
    RETURN_IF_ERROR(CheckText(row.fields[i], "header").Annotate("line 1"));
    std::string name(TrimWhiteSpace(row.fields[i]));
    if (name.empty()) name = fmt::format("column {}", i + 1);
    if (!seen.insert(AsciiLower(name)).second) {
      return Status::InvalidArgument("header", fmt::format("line 1: two columns are called \"{}\"", name));
    }
    columns.names.push_back(std::move(name));
  }
  const auto find = [&](std::initializer_list<std::string_view> names) -> std::optional<size_t> {
    for (const std::string_view wanted : names) {
      for (size_t i = 0; i < columns.names.size(); ++i) {
        if (AsciiLower(columns.names[i]) == wanted) return i;
      }
    }
    return std::nullopt;
  };
  columns.id = find({"id", "_id"});
  columns.title = find({"title"});
  columns.text = find({"text", "content", "body", "description"});
  return columns;
}

Result<Document> DocumentOf(const CsvRow& row, const Columns& columns, std::string_view source) {
  if (row.fields.size() > columns.names.size()) {
    return Status::InvalidArgument(
        "", fmt::format("{} fields, but the header names {} columns", row.fields.size(), columns.names.size()));
  }
  Document document;
  document.format = Format::kCsv;
  document.source = source;
  for (size_t i = 0; i < row.fields.size(); ++i) {
    ASSIGN_OR_RETURN(std::string value, CleanText(row.fields[i], columns.names[i]));
    if (!columns.text && i != columns.id && !value.empty()) {
      document.text += fmt::format("{}: {}\n", columns.names[i], value);
    }
    if (i == columns.id) {
      document.id = std::move(value);
    } else if (i == columns.title) {
      document.title = std::move(value);
    } else if (i == columns.text) {
      document.text = std::move(value);
    } else if (!value.empty()) {
      document.metadata[columns.names[i]] = CellValue(value);
    }
  }
  if (document.id.empty()) document.id = DeriveRecordId(source, document.title, document.text);
  return document;
}

}  // namespace

Result<bool> CsvReader::Fill() {
  if (at_ < buffer_.size()) return true;
  const bool first = delimiter_ == 0;
  at_ = 0;
  ASSIGN_OR_RETURN(buffer_, bytes_());
  if (!first) return !buffer_.empty();
  // The whole header must be here before the delimiter can be told.
  while (buffer_.find('\n') == std::string::npos && buffer_.size() <= options_.document_len_max) {
    ASSIGN_OR_RETURN(const std::string more, bytes_());
    if (more.empty()) break;
    buffer_ += more;
  }
  if (buffer_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
  ChooseDelimiter();
  return at_ < buffer_.size();
}

void CsvReader::ChooseDelimiter() {
  const std::string_view header = std::string_view(buffer_).substr(0, buffer_.find('\n'));
  delimiter_ = ',';
  if (header.find(',') != std::string_view::npos) return;
  if (header.find('\t') != std::string_view::npos) {
    delimiter_ = '\t';
  } else if (header.find(';') != std::string_view::npos) {
    delimiter_ = ';';
  }
}

Status CsvReader::Error(std::string_view what) const {
  return Status::InvalidArgument("text", fmt::format("line {}: {}", line_, what));
}

Status CsvReader::EndField(CsvRow& row) {
  if (row.fields.size() == options_.csv_columns_max) {
    return Status::TooLarge("text", fmt::format("line {}: more than {} columns", row.line, options_.csv_columns_max));
  }
  row.fields.push_back(std::exchange(field_, {}));
  state_ = State::kFieldStart;
  return Status::Ok();
}

Status CsvReader::Take(char c, CsvRow& row, bool& done) {
  if (state_ == State::kQuoted) {
    if (c == '"') {
      state_ = State::kQuoteInQuoted;
    } else {
      field_.push_back(c);
    }
    return Status::Ok();
  }
  if (c == delimiter_) return EndField(row);
  if (c == '\n') {
    done = true;
    if (state_ != State::kQuoteInQuoted && field_.ends_with('\r')) field_.pop_back();
    return EndField(row);
  }
  if (c == '"' && state_ == State::kQuoteInQuoted) {
    field_.push_back('"');
    state_ = State::kQuoted;
  } else if (c == '"' && state_ == State::kFieldStart) {
    quote_line_ = line_;
    state_ = State::kQuoted;
  } else if (state_ == State::kQuoteInQuoted) {
    if (c != '\r') return Error("text behind a closing quote");
  } else {
    field_.push_back(c);
    state_ = State::kPlain;
  }
  return Status::Ok();
}

Result<std::optional<CsvRow>> CsvReader::Next() {
  while (true) {
    CsvRow row{.line = line_};
    record_len_ = 0;
    bool done = false;
    while (!done) {
      ASSIGN_OR_RETURN(const bool more, Fill());
      if (!more) {
        if (state_ == State::kQuoted) {
          return Status::InvalidArgument("text", fmt::format("line {}: a quote is never closed", quote_line_));
        }
        if (record_len_ == 0) return std::optional<CsvRow>();
        done = true;
        RETURN_IF_ERROR(EndField(row));
        break;
      }
      const char c = buffer_[at_++];
      if (++record_len_ > options_.document_len_max) {
        return Status::TooLarge(
            "text", fmt::format("line {}: a record longer than {} bytes", row.line, options_.document_len_max));
      }
      RETURN_IF_ERROR(Take(c, row, done));
      if (c == '\n') ++line_;
    }
    const bool blank = row.fields.size() == 1 && row.fields[0].empty();
    if (!blank) return std::optional(std::move(row));
  }
}

Status ParseCsv(const ByteSource& bytes, std::string_view source, const ParseOptions& options,
                const DocumentSink& sink) {
  CsvReader reader(bytes, options);
  ASSIGN_OR_RETURN(const std::optional<CsvRow> header, reader.Next());
  if (!header.has_value()) return Status::InvalidArgument("header", "a CSV file begins with a row of column names");
  ASSIGN_OR_RETURN(const Columns columns, ReadHeader(*header));
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<CsvRow> row, reader.Next());
    if (!row.has_value()) return Status::Ok();
    Result<Document> document = DocumentOf(*row, columns, source);
    RETURN_IF_ERROR(
        sink(document.ok() ? std::move(document) : document.status().Annotate(fmt::format("line {}", row->line))));
  }
}

}  // namespace rhizome::pipeline
