// Status and Result: the one way a function in Rhizome reports failure.
//
// A Status is OK or a code with a message for people; bad input also names the field at fault, so that the
// gateway can hand it to the client unchanged. An OK status is one null pointer: copying it costs nothing.
// Library exceptions are caught where they arise and become a Status; none cross a module boundary.
// Thread-safety: as an int.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"

namespace rhizome {

enum class Code {
  kOk = 0,
  kInvalidArgument,  // the caller's input is wrong; `field` says where
  kNotFound,
  kAlreadyExists,
  kTooLarge,            // a documented limit on size was passed
  kFailedPrecondition,  // right input, wrong state (a dimension already fixed, a shard still closing)
  kReadOnly,            // the shard accepts no writes: disk full or damage found
  kCorruption,          // bytes from disk or network are not what was written
  kIoError,             // the device said no; after a failed fsync this is final
  kNoSpace,             // ENOSPC or a quota
  kUnavailable,         // try again later
  kResourceExhausted,   // shed: a queue or budget is full
  kDeadlineExceeded,    // unknown outcome, not failed
  kCancelled,
  kInternal,
};

// The code's stable lower-case name ("invalid_argument"), as it appears in logs and problem documents.
std::string_view CodeName(Code code);

class [[nodiscard]] Status {
 public:
  Status() = default;  // OK
  Status(Code code, std::string message, std::string field = {});

  static Status Ok() { return Status(); }
  static Status InvalidArgument(std::string field, std::string message) {
    return Status(Code::kInvalidArgument, std::move(message), std::move(field));
  }
  static Status TooLarge(std::string field, std::string message) {
    return Status(Code::kTooLarge, std::move(message), std::move(field));
  }
  static Status NotFound(std::string message) { return Status(Code::kNotFound, std::move(message)); }
  static Status AlreadyExists(std::string message) { return Status(Code::kAlreadyExists, std::move(message)); }
  static Status FailedPrecondition(std::string message) {
    return Status(Code::kFailedPrecondition, std::move(message));
  }
  static Status ReadOnly(std::string message) { return Status(Code::kReadOnly, std::move(message)); }
  static Status Corruption(std::string message) { return Status(Code::kCorruption, std::move(message)); }
  static Status IoError(std::string message) { return Status(Code::kIoError, std::move(message)); }
  static Status NoSpace(std::string message) { return Status(Code::kNoSpace, std::move(message)); }
  static Status Unavailable(std::string message) { return Status(Code::kUnavailable, std::move(message)); }
  static Status ResourceExhausted(std::string message) { return Status(Code::kResourceExhausted, std::move(message)); }
  static Status DeadlineExceeded(std::string message) { return Status(Code::kDeadlineExceeded, std::move(message)); }
  static Status Cancelled(std::string message) { return Status(Code::kCancelled, std::move(message)); }
  static Status Internal(std::string message) { return Status(Code::kInternal, std::move(message)); }

  bool ok() const { return rep_ == nullptr; }
  Code code() const { return rep_ ? rep_->code : Code::kOk; }
  std::string_view message() const { return rep_ ? std::string_view(rep_->message) : std::string_view(); }
  // Path of the input field at fault ("points[3].vector"), empty when no field is.
  std::string_view field() const { return rep_ ? std::string_view(rep_->field) : std::string_view(); }

  // The same failure seen from one level up: "opening shard 4: disk full".
  Status Annotate(std::string_view context) const;
  // "corruption: bad checksum at offset 812"; "ok".
  std::string ToString() const;

 private:
  struct Rep {
    Code code;
    std::string message;
    std::string field;
  };
  std::shared_ptr<const Rep> rep_;
};

// A value or the Status that explains its absence. value() on a failure is a bug of ours and aborts.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}        // NOLINT: implicit by design
  Result(Status status) : state_(std::in_place_index<1>, std::move(status)) {  // NOLINT: implicit by design
    CHECK(!std::get<1>(state_).ok());
  }

  bool ok() const { return state_.index() == 0; }
  Status status() const { return ok() ? Status() : std::get<1>(state_); }
  T& value() & {
    CHECK(ok());
    return std::get<0>(state_);
  }
  const T& value() const& {
    CHECK(ok());
    return std::get<0>(state_);
  }
  // By value, so that `for (auto& x : F().value().items)` does not outlive what it walks.
  T value() && {
    CHECK(ok());
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Status> state_;
};

}  // namespace rhizome

#define RHIZOME_CONCAT_INNER(a, b) a##b
#define RHIZOME_CONCAT(a, b) RHIZOME_CONCAT_INNER(a, b)

// Leaves the enclosing function with the failure, if there is one.
#define RETURN_IF_ERROR(expr)                                                                   \
  do {                                                                                          \
    if (::rhizome::Status status_of_expr = (expr); !status_of_expr.ok()) return status_of_expr; \
  } while (false)

// ASSIGN_OR_RETURN(auto file, disk.Open(path)): declares or assigns `lhs`, or leaves with the failure.
#define ASSIGN_OR_RETURN(lhs, expr) ASSIGN_OR_RETURN_INNER(RHIZOME_CONCAT(result_of_expr_, __LINE__), lhs, expr)
#define ASSIGN_OR_RETURN_INNER(result, lhs, expr) \
  auto result = (expr);                           \
  if (!result.ok()) return result.status();       \
  lhs = std::move(result).value()
