// The task of a document: its bytes, its id, its place in the queue. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "base/version.h"
#include "format/point.h"
#include "workers/intake.h"

namespace rhizome::memory {

struct DocumentTask {
  std::string collection;
  format::PointId document;
};
std::string EncodeDocumentTask(const DocumentTask& task);
Result<DocumentTask> DecodeDocumentTask(std::string_view bytes);

// A task of stage ingest.extract. The same document at the same version is the same task.
workers::Submission SubmissionOf(const std::string& collection, const format::PointId& document, Version version);

}  // namespace rhizome::memory
