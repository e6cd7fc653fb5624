// What is read over minutes while writes go on.
#include "engines/vector/engine.h"

namespace rhizome::vector {

Result<std::unique_ptr<RegisterView>> VectorEngine::ViewRegisters() const {
  MutexLock lock(apply_mutex_);  // between two batches, so database and index are of one LSN
  RETURN_IF_ERROR(CheckWhole());
  Moment moment = Now();
  moment.database.emplace(store_.TakeSnapshot());
  return std::unique_ptr<RegisterView>(new RegisterView(*this, std::move(moment), applied_lsn_.load()));
}

Status RegisterView::Scan(const std::function<bool(const format::RegisterVersion&)>& visit) const {
  return engine_.ScanRegisters("", visit, moment_.at());
}

Result<std::vector<std::optional<format::Operation>>> RegisterView::Read(std::span<const std::string> keys) const {
  std::vector<std::optional<format::Operation>> operations;
  for (size_t i = 0; i < keys.size(); ++i) {
    const Result<format::RegisterKey> key = format::ParseRegisterKey(keys[i]);
    if (!key.ok()) {
      return Status::InvalidArgument("keys[" + std::to_string(i) + "]", std::string(key.status().message()));
    }
    ASSIGN_OR_RETURN(std::optional<format::Operation> operation, engine_.ReadRegister(*key, moment_));
    operations.push_back(std::move(operation));
  }
  return operations;
}

}  // namespace rhizome::vector
