// PDF to plain text by poppler's `pdftotext`, run as a sandboxed subprocess: its licence stays out of this program
// and a hostile file away from our memory.
#pragma once

#include "pipeline/document.h"

namespace rhizome::pipeline {

// One document, pages separated by empty lines. Errors: InvalidArgument for what is no PDF, is cut off (no end
// marker), is encrypted or has no text; DeadlineExceeded past pdf_timeout_ms; TooLarge for more text than
// document_len_max; FailedPrecondition when pdftotext is not installed. Blocks while the subprocess runs.
Result<Document> ParsePdf(std::string_view bytes, const ParseOptions& options);

}  // namespace rhizome::pipeline
