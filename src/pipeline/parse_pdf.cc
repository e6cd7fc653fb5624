#include "pipeline/parse_pdf.h"

#include <fmt/format.h>

#include <algorithm>

#include "io/subprocess.h"
#include "pipeline/plain_text.h"

namespace rhizome::pipeline {
namespace {

// Readers look for the header and the end marker in this much of either end (ISO 32000-1, annex H.3).
constexpr size_t kEndBytes = 1024;

Status CheckPdf(std::string_view bytes) {
  if (bytes.substr(0, kEndBytes).find("%PDF-") == std::string_view::npos) {
    return Status::InvalidArgument("text", "not a PDF: it does not begin with %PDF-");
  }
  const std::string_view tail = bytes.substr(bytes.size() - std::min(bytes.size(), kEndBytes));
  if (tail.find("%%EOF") == std::string_view::npos) {
    return Status::InvalidArgument("text", "the PDF is cut off: its end marker (%%EOF) is missing");
  }
  return Status::Ok();
}

// The first line of what the program complained about.
std::string FirstComplaint(const io::SubprocessResult& result) {
  const std::string_view line = std::string_view(result.error).substr(0, result.error.find('\n'));
  if (!line.empty()) return std::string(line);
  return result.signal != 0 ? fmt::format("ended by signal {}", result.signal)
                            : fmt::format("exit code {}", result.exit_code);
}

}  // namespace

Result<Document> ParsePdf(std::string_view bytes, const ParseOptions& options) {
  RETURN_IF_ERROR(CheckPdf(bytes));
  io::SubprocessOptions run;
  run.arguments = {"pdftotext", "-enc", "UTF-8", "-eol", "unix", "-nopgbrk", "-", "-"};
  run.input = bytes;
  run.output_bytes_max = options.document_len_max;
  run.deadline_ms = options.pdf_timeout_ms;
  run.cpu_seconds_max = static_cast<uint64_t>(options.pdf_timeout_ms) / 1000 + 1;
  Result<io::SubprocessResult> result = io::RunSandboxed(run);
  if (!result.ok()) {
    const Status& status = result.status();
    if (status.code() == Code::kNotFound) {
      return Status::FailedPrecondition("pdftotext is not installed (Debian package poppler-utils)");
    }
    if (status.code() == Code::kTooLarge) return Status::TooLarge("text", "the PDF has more text than a document may");
    return status.Annotate("pdftotext");
  }
  if (result->exit_code != 0) {
    return Status::InvalidArgument("text", fmt::format("the PDF cannot be read: {}", FirstComplaint(*result)));
  }
  Document document{.format = Format::kPdf};
  ASSIGN_OR_RETURN(document.text, CleanText(TrimWhiteSpace(result->output), "text", /*repair=*/true));
  if (document.text.empty()) {
    return Status::InvalidArgument("text", "the PDF has no text: it may be a scan, or damaged");
  }
  return document;
}

}  // namespace rhizome::pipeline
