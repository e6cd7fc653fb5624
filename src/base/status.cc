#include "base/status.h"

namespace rhizome {

std::string_view CodeName(Code code) {
  switch (code) {
    case Code::kOk: return "ok";
    case Code::kInvalidArgument: return "invalid_argument";
    case Code::kNotFound: return "not_found";
    case Code::kAlreadyExists: return "already_exists";
    case Code::kTooLarge: return "too_large";
    case Code::kFailedPrecondition: return "failed_precondition";
    case Code::kReadOnly: return "read_only";
    case Code::kCorruption: return "corruption";
    case Code::kIoError: return "io_error";
    case Code::kNoSpace: return "no_space";
    case Code::kUnavailable: return "unavailable";
    case Code::kResourceExhausted: return "resource_exhausted";
    case Code::kDeadlineExceeded: return "deadline_exceeded";
    case Code::kCancelled: return "cancelled";
    case Code::kInternal: return "internal";
  }
  return "unknown";
}

Status::Status(Code code, std::string message, std::string field)
    : rep_(code == Code::kOk ? nullptr : std::make_shared<const Rep>(Rep{code, std::move(message), std::move(field)})) {
}

Status Status::Annotate(std::string_view context) const {
  if (ok()) return *this;
  return Status(rep_->code, std::string(context) + ": " + rep_->message, rep_->field);
}

std::string Status::ToString() const {
  if (ok()) return "ok";
  std::string text(CodeName(rep_->code));
  if (!rep_->field.empty()) text += " (" + rep_->field + ")";
  return text + ": " + rep_->message;
}

}  // namespace rhizome
