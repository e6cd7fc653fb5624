#include "pipeline/parse.h"

#include <fmt/format.h>

#include <array>
#include <memory>

#include "io/disk.h"
#include "pipeline/parse_csv.h"
#include "pipeline/parse_html.h"
#include "pipeline/parse_json.h"
#include "pipeline/parse_markdown.h"
#include "pipeline/parse_pdf.h"
#include "pipeline/plain_text.h"

namespace rhizome::pipeline {
namespace {

constexpr size_t kSniffBytes = 4096;
constexpr size_t kReadBytes = 1UL << 20;

struct Ending {
  std::string_view ending;
  Format format;
};
constexpr std::array kEndings = {
    Ending{".txt", Format::kText},  Ending{".text", Format::kText},       Ending{".log", Format::kText},
    Ending{".rst", Format::kText},  Ending{".md", Format::kMarkdown},     Ending{".markdown", Format::kMarkdown},
    Ending{".html", Format::kHtml}, Ending{".htm", Format::kHtml},        Ending{".xhtml", Format::kHtml},
    Ending{".json", Format::kJson}, Ending{".jsonl", Format::kJsonLines}, Ending{".ndjson", Format::kJsonLines},
    Ending{".csv", Format::kCsv},   Ending{".tsv", Format::kCsv},         Ending{".pdf", Format::kPdf},
};

bool IsNameless(std::string_view name) { return name.empty() || name == "-"; }

// An object on the first line and another on the second: JSON Lines.
bool LooksLikeJsonLines(std::string_view text) {
  const size_t newline = text.find('\n');
  if (newline == std::string_view::npos) return false;
  const std::string_view first = TrimWhiteSpace(text.substr(0, newline));
  const std::string_view rest = TrimWhiteSpace(text.substr(newline));
  return first.starts_with('{') && first.ends_with('}') && rest.starts_with('{');
}

// An object, or an array of them.
bool LooksLikeJson(std::string_view text) {
  if (text.starts_with('[')) text = TrimWhiteSpace(text.substr(1));
  if (!text.starts_with('{')) return false;
  text = TrimWhiteSpace(text.substr(1));
  return text.starts_with('"') || text.starts_with('}');
}

Result<std::string> ReadWhole(std::string first, const ByteSource& bytes, size_t len_max) {
  std::string all = std::move(first);
  while (true) {
    if (all.size() > len_max) return Status::TooLarge("text", fmt::format("larger than {} bytes", len_max));
    ASSIGN_OR_RETURN(const std::string more, bytes());
    if (more.empty()) return all;
    all += more;
  }
}

Result<Document> ParseOne(Format format, std::string_view bytes, const ParseOptions& options) {
  switch (format) {
    case Format::kMarkdown: return ParseMarkdown(bytes, options);
    case Format::kHtml: return ParseHtml(bytes, options);
    case Format::kPdf: return ParsePdf(bytes, options);
    default: {
      Document document{.format = Format::kText};
      ASSIGN_OR_RETURN(document.text, CleanText(bytes, "text", options.repair_utf8));
      return document;
    }
  }
}

}  // namespace

std::optional<Format> FormatOfName(std::string_view name) {
  const std::string lower = AsciiLower(name);
  for (const Ending& known : kEndings) {
    if (lower.ends_with(known.ending) && lower.size() > known.ending.size()) return known.format;
  }
  return std::nullopt;
}

Format DetectFormat(std::string_view name, std::string_view first_bytes) {
  if (const std::optional<Format> format = FormatOfName(name)) return *format;
  if (first_bytes.starts_with("%PDF-")) return Format::kPdf;
  const std::string_view text = TrimWhiteSpace(first_bytes.substr(0, kSniffBytes));
  const std::string start = AsciiLower(text.substr(0, 64));
  if (start.starts_with("<!doctype html") || start.starts_with("<html")) return Format::kHtml;
  if (LooksLikeJsonLines(text)) return Format::kJsonLines;
  if (LooksLikeJson(start)) return Format::kJson;
  return Format::kText;
}

Status ParseStream(std::string_view name, const ByteSource& bytes, const ParseOptions& options,
                   const DocumentSink& sink) {
  const std::string source(IsNameless(name) ? std::string_view() : name);
  ASSIGN_OR_RETURN(std::string first, bytes());
  const Format format = DetectFormat(name, first);
  // What was read to tell the format is read again by the parser.
  const ByteSource from_start = [&first, &bytes]() -> Result<std::string> {
    if (!first.empty()) return std::exchange(first, {});
    return bytes();
  };
  if (format == Format::kJsonLines) return ParseJsonLines(from_start, source, options, sink);
  if (format == Format::kCsv) return ParseCsv(from_start, source, options, sink);
  const size_t len_max = format == Format::kJson ? options.json_len_max : options.document_len_max;
  ASSIGN_OR_RETURN(const std::string all, ReadWhole(std::exchange(first, {}), bytes, len_max));
  if (format == Format::kJson) return ParseJson(all, source, options, sink);
  Result<Document> document = ParseOne(format, all, options);
  if (document.ok()) document->source = source;
  return sink(std::move(document));
}

Result<std::vector<Document>> Parse(std::string_view name, std::string_view bytes, const ParseOptions& options) {
  std::vector<Document> documents;
  const ByteSource once = [&bytes]() -> Result<std::string> { return std::string(std::exchange(bytes, {})); };
  RETURN_IF_ERROR(ParseStream(name, once, options, [&](Result<Document> document) -> Status {
    if (document.ok()) documents.push_back(std::move(document).value());
    return document.status();
  }));
  return documents;
}

Status ParseFile(const std::string& path, const ParseOptions& options, const DocumentSink& sink) {
  ASSIGN_OR_RETURN(const std::unique_ptr<io::File> file, io::RealDisk().Open(path, io::OpenMode::kRead));
  uint64_t offset = 0;
  const ByteSource bytes = [&]() -> Result<std::string> {
    ASSIGN_OR_RETURN(std::string piece, file->ReadAt(offset, kReadBytes));
    offset += piece.size();
    return piece;
  };
  return ParseStream(path, bytes, options, sink);
}

}  // namespace rhizome::pipeline
