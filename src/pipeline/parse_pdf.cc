#include "pipeline/parse_pdf.h"

#include "pipeline/plain_text.h"

namespace rhizome::pipeline {
namespace {

// Readers accept the end marker anywhere in this much of the file's tail (ISO 32000-1, annex H.3).
constexpr size_t kTailBytes = 1024;

Status CheckPdf(std::string_view bytes) {
  if (bytes.substr(0, kTailBytes).find("%PDF-") == std::string_view::npos) {
    return Status::InvalidArgument("text", "not a PDF: it does not begin with %PDF-");
  }
  const std::string_view tail = bytes.substr(bytes.size() - std::min(bytes.size(), kTailBytes));
  if (tail.find("%%EOF") == std::string_view::npos) {
    return Status::InvalidArgument("text", "the PDF is cut off: its end marker (%%EOF) is missing");
  }
  return Status::Ok();
}

}  // namespace

Result<Document> ParsePdf(std::string_view bytes, const ParseOptions&) {
  RETURN_IF_ERROR(CheckPdf(bytes));
  return Status::FailedPrecondition("this build has no pdftotext to read PDF with");
}

}  // namespace rhizome::pipeline
