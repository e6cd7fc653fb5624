#include "gateway/backend.h"

namespace rhizome::gateway {

void BackendSlot::Publish(const Backend& backend) {
  CHECK(backend.database != nullptr && backend.ingestor != nullptr && backend.operations != nullptr);
  const MutexLock lock(mutex_);
  backend_ = backend;
}

void BackendSlot::Explain(std::string reason) {
  const MutexLock lock(mutex_);
  reason_ = std::move(reason);
}

Result<Backend> BackendSlot::Get() const {
  const MutexLock lock(mutex_);
  if (backend_.database == nullptr) return Status::Unavailable("not ready: " + reason_);
  return backend_;
}

}  // namespace rhizome::gateway
