#include "pipeline/document.h"

#include <fmt/format.h>
#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>

#include "base/hash.h"
#include "base/uuid.h"
#include "pipeline/plain_text.h"

namespace rhizome::pipeline {
namespace {

// NFC with every run of white space as one space.
std::string Normalised(std::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(error);
  CHECK(U_SUCCESS(error));
  std::string collapsed = CollapseWhiteSpace(text);
  const icu::StringPiece piece(collapsed.data(), static_cast<int32_t>(collapsed.size()));
  if (nfc->isNormalizedUTF8(piece, error) && U_SUCCESS(error)) return collapsed;
  std::string composed;
  icu::StringByteSink<std::string> sink(&composed);
  error = U_ZERO_ERROR;
  nfc->normalizeUTF8(0, piece, sink, nullptr, error);
  return U_SUCCESS(error) ? composed : collapsed;
}

std::string ContentName(std::string_view title, std::string_view text) {
  const auto [high, low] = DocumentContentHash(title, text);
  return fmt::format("{:016x}{:016x}", high, low);
}

}  // namespace

std::string_view FormatName(Format format) {
  switch (format) {
    case Format::kText: return "text";
    case Format::kMarkdown: return "markdown";
    case Format::kHtml: return "html";
    case Format::kJson: return "json";
    case Format::kJsonLines: return "jsonl";
    case Format::kCsv: return "csv";
    case Format::kPdf: return "pdf";
  }
  return "unknown";
}

std::pair<uint64_t, uint64_t> DocumentContentHash(std::string_view title, std::string_view text) {
  // The unit separator cannot come out of normalising: "a" + "bc" and "ab" + "c" stay apart.
  return ContentHash(Normalised(title) + '\x1f' + Normalised(text));
}

std::string DeriveDocumentId(std::string_view source, std::string_view title, std::string_view text) {
  if (source.empty()) return Uuid::FromName("content:" + ContentName(title, text)).ToString();
  return Uuid::FromName("source:" + std::string(source)).ToString();
}

std::string DeriveRecordId(std::string_view source, std::string_view title, std::string_view text) {
  return Uuid::FromName(fmt::format("record:{}:{}", ContentName(title, text), source)).ToString();
}

}  // namespace rhizome::pipeline
