#include "memory/document_task.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "format/coding.h"

namespace rhizome::memory {

std::string EncodeDocumentTask(const DocumentTask& task) {
  std::string out;
  format::PutBytes(out, task.collection);
  format::PutBytes(out, task.document.Encode());
  return out;
}

Result<DocumentTask> DecodeDocumentTask(std::string_view bytes) {
  format::Decoder in(bytes);
  DocumentTask task;
  std::string_view document;
  if (!in.Bytes(task.collection) || !in.Bytes(document)) return in.Failure("task of a document");
  RETURN_IF_ERROR(in.Finish("task of a document"));
  ASSIGN_OR_RETURN(task.document, format::PointId::Decode(document));
  return task;
}

workers::Submission SubmissionOf(const std::string& collection, const format::PointId& document, Version version) {
  workers::Submission submission;
  submission.version = version;
  submission.payload = EncodeDocumentTask({collection, document});
  const auto [high, low] = ContentHash(submission.payload);
  submission.task = fmt::format("{:016x}{:016x}-{:x}.{:x}", high, low, version.time, version.node);
  submission.key = collection + ":" + document.ToString();
  submission.stage = std::string(workers::kExtract);
  return submission;
}

}  // namespace rhizome::memory
