// Parsing: files and streams of seven formats to documents (docs/documents.md).
//
// Thread-safe: functions of their arguments. A PDF is read by `pdftotext` in a sandboxed subprocess; everything else
// in this process, every input bounded by ParseOptions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "pipeline/document.h"

namespace rhizome::pipeline {

// By the file name's ending; nullopt for one we do not read (an image, an archive).
std::optional<Format> FormatOfName(std::string_view name);

// By the name's ending, else by the first bytes; text when neither tells. "-" and "" count as no name.
Format DetectFormat(std::string_view name, std::string_view first_bytes);

// Reads an input to its end and hands each document to `sink`. JSON Lines and CSV go through piecewise, the other
// formats are held whole. `name` becomes the documents' source ("-" does not). Errors: InvalidArgument, TooLarge, what
// the source returned, and what the sink returned.
Status ParseStream(std::string_view name, const ByteSource& bytes, const ParseOptions& options,
                   const DocumentSink& sink);

// The same for bytes in memory; the first bad record fails all of it.
Result<std::vector<Document>> Parse(std::string_view name, std::string_view bytes, const ParseOptions& options = {});

// The same for a file. NotFound and IoError as the file system says them.
Status ParseFile(const std::string& path, const ParseOptions& options, const DocumentSink& sink);

}  // namespace rhizome::pipeline
