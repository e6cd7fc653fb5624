#include "cluster/database.h"

#include "base/hash.h"
#include "format/coding.h"

namespace rhizome::cluster {
namespace {

constexpr size_t kNameLengthMax = 128;
constexpr uint32_t kDimensionMax = 4096;
constexpr uint32_t kShardsMax = 64;
constexpr uint32_t kFactorMax = 16;

}  // namespace

Status ValidateSpec(const CollectionSpec& spec) {
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  if (spec.name.empty() || spec.name.size() > kNameLengthMax ||
      spec.name.find_first_not_of(kAllowed) != std::string::npos) {
    return Status::InvalidArgument("name", "must be 1 to 128 of the characters A-Z a-z 0-9 _ -");
  }
  if (spec.dimension > kDimensionMax) return Status::InvalidArgument("dimension", "must be at most 4096");
  if (spec.shards < 1 || spec.shards > kShardsMax) return Status::InvalidArgument("shards", "must be 1 to 64");
  if (spec.replication_factor < 1 || spec.replication_factor > kFactorMax) {
    return Status::InvalidArgument("replication_factor", "must be 1 to 16");
  }
  if (!spec.embedder.empty() && spec.dimension == 0) {
    return Status::InvalidArgument("dimension", "must be the embedder's, not 0");
  }
  return Status::Ok();
}

Status ValidateSearch(const SearchRequest& request) {
  if (request.top_k < 1 || request.top_k > 10'000) return Status::InvalidArgument("top_k", "must be 1 to 10000");
  if (request.mode != SearchMode::kText && request.vector.empty()) {
    return Status::InvalidArgument("vector", "is needed for a dense search");
  }
  if (request.mode != SearchMode::kDense && request.text.empty()) {
    return Status::InvalidArgument("query", "must not be empty for a text search");
  }
  return Status::Ok();
}

Status ValidateScroll(const ScrollRequest& request) {
  if (request.limit < 1 || request.limit > 10'000) return Status::InvalidArgument("limit", "must be 1 to 10000");
  return Status::Ok();
}

std::optional<format::RequestStamp> StampOf(const WriteOptions& options,
                                            std::span<const format::Operation> operations) {
  if (options.idempotency_key.empty()) return std::nullopt;
  format::RequestStamp stamp;
  const auto [high, low] = ContentHash(options.idempotency_key);
  format::StoreFixed(reinterpret_cast<char*>(stamp.key.data()), high);
  format::StoreFixed(reinterpret_cast<char*>(stamp.key.data()) + sizeof(high), low);
  stamp.content_hash = Checksum(format::EncodeBatch(operations));
  return stamp;
}

Status OtherRequest() { return Status::InvalidArgument("idempotency_key", "was used for another request"); }

std::optional<Consistency> ParseConsistency(std::string_view name) {
  if (name == "one") return Consistency::kOne;
  if (name == "quorum") return Consistency::kQuorum;
  if (name == "all") return Consistency::kAll;
  return std::nullopt;
}

}  // namespace rhizome::cluster
