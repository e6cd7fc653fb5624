#include "memory/extract_stage.h"

#include "format/coding.h"
#include "format/graph_key.h"
#include "memory/derive.h"
#include "memory/document_task.h"
#include "workers/settings.h"

namespace rhizome::memory {

void DocumentText::Append(std::string_view chunk) {
  const auto begin = static_cast<uint32_t>(text.size());
  text += chunk;
  chunks.push_back({begin, static_cast<uint32_t>(text.size())});
  text += "\n\n";
}

Result<format::GraphOperation> Deriver::Derive(const std::string& collection, const format::PointId& document) {
  ASSIGN_OR_RETURN(const auto read, read_(collection, document));
  const format::GraphOrigin origin{format::GraphOrigin::Kind::kDocument, document};
  if (!read) return format::GraphOperation{{}, format::DeleteRegister{format::GraphKeyOf(origin)}};
  std::unique_ptr<extract::Extractor> extractor = Borrow();
  const extract::Extraction extraction = extractor->Extract(read->title, read->text, read->chunks);
  Return(std::move(extractor));
  return format::GraphOperation{{}, format::PutDerivation{origin, DerivationOf(extraction)}};
}

std::unique_ptr<extract::Extractor> Deriver::Borrow() {
  MutexLock lock(mutex_);
  if (idle_.empty()) return std::make_unique<extract::Extractor>();
  std::unique_ptr<extract::Extractor> extractor = std::move(idle_.back());
  idle_.pop_back();
  return extractor;
}

void Deriver::Return(std::unique_ptr<extract::Extractor> extractor) {
  MutexLock lock(mutex_);
  idle_.push_back(std::move(extractor));
}

std::vector<workers::Outcome> ExtractJobs(Deriver& deriver, std::span<const workers::Job> jobs) {
  std::vector<workers::Outcome> outcomes(jobs.size());
  for (size_t i = 0; i < jobs.size(); ++i) {
    const auto task = DecodeDocumentTask(jobs[i].payload);
    auto operation = task.ok() ? deriver.Derive(task->collection, task->document) : task.status();
    // The collection was dropped meanwhile.
    if (task.ok() && operation.status().code() == Code::kNotFound) continue;
    outcomes[i].status = operation.status();
    if (!operation.ok()) continue;
    operation->version = jobs[i].version;
    outcomes[i].next.push_back(
        {std::string(workers::kResolve), EncodeResolveTask({task->collection, std::move(operation).value()})});
  }
  return outcomes;
}

std::string EncodeResolveTask(const ResolveTask& task) {
  std::string out;
  format::PutBytes(out, task.collection);
  format::PutBytes(out, format::EncodeGraphBatch(std::span(&task.operation, 1)));
  return out;
}

Result<ResolveTask> DecodeResolveTask(std::string_view bytes) {
  format::Decoder in(bytes);
  ResolveTask task;
  std::string_view batch;
  if (!in.Bytes(task.collection) || !in.Bytes(batch)) return in.Failure("task of a derivation");
  RETURN_IF_ERROR(in.Finish("task of a derivation"));
  ASSIGN_OR_RETURN(auto operations, format::DecodeGraphBatch(batch));
  if (operations.size() != 1) return Status::Corruption("a task of a derivation holds one operation");
  task.operation = std::move(operations[0]);
  return task;
}

}  // namespace rhizome::memory
