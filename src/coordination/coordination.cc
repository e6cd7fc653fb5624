#include "coordination/coordination.h"

#include <set>
#include <string_view>

namespace rhizome::coordination {
namespace {

Status CheckKey(const std::string& key, const std::string& field, std::set<std::string_view>& seen) {
  if (key.empty()) return Status::InvalidArgument(field, "must not be empty");
  if (key.size() > kKeyBytesMax) {
    return Status::TooLarge(field, "is longer than " + std::to_string(kKeyBytesMax) + " bytes");
  }
  if (!seen.insert(key).second) return Status::InvalidArgument(field, "stands in the transaction twice");
  return Status::Ok();
}

Status CheckChange(const Change& change, const std::string& field) {
  if (change.value && change.value->size() > kValueBytesMax) {
    return Status::TooLarge(field + ".value", "is longer than " + std::to_string(kValueBytesMax) + " bytes");
  }
  if (change.lease < 0 || (!change.value && change.lease != kNoLease)) {
    return Status::InvalidArgument(field + ".lease", "must be a lease's number, and none for a delete");
  }
  return Status::Ok();
}

Status TooMany(const std::string& field) {
  return Status::TooLarge(field, "has more than " + std::to_string(kChangesMax) + " entries");
}

}  // namespace

Status CheckTransaction(const Transaction& transaction) {
  if (transaction.expect.size() > kChangesMax) return TooMany("expect");
  if (transaction.changes.size() > kChangesMax) return TooMany("changes");
  size_t bytes = 0;
  std::set<std::string_view> expected;
  for (size_t i = 0; i < transaction.expect.size(); ++i) {
    const Expect& expect = transaction.expect[i];
    const std::string field = "expect[" + std::to_string(i) + "]";
    RETURN_IF_ERROR(CheckKey(expect.key, field + ".key", expected));
    if (expect.mod_revision < 0) return Status::InvalidArgument(field + ".mod_revision", "must not be negative");
    bytes += expect.key.size();
  }
  std::set<std::string_view> changed;
  for (size_t i = 0; i < transaction.changes.size(); ++i) {
    const Change& change = transaction.changes[i];
    const std::string field = "changes[" + std::to_string(i) + "]";
    RETURN_IF_ERROR(CheckKey(change.key, field + ".key", changed));
    RETURN_IF_ERROR(CheckChange(change, field));
    bytes += change.key.size() + (change.value ? change.value->size() : 0);
  }
  if (bytes <= kTransactionBytesMax) return Status::Ok();
  return Status::TooLarge("changes", "hold more than " + std::to_string(kTransactionBytesMax) + " bytes together");
}

Status CheckPrefix(const std::string& prefix) {
  if (prefix.size() <= kKeyBytesMax) return Status::Ok();
  return Status::TooLarge("prefix", "is longer than " + std::to_string(kKeyBytesMax) + " bytes");
}

Status CheckLeaseTtl(int64_t ttl_ms) {
  if (ttl_ms >= 1 && ttl_ms <= kLeaseTtlMsMax) return Status::Ok();
  return Status::InvalidArgument("ttl_ms", "must be 1 to " + std::to_string(kLeaseTtlMsMax));
}

}  // namespace rhizome::coordination
